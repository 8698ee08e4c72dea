"""One round of self-training: pseudo-label the pool, then train on base and pseudo-labels."""

from typing import Any

from earmark.dataset import folds, tables
from earmark.inference import predicting
from earmark.labels import label_table, pseudo_labels, selections
from earmark.networks import saved_models
from earmark.runtime import job
from earmark.training import classifier, recipes, seeds, training_job


def main(
    *,
    selection: str,
    folds_table: list[str],
    feature_file: str,
    models_of_folds: list[str],
    weights_before: list[str],
    weights: str,
    metadata: str,
    history: str,
    pseudo: str,
    cfg: dict[str, Any],
    code: str,
    threads: int,
    hardware_settings: dict[str, Any],
) -> None:
    """Train on the base ``selection`` and the pool's clips within the round's bounds.

    ``cfg`` is as for ``train_model``, with ``round``, and ``schedule`` or ``agreement``. Test clips
    are never in the pool. ``weights_before`` is the file of the round or base before; without one,
    the round starts from an untrained network, as in the report's setting B. ``pseudo`` is the
    table of the labels that the round added.
    """
    seed = seeds.derive_seed(cfg["seed"], "selftraining", cfg["system"], cfg["fold"], cfg["round"])
    name = f"{cfg['system']}, seed {cfg['seed']}, fold {cfg['fold']}, round {cfg['round']}"
    inputs = {"selection": selection, "features": feature_file}
    if folds_table:
        inputs["folds"] = folds_table[0]
    if weights_before:
        inputs["weights_before"] = weights_before[0]
    cfg = recipes.for_every_clip(cfg, models_of_folds)
    outputs = {"weights": weights, "metadata": metadata, "history": history}
    with training_job.open_training_job(
        name, seed, cfg, inputs, outputs, code, threads, hardware_settings
    ) as training:
        base, folds_of_clips = selections.read(selection), folds.read_any(folds_table)
        classes = label_table.classes_of(base)
        model = predicting.build_for(training.features, cfg, len(classes))
        if weights_before:
            saved_models.load(model, weights_before[0])
        pool = pseudo_labels.pool_of(base, folds_of_clips, cfg["fold"], "agreement" in cfg)
        probabilities = classifier.predict(training, model, pool, len(classes))
        given = dict(zip(base["clip"], base["label"], strict=True))
        added = pseudo_labels.choose(name, pool, probabilities, classes, given, cfg)
        tables.write_table(added, pseudo)
        labels = selections.with_pseudo_labels(base, pool, added)
        classifier.train_and_save(training, model, labels, folds_of_clips)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
