"""Train one network on one selection of labels, with one fold held out."""

from typing import Any

from earmark.dataset import folds
from earmark.features import store
from earmark.inference import hardware
from earmark.labels import selections
from earmark.runtime import job
from earmark.training import checkpoints, classifier, recipes, seeds


def main(
    *,
    selection: str,
    folds_table: str,
    feature_file: str,
    weights: str,
    facts: str,
    history: str,
    cfg: dict[str, Any],
    code: str,
    threads: int,
    machine: dict[str, Any],
) -> None:
    """Write weights (safetensors), facts (JSON) and history (CSV).

    ``cfg`` has ``system``, ``seed``, ``fold``, ``network``, ``network_options``, ``recipe`` and
    ``validation``.
    """
    seed = seeds.derive_seed(cfg["seed"], "model", cfg["system"], cfg["fold"])
    place = hardware.prepare(threads, seed, machine)
    recipe = recipes.from_settings(cfg["recipe"])
    inputs = {"selection": selection, "folds": folds_table, "features": feature_file}
    checkpoint = checkpoints.beside(weights, [cfg, code, place.numerics()], inputs.values())
    with store.FeatureStore(feature_file) as features, checkpoint.held():
        data = classifier.split(
            features,
            selections.read(selection),
            folds.read(folds_table),
            cfg["fold"],
            cfg["validation"],
        )
        model = classifier.build(features, len(data.classes), cfg)
        name = f"{cfg['system']}, seed {cfg['seed']}, fold {cfg['fold']}"
        trained = classifier.train(model, features, data, recipe, place, checkpoint, seed, name)
        outputs = {"weights": weights, "facts": facts, "history": history}
        classifier.save(model, features, data, place, trained, outputs, name, cfg, inputs, code)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
