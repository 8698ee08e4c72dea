"""Score submissions against the published truth; the only script that reads it."""

from typing import Any

import pandas as pd

from earmark import job, layout, scoring, submission, tables


def main(
    *,
    truth: str,
    submissions: list[str],
    scores: str,
    clip_scores: str,
    cfg: dict[str, Any],
    fetched: str | None = None,
) -> None:
    """Write scores.csv, and the scores of each clip that they are means of.

    ``cfg["systems"]`` gives (system, seed) of each submission. The truth of a fetched data set,
    which is no file of the workflow, lies in its folder ``fetched``.
    """
    known = scoring.read_truth(layout.zenodo_layout(fetched).test_truth if fetched else truth)
    rows, parts = [], []
    for (system, seed), path in zip(cfg["systems"], submissions, strict=True):
        parts.append(scoring.score_clips(system, seed, submission.read(path), known))
        rows += scoring.score(system, seed, parts[-1])
    tables.write_table(pd.DataFrame(rows, columns=list(scoring.COLUMNS)), scores)
    tables.write_table(pd.concat(parts, ignore_index=True), clip_scores)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
