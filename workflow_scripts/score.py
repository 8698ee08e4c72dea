"""Score submissions against the published truth; the only script that reads it."""

from typing import Any

import pandas as pd

from earmark import job, scoring, submission, tables


def main(*, truth: str, submissions: list[str], scores: str, cfg: dict[str, Any]) -> None:
    """Write scores.csv; ``cfg["systems"]`` gives (system, seed) of each submission."""
    known = scoring.read_truth(truth)
    rows = []
    for (system, seed), path in zip(cfg["systems"], submissions, strict=True):
        rows += scoring.score(system, seed, submission.read(path), known)
    tables.write_table(pd.DataFrame(rows, columns=list(scoring.COLUMNS)), scores)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
