"""Put the groups' counts before and after spreading into one table."""

from typing import Any

import pandas as pd

from earmark.dataset.tables import read_table
from earmark.labels import spreading
from earmark.reporting import table_pages
from earmark.reporting.table_pages import Section
from earmark.runtime import job

REMARKS = (
    "Within a group, verified labels flow to clips that are similar. A clip whose own label agrees "
    "with what arrives is promoted and counts as verified from then on; where it does not agree "
    "the clip is rejected, and where nothing arrives it stays undecided.",
)


def main(*, groups: list[str], summary: str, page: str, cfg: dict[str, Any]) -> None:
    """Write one row per group, and one for all groups of a spreading together; also as a web page.

    ``cfg["groups"]`` lists (spreading, group) of each file in ``groups``.
    """
    parts: dict[str, dict[str, pd.DataFrame]] = {}
    for (name, group), path in zip(cfg["groups"], groups, strict=True):
        table = read_table(path, spreading.COLUMNS, "spreading table")
        parts.setdefault(name, {})[group] = table
    rows = [
        spreading.summary_row(name, group, table)
        for name, own in parts.items()
        for group, table in {**own, "together": pd.concat(own.values())}.items()
    ]
    counts = pd.DataFrame(rows)
    shown = counts.rename(columns={"percent_after": "percent verified after"})
    sections = [Section("Labels before and after spreading", shown, 1, REMARKS)]
    table_pages.write(counts, sections, summary, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
