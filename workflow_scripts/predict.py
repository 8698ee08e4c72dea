"""Predict the clips of one part by a system's finished models of one seed."""

from typing import Any

import numpy as np

from earmark.dataset import clips, folds
from earmark.evaluation import predictions
from earmark.features import store
from earmark.inference import predicting
from earmark.inference.hardware import choose_hardware
from earmark.runtime import job


def main(
    *,
    table: str,
    feature_file: str,
    folds_table: list[str],
    weights: list[str],
    metadata: list[str],
    predicted: str,
    cfg: dict[str, Any],
    threads: int,
    hardware_settings: dict[str, Any],
) -> None:
    """Write the predictions of the clips in ``table`` (see ``predictions``).

    There is one file of ``weights`` and ``metadata`` for each of ``cfg["folds"]``. With a table of
    folds, each usable train clip is predicted by the model that held out its fold; without it, all
    models predict all clips.
    """
    hardware = choose_hardware(threads, 0, hardware_settings, predicting=True)
    clip_table = clips.read(table)
    names = clip_table["clip"].tolist()
    members = []
    with store.FeatureStore(feature_file) as features:
        rows = features.rows_of(names)
        indices_of = [np.arange(len(names))] * len(weights)
        if folds_table:
            fold_of = folds.read(folds_table[0]).set_index("clip")["fold"]
            held_out = fold_of.reindex(names).fillna(-1).to_numpy()
            usable = clip_table["use"].to_numpy() == 1
            indices_of = [np.flatnonzero(usable & (held_out == fold)) for fold in cfg["folds"]]
        for weights_file, metadata_file, indices in zip(weights, metadata, indices_of, strict=True):
            module, crops, model = predicting.load(features, weights_file, metadata_file)
            classes = model["classes"]
            predicted_rows = predicting.predict(
                module.to(hardware.device), features, rows[indices], crops, hardware, len(classes)
            )
            used_clips = [names[index] for index in indices]
            predicting.check_finite(used_clips, predicted_rows, model["recipe"]["learning_rate"])
            values = np.full((len(names), len(classes)), np.nan, np.float32)
            values[indices] = predicted_rows
            members.append(predictions.Predictions(names, classes, values))
    values = np.stack([member.probabilities for member in members])
    if folds_table:
        # Each clip is in at most one fold, so at most one model has predicted it.
        values = np.fmax.reduce(values, axis=0)
    classes = predictions.same_classes(members, predicted)
    predictions.write(predicted, predictions.Predictions(names, classes, values))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
