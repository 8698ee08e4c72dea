"""Draw loss and accuracy of one system, through all its self-training rounds."""

from typing import Any

import pandas as pd

from earmark import job, plots


def main(*, histories: list[str], figure: str, cfg: dict[str, Any]) -> None:
    """Write the curves of ``histories``, which are in the order of training."""
    parts = [pd.read_csv(path).assign(round=number) for number, path in enumerate(histories)]
    plots.save(plots.training_curves(pd.concat(parts, ignore_index=True), cfg["title"]), figure)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
