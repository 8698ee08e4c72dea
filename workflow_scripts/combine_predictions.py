"""Average the members of an ensemble, or the folds of one system, for the test clips."""

from typing import Any

from earmark.dataset import tables
from earmark.evaluation import calibration, combining, predictions, submission
from earmark.runtime import job


def main(
    *,
    members: list[str],
    calibrations: list[str],
    combined: str,
    guesses: str,
    cfg: dict[str, Any],
) -> None:
    """Write the test clips' mean probabilities (HDF5) and three best guesses (CSV).

    ``members`` are the test clips' predictions by each of ``cfg["members"]``, whose folds are
    averaged first; they are not calibrated. ``cfg`` further has the ``name`` of the system or
    ensemble, ``kind`` and ``exponent``. A weighted mean needs its members' ``calibrations``.
    """
    by_system = combining.read_means(dict(zip(cfg["members"], members, strict=True)))
    scores = calibration.read_all(dict(zip(cfg["members"], calibrations, strict=False)))
    mean = combining.combine(cfg["name"], cfg, by_system, scores)
    predictions.write(combined, mean)
    tables.write_table(submission.make(mean.clips, mean.probabilities, mean.classes), guesses)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
