"""Assign the train clips, by their listed labels, to validation folds."""

from typing import Any

from earmark.dataset import folds, listed, tables
from earmark.runtime import job


def main(
    *, listed_table: str, index_table: str, table: str, cfg: dict[str, Any], seed: int
) -> None:
    """Write folds.csv; ``cfg`` has the number of ``folds``."""
    clips = listed.read(listed_table)
    content = tables.read_table(index_table, ("clip", "hash"), "index of clips")
    clips = clips.merge(content[["clip", "hash"]], on="clip", how="left").fillna({"hash": ""})
    folds.warn_of_contradictions(clips)
    if (clips["fold"] != "").any():
        out = clips.assign(fold=clips["fold"].replace("", "-1").astype(int))[list(folds.COLUMNS)]
    else:
        out = folds.draw(clips, cfg["folds"], seed)
    tables.write_table(out, table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
