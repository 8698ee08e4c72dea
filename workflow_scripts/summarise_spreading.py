"""Put the groups' counts before and after spreading into one table."""

from typing import Any

import pandas as pd

from earmark import job, spreading, tables


def main(*, groups: list[str], summary: str, cfg: dict[str, Any]) -> None:
    """Write one row per group, and one for all groups of a spreading together.

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
    tables.write_table(pd.DataFrame(rows), summary)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
