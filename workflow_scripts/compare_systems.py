"""Compare pairs of systems or ensembles clip by clip."""

import logging
from typing import Any

import pandas as pd

from earmark.dataset import folds, tables
from earmark.evaluation import comparison, scoring
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    clip_scores: list[str],
    folds_table: str,
    comparisons: str,
    classes: str,
    cfg: dict[str, Any],
) -> None:
    """Write the comparisons of all clips, and of the clips of each class where labels are known.

    ``cfg["pairs"]`` has two names by title, ``cfg["on"]`` says what each of the ``clip_scores``
    (out_of_fold.csv, clip_scores.csv) is about.
    """
    recordings = folds.read(folds_table)
    parts = []
    for on, path in zip(cfg["on"], clip_scores, strict=True):
        scores = scoring.read_clip_scores(path)
        for title, (system, other) in cfg["pairs"].items():
            part = comparison.compare(scores, system, other, recordings)
            names = dict(zip(("title", "a", "b", "on"), (title, system, other, on), strict=True))
            parts.append(pd.DataFrame([names] * len(part)).join(part))
            log.info("%s", comparison.sentence(part, system, other, on), extra={"terminal": True})
    found = pd.concat(parts, ignore_index=True).round(6)
    of_all = found["label"] == ""
    tables.write_table(found[of_all].drop(columns="label"), comparisons)
    tables.write_table(found[~of_all], classes)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
