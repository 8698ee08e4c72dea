"""Decide which train clips are learned from, with which label and weight."""

from typing import Any

from earmark import labels, manifest, spreading, tables
from earmark.runtime import job


def main(
    *, table: str, selection: str, cfg: dict[str, Any], groups: list[str] | None = None
) -> None:
    """Write the label table of a selection; ``groups`` are the files of its spreading, if any."""
    promoted: set[str] = set()
    for path in groups or []:
        found = tables.read_table(path, spreading.COLUMNS, "spreading table")
        promoted |= set(found.loc[found["state"] == "promoted", "fname"])
    chosen = labels.select(manifest.read(table), promoted, cfg["rest_weight"])
    tables.write_table(chosen, selection)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
