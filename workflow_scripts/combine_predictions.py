"""Average the members of an ensemble, or the folds of one system, for the test clips."""

from typing import Any

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

    ``members`` are the test clips' predictions by each of ``cfg["members"]``, whose folds are
    averaged first. ``cfg`` further has the ``name`` of the system or ensemble, ``kind`` and
    ``exponent``. A weighted mean needs ``train_predictions`` and ``labels_table``, one file.
    """
    scores = None
    if train_predictions:
        of_train = dict(zip(cfg["members"], map(predictions.read, train_predictions), strict=True))
        scores = out_of_fold.weighing_scores(of_train, label_table.read(labels_table[0]))
    means = [predictions.read(path).mean_of_folds() for path in members]
    of_test = dict(zip(cfg["members"], means, strict=True))
    mean = ensemble.combine_predictions(cfg["name"], cfg, of_test, means[0].clips, scores)
    predictions.write(combined, mean)
    tables.write_table(submission.make(mean.clips, mean.probabilities, mean.classes), guesses)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
