"""Train one network on one selection of labels, with one fold held out or none."""

from typing import Any

from earmark.dataset import folds
from earmark.inference import predicting
from earmark.labels import label_table, selections
from earmark.runtime import job
from earmark.training import classifier, recipes, seeds, training_job


def main(
    *,
    selection: str,
    folds_table: list[str],
    feature_file: str,
    models_of_folds: list[str],
    weights: str,
    metadata: str,
    history: str,
    cfg: dict[str, Any],
    code: str,
    threads: int,
    hardware_settings: dict[str, Any],
) -> None:
    """Write weights (safetensors), metadata (JSON) and history (CSV).

    ``cfg`` has ``system``, ``seed``, ``fold``, ``network``, ``network_options``, ``recipe`` and
    ``validation``. With the fold "all" no clip is held out and there is no table of folds; where
    validation decides how long to train, ``models_of_folds`` are the metadata of the folds' models.
    """
    seed = seeds.derive_seed(cfg["seed"], "model", cfg["system"], cfg["fold"])
    name = f"{cfg['system']}, seed {cfg['seed']}, fold {cfg['fold']}"
    inputs = {"selection": selection, "features": feature_file}
    if folds_table:
        inputs["folds"] = folds_table[0]
    cfg = recipes.for_every_clip(cfg, models_of_folds)
    outputs = {"weights": weights, "metadata": metadata, "history": history}
    with training_job.open_training_job(
        name, seed, cfg, inputs, outputs, code, threads, hardware_settings
    ) as training:
        labels = selections.read(selection)
        model = predicting.build_for(training.features, cfg, len(label_table.classes_of(labels)))
        classifier.train_and_save(training, model, labels, folds.read_any(folds_table))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
