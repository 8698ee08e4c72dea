"""Draw the thresholds of each self-training, round by round."""

from typing import Any

from earmark.reporting import figures, training_curves
from earmark.runtime import job


def main(*, png: str, svg: str, cfg: dict[str, Any]) -> None:
    """Write the figure of ``cfg["schedules"]``: ``rounds`` and ``schedule`` of each system."""
    figures.save(training_curves.thresholds(cfg["schedules"]), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
