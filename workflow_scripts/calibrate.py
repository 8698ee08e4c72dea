"""Fit a system's temperature on the verified clips that its models held out."""

import logging
from typing import Any

from earmark.evaluation import calibration, out_of_fold, predictions
from earmark.labels import label_table
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(*, predicted: str, labels_table: str, calibrated: str, cfg: dict[str, Any]) -> None:
    """Write the calibration of the system ``cfg["system"]`` from its out-of-fold predictions."""
    found = out_of_fold.calibrate(predictions.read(predicted), label_table.read(labels_table))
    calibration.write(calibrated, found)
    log.info(
        "%s has the temperature %.3f, by %d verified clips held out (with fewer than %d it is 1).",
        *(cfg["system"], found.temperature, found.clips, calibration.FEWEST_CLIPS),
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
