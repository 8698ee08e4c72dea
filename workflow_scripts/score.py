"""Score submissions against the published truth; the only script that reads it."""

from typing import Any

import pandas as pd

from earmark.dataset import tables
from earmark.evaluation import scoring, submission
from earmark.reporting import webpage
from earmark.reporting.markdown import Section
from earmark.runtime import job

BETWEEN_SEEDS = ("Each seed trains every system anew. The deviation is between their scores.",)


def main(
    *,
    truth: str,
    submissions: list[str],
    scores: str,
    page: str,
    clip_scores: str,
    cfg: dict[str, Any],
) -> None:
    """Write scores.csv, the same as a web page, and the clips' scores that they are means of.

    ``cfg["systems"]`` gives (system, seed) of each submission.
    """
    known = scoring.read_truth(truth)
    rows, parts = [], []
    for (system, seed), path in zip(cfg["systems"], submissions, strict=True):
        parts.append(scoring.score_clips(system, seed, submission.read(path), known))
        rows += scoring.score(system, seed, parts[-1])
    table = pd.DataFrame(rows, columns=list(scoring.COLUMNS))
    tables.write_table(table, scores)
    tables.write_table(pd.concat(parts, ignore_index=True), clip_scores)
    shown, remarks = scoring.for_reading(table), scoring.remarks(table)
    sections = [Section("Scores on the test clips", shown, 3, remarks)]
    if table["seed"].nunique() > 1:
        means = scoring.means_over_seeds(table)
        sections.insert(0, Section("Means over seeds", means, 3, BETWEEN_SEEDS))
    webpage.write(sections, page, scores)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
