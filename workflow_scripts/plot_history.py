"""Draw loss and accuracy of one system, through all its self-training rounds."""

from typing import Any

import pandas as pd

from earmark.reporting import figures, training_curves
from earmark.runtime import job


def main(*, histories: list[str], png: str, svg: str, cfg: dict[str, Any]) -> None:
    """Write the curves of ``histories``: the base model's, if any, then those of its rounds.

    ``cfg`` has the ``title`` and the ``rounds`` of the histories, where the base is 0.
    """
    parts = [
        pd.read_csv(path).assign(round=number)
        for number, path in zip(cfg["rounds"], histories, strict=True)
    ]
    history = pd.concat(parts, ignore_index=True)
    figures.save(training_curves.training_curves(history, cfg["title"]), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
