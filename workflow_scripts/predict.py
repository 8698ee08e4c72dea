"""What a system's finished models of one seed say of the clips of one part."""

from typing import Any

import numpy as np

from earmark.dataset import clips, folds
from earmark.evaluation import predictions
from earmark.features import store
from earmark.inference import hardware, predicting
from earmark.runtime import job


def main(
    *,
    table: str,
    feature_file: str,
    folds_table: list[str],
    weights: list[str],
    facts: list[str],
    predicted: str,
    cfg: dict[str, Any],
    threads: int,
    machine: dict[str, Any],
) -> None:
    """Write the predictions of the clips in ``table`` (see ``predictions``).

    There is one file of ``weights`` and ``facts`` for each of ``cfg["folds"]``. With a table of
    folds, each clip that may be learned from is predicted by the model that held out its fold;
    without, all clips are by all of them.
    """
    place = hardware.prepare(threads, 0, machine, predicting=True)
    known = clips.read(table)
    names = known["clip"].tolist()
    found = []
    with store.FeatureStore(feature_file) as features:
        rows = features.rows_of(names)
        asked = [np.arange(len(names))] * len(weights)
        if folds_table:
            fold_of = folds.read(folds_table[0]).set_index("clip")["fold"]
            held_out = fold_of.reindex(names).fillna(-1).to_numpy()
            usable = known["use"].to_numpy() == 1
            asked = [np.flatnonzero(usable & (held_out == fold)) for fold in cfg["folds"]]
        for own, described, wanted in zip(weights, facts, asked, strict=True):
            module, crops, model = predicting.load(features, own, described)
            values = np.full((len(names), len(model["classes"])), np.nan, np.float32)
            values[wanted] = predicting.predict(
                module.to(place.device),
                features,
                rows[wanted],
                crops,
                place,
                len(model["classes"]),
            )
            asked_names = [names[index] for index in wanted]
            predicting.check(asked_names, values[wanted], model["recipe"]["learning_rate"])
            found.append(predictions.Predictions(names, model["classes"], values))
    values = np.stack([one.probabilities for one in found])
    if folds_table:
        # No clip is in two folds: of each, at most one model knows something.
        values = np.fmax.reduce(values, axis=0)
    classes = predictions.same_classes(found, predicted)
    predictions.write(predicted, predictions.Predictions(names, classes, values))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
