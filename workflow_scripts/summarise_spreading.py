"""Count labels before and after spreading, by group."""

from typing import Any

import pandas as pd

from earmark.dataset.tables import write_table
from earmark.labels import spreading
from earmark.runtime import job


def main(*, groups: list[str], summary: str, cfg: dict[str, Any]) -> None:
    """Write one row per group, and one for all groups of a spreading together.

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
    write_table(pd.DataFrame(rows), summary)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
