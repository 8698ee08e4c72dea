"""One round of self-training: label the pool with the last weights, train on base and pool."""

from typing import Any

from earmark.dataset import folds, tables
from earmark.features import store
from earmark.inference import hardware, predicting
from earmark.labels import label_table, pseudo_labels, selections
from earmark.networks import saved_models
from earmark.runtime import job
from earmark.training import checkpoints, classifier, recipes, seeds


def main(
    *,
    selection: str,
    folds_table: str,
    feature_file: str,
    weights_before: list[str],
    weights: str,
    facts: str,
    history: str,
    pseudo: str,
    cfg: dict[str, Any],
    code: str,
    threads: int,
    machine: dict[str, Any],
) -> None:
    """Train on the base ``selection`` and the pool's clips within the round's bounds.

    ``cfg`` is as for ``train_model``, and has the ``round`` and the ``schedule``. Test clips are
    never in the pool. ``weights_before`` is the file of the stage before; without one, the round
    starts from an untrained network, as the report's setting B did. ``pseudo`` gets the labels that
    the round added.
    """
    seed = seeds.derive_seed(cfg["seed"], "selftraining", cfg["system"], cfg["fold"], cfg["round"])
    place = hardware.prepare(threads, seed, machine)
    recipe = recipes.from_settings(cfg["recipe"])
    inputs = {"selection": selection, "folds": folds_table, "features": feature_file}
    if weights_before:
        inputs["weights_before"] = weights_before[0]
    checkpoint = checkpoints.beside(weights, [cfg, code, place.numerics()], inputs.values())
    base, held_out = selections.read(selection), folds.read(folds_table)
    name = f"{cfg['system']}, seed {cfg['seed']}, fold {cfg['fold']}, round {cfg['round']}"
    with store.FeatureStore(feature_file) as features, checkpoint.held():
        classes = label_table.classes_of(base)
        model = classifier.build(features, len(classes), cfg)
        if weights_before:
            saved_models.load(model, weights_before[0])
        pool = pseudo_labels.pool_of(base, held_out, cfg["fold"])
        # The labels that come of it are the same, whatever precision training takes.
        exact = hardware.for_predicting(place, machine)
        probabilities = predicting.predict(
            model.to(exact.device),
            features,
            features.rows_of(pool),
            recipe.crops,
            exact,
            len(classes),
        )
        added = pseudo_labels.choose(name, pool, probabilities, classes, cfg)
        tables.write_table(added, pseudo)
        labels = selections.with_pseudo_labels(base, added)
        data = classifier.split(features, labels, held_out, cfg["fold"], cfg["validation"])
        trained = classifier.train(model, features, data, recipe, place, checkpoint, seed, name)
        trained.history.insert(0, "clips", len(data.train))
        trained.history.insert(0, "round", cfg["round"])
        outputs = {"weights": weights, "facts": facts, "history": history}
        classifier.save(model, features, data, place, trained, outputs, name, cfg, inputs, code)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
