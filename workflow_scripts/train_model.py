"""Train one network on one label selection, with one fold held out, and predict every clip."""

from pathlib import Path
from typing import Any

from earmark import (
    checkpoints,
    classifier,
    hardware,
    labels,
    manifest,
    models,
    recipes,
    seeds,
    store,
    tables,
    verdict,
)
from earmark.runtime import job


def main(
    *,
    table: str,
    feature_file: str,
    selection: str,
    weights: str,
    facts: str,
    history: str,
    predictions: str,
    cfg: dict[str, Any],
    seed: int,
    system: str,
    fold: int,
    threads: int,
    machine: dict[str, Any],
    code: str,
) -> None:
    """Write weights (safetensors), facts (JSON), history (CSV) and predictions (HDF5).

    ``cfg`` has ``network``, ``network_options``, ``recipe`` and ``validation``. Predictions cover
    train and test clips: self-training needs the former, ensembles and scores the latter.
    """
    seed = seeds.derive_seed(seed, "model", system, fold)
    place = hardware.prepare(threads, seed, machine)
    clips, chosen = manifest.read(table), labels.read(selection)
    recipe = recipes.from_settings(cfg["recipe"])
    checkpoint = checkpoints.Checkpoint(
        Path(weights).with_name("checkpoint.pt"),
        checkpoints.fingerprint([cfg, seed, fold, code], [table, feature_file, selection]),
    )
    with store.FeatureStore(feature_file) as features, checkpoint.held():
        task = classifier.make_task(features, clips, chosen, fold, cfg["validation"])
        classes = len(task.classes)
        module = classifier.build_for(
            features, recipe, cfg["network"], cfg["network_options"], classes
        )
        figures = classifier.train(module, features, task, recipe, place, checkpoint, seed)
        rows = features.rows_of(clips["fname"])
        found = classifier.predict(module, features, rows, recipe, place, classes)
        classifier.check_predictions(clips["fname"].tolist(), found, recipe)
        store.write_predictions(predictions, clips["fname"].tolist(), found, task.classes)
        models.save(
            weights,
            facts,
            module,
            classes=task.classes,
            feature=features.settings,
            fold=fold,
            network=cfg["network"],
            network_options=cfg["network_options"],
            recipe=cfg["recipe"],
            learned=verdict.of_classifier(
                f"{system}, fold {fold},", task.train, task.validation, task.classes, rows, found
            ),
        )
        tables.write_table(figures, history)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
