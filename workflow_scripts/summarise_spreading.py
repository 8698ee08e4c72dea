"""Put the groups' counts before and after spreading into one table."""

from typing import Any

import pandas as pd

from earmark.dataset import tables
from earmark.labels import spreading
from earmark.reporting import webpage
from earmark.reporting.markdown import Section
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
    read = [tables.read_table(path, spreading.COLUMNS, "spreading table") for path in groups]
    rows = []
    for name in dict.fromkeys(spread for spread, _ in cfg["groups"]):
        parts = [
            (group, table)
            for (spread, group), table in zip(cfg["groups"], read, strict=True)
            if spread == name
        ]
        rows += [spreading.summary_row(name, group, table) for group, table in parts]
        together = pd.concat([table for _, table in parts])
        rows.append(spreading.summary_row(name, "together", together))
    found = pd.DataFrame(rows)
    tables.write_table(found, summary)
    shown = found.rename(columns={"percent_after": "percent verified after"})
    webpage.write([Section("Labels before and after spreading", shown, 1, REMARKS)], page, summary)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
