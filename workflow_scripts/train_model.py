"""Train one network on one selection of labels, with one fold held out."""

from typing import Any

from earmark.dataset import folds
from earmark.inference import predicting
from earmark.labels import label_table, selections
from earmark.runtime import job
from earmark.training import classifier, seeds, training_job


def main(
    *,
    selection: str,
    folds_table: str,
    feature_file: str,
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
    ``validation``.
    """
    seed = seeds.derive_seed(cfg["seed"], "model", cfg["system"], cfg["fold"])
    name = f"{cfg['system']}, seed {cfg['seed']}, fold {cfg['fold']}"
    inputs = {"selection": selection, "folds": folds_table, "features": feature_file}
    outputs = {"weights": weights, "metadata": metadata, "history": history}
    with training_job.open_training_job(
        name, seed, cfg, inputs, outputs, code, threads, hardware_settings
    ) as training:
        labels = selections.read(selection)
        model = predicting.build_for(training.features, cfg, len(label_table.classes_of(labels)))
        classifier.train_and_save(training, model, labels, folds.read(folds_table))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
