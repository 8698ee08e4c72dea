"""Count labels before and after spreading, by group."""

from typing import Any

import pandas as pd

from earmark.labels import spreading
from earmark.reporting import table_pages
from earmark.reporting.table_pages import Section
from earmark.runtime import job

REMARKS = (
    "Within a group, verified labels spread to similar clips. A clip whose given label equals the "
    "label it receives is promoted and counts as verified from then on; if they differ the clip is "
    "rejected, and if it receives none it stays undecided.",
)


def main(*, groups: list[str], summary: str, page: str, cfg: dict[str, Any]) -> None:
    """Write one row per group, and one for all groups of a spreading together; also as a web page.

    ``cfg["groups"]`` lists (spreading, group) of each file in ``groups``.
    """
    parts: dict[str, dict[str, pd.DataFrame]] = {}
    for (name, group), path in zip(cfg["groups"], groups, strict=True):
        parts.setdefault(name, {})[group] = spreading.read(path)
    rows = [
        spreading.summary_row(name, group, table)
        for name, tables in parts.items()
        for group, table in {**tables, "together": pd.concat(tables.values())}.items()
    ]
    counts = pd.DataFrame(rows)
    shown = counts.rename(columns={"percent_after": "percent verified after"})
    sections = [Section("Labels before and after spreading", shown, 1, REMARKS)]
    table_pages.write(counts, sections, summary, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
