"""Choose which labels a system is trained on, and their weights."""

from typing import Any

from earmark.dataset import clips, tables
from earmark.labels import label_table, selections, spreading
from earmark.runtime import job


def main(
    *, labels_table: str, clips_table: str, groups: list[str], selection: str, cfg: dict[str, Any]
) -> None:
    """Write a selection; ``groups`` are the files of its spreading, or empty."""
    promoted: set[str] = set()
    for table in map(spreading.read, groups):
        promoted |= set(table.loc[table["state"] == "promoted", "clip"])
    labelled = selections.labelled(label_table.read(labels_table), clips.read(clips_table))
    tables.write_table(selections.select(labelled, promoted, cfg["rest_weight"]), selection)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
