"""Score submissions against the published truth; the only script that reads it."""

from typing import Any

import pandas as pd

from earmark import job, scoring, submission, tables


def main(
    *, truth: str, submissions: list[str], scores: str, clip_scores: str, cfg: dict[str, Any]
) -> None:
    """Write scores.csv, and the scores of each clip that they are means of.

    ``cfg["systems"]`` gives (system, seed) of each submission.
    """
    known = scoring.read_truth(truth)
    rows, parts = [], []
    for (system, seed), path in zip(cfg["systems"], submissions, strict=True):
        parts.append(scoring.score_clips(system, seed, submission.read(path), known))
        rows += scoring.score(system, seed, parts[-1])
    tables.write_table(pd.DataFrame(rows, columns=list(scoring.COLUMNS)), scores)
    tables.write_table(pd.concat(parts, ignore_index=True), clip_scores)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
