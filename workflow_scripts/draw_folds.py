"""Assign the train clips to validation folds: the list's official ones, or drawn ones."""

from typing import Any

from earmark.dataset import folds, listed, tables
from earmark.runtime import job


def main(
    *, listed_table: str, index_table: str, table: str, cfg: dict[str, Any], seed: int
) -> None:
    """Write folds.csv; ``cfg`` has the number of ``folds`` to draw where none are official."""
    clips = listed.read(listed_table)
    content = tables.read_table(index_table, ("clip", "hash", "start", "end"), "index of clips")
    tables.write_table(folds.make(clips, content, cfg["folds"], seed), table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
