"""Average the members of an ensemble, or the folds of one system, for the test clips."""

from typing import Any

from earmark.dataset import tables
from earmark.evaluation import combining, predictions, submission
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
    mean = combining.combine_files(cfg, members, train_predictions, labels_table)
    predictions.write(combined, mean)
    tables.write_table(submission.make(mean.clips, mean.probabilities, mean.classes), guesses)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
