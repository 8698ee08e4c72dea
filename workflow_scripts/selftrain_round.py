"""One round of self-training: label the pool with the last weights, train on base and pool."""

import logging
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
    selftraining,
    store,
    tables,
    verdict,
)
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    table: str,
    feature_file: str,
    selection: str,
    weights_before: str | None,
    predictions_before: str | None,
    weights: str,
    facts: str,
    history: str,
    predictions: str,
    pseudo: str,
    cfg: dict[str, Any],
    seed: int,
    system: str,
    fold: int,
    round_number: int,
    threads: int,
    machine: dict[str, Any],
    code: str,
) -> None:
    """Train on the base ``selection`` and the pool's clips within the round's bounds.

    ``cfg`` has ``network``, ``network_options``, ``recipe``, ``validation`` and ``schedule``. The
    pool's probabilities come from ``predictions_before``; test clips are never in the pool. Without
    files of a stage before, the round starts from an untrained network, as the report's setting B
    did. ``pseudo`` gets the labels that the round added.
    """
    seed = seeds.derive_seed(seed, "selftraining", system, fold, round_number)
    place = hardware.prepare(threads, seed, machine)
    clips, base = manifest.read(table), labels.read(selection)
    recipe = recipes.from_settings(cfg["recipe"])
    schedule = selftraining.Schedule(**cfg["schedule"])
    pool = selftraining.pool_of(clips, base, fold)
    lower = schedule.lower(round_number)
    checkpoint = checkpoints.Checkpoint(
        Path(weights).with_name("checkpoint.pt"),
        checkpoints.fingerprint(
            [cfg, seed, fold, code],
            [
                path
                for path in (table, feature_file, selection, weights_before, predictions_before)
                if path
            ],
        ),
    )
    with store.FeatureStore(feature_file) as features, checkpoint.held():
        classes = classifier.classes_of(clips)
        module = classifier.build_for(
            features, recipe, cfg["network"], cfg["network_options"], len(classes)
        )
        if weights_before and predictions_before:
            models.load(module, weights_before)
            probabilities, _ = store.read_predictions(predictions_before, pool)
        else:
            pool_rows = features.rows_of(pool)
            probabilities = classifier.predict(
                module.to(place.device), features, pool_rows, recipe, place, len(classes)
            )
        added = selftraining.pseudo_labels(pool, probabilities, classes, lower, schedule.upper)
        log.info(
            "Round %d keeps %d of %d clips with %.2f < p < %.2f.",
            round_number,
            len(added),
            len(pool),
            lower,
            schedule.upper,
        )
        if len(pool) and added.empty:
            log.warning(
                "%s, fold %d, round %d adds no clip: the highest probability of none of %d lies "
                "between %.2f and %.2f. Another `lower_first` or `upper` under `selftraining` in "
                "the config lets some in.",
                system,
                fold,
                round_number,
                len(pool),
                lower,
                schedule.upper,
            )
        tables.write_table(added, pseudo)
        task = classifier.make_task(
            features, clips, labels.concatenate([base, added]), fold, cfg["validation"]
        )
        figures = classifier.train(module, features, task, recipe, place, checkpoint, seed)
        figures.insert(0, "clips", len(task.train))
        figures.insert(0, "round", round_number)
        rows = features.rows_of(clips["fname"])
        found = classifier.predict(module, features, rows, recipe, place, len(classes))
        classifier.check_predictions(clips["fname"].tolist(), found, recipe)
        store.write_predictions(predictions, clips["fname"].tolist(), found, classes)
        models.save(
            weights,
            facts,
            module,
            classes=classes,
            feature=features.settings,
            fold=fold,
            network=cfg["network"],
            network_options=cfg["network_options"],
            recipe=cfg["recipe"],
            round=round_number,
            learned=verdict.of_classifier(
                f"{system}, fold {fold}, round {round_number},",
                task.train,
                task.validation,
                classes,
                rows,
                found,
            ),
        )
        tables.write_table(figures, history)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
