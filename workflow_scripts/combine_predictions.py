"""Average the members of an ensemble, or the folds of one system, for the test clips."""

from typing import Any

import numpy as np

from earmark.dataset import tables
from earmark.evaluation import ensemble, out_of_fold, predictions, submission
from earmark.labels import label_table
from earmark.runtime import job


def main(
    *,
    members: list[str],
    train_predictions: list[str],
    labels_table: list[str],
    combined: str,
    guesses: str,
    cfg: dict[str, Any],
) -> None:
    """Write the test clips' mean probabilities (HDF5) and three best guesses (CSV).

    ``members`` are the predictions of the test clips by each of ``cfg["members"]``; the folds of
    one member are averaged first. ``cfg`` further has ``kind`` and ``exponent``. For a weighted
    mean, ``train_predictions`` are the members', and ``labels_table`` is one file.
    """
    read = [predictions.read(path) for path in members]
    classes = predictions.same_classes(read, combined)
    scores = None
    if train_predictions:
        of_train = map(predictions.read, train_predictions)
        own = dict(zip(cfg["members"], of_train, strict=True))
        scores = out_of_fold.weighing_scores(own, label_table.read(labels_table[0]))
    means = [np.mean(member.probabilities, axis=0) for member in read]
    mean = ensemble.combine(cfg["kind"], means, scores, cfg["exponent"])
    clips = read[0].clips
    predictions.write(combined, predictions.Predictions(clips, classes, mean))
    tables.write_table(submission.make(clips, mean, classes), guesses)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
