"""Assign the train clips, by their listed labels, to validation folds."""

from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import clip_lists, folds, tables
from earmark.runtime import job


def main(*, train_list: str, index_table: str, table: str, cfg: dict[str, Any], seed: int) -> None:
    """Write folds.csv; ``cfg`` has the number of ``folds``. Each clip is its own recording."""
    listed = pd.DataFrame(clip_lists.train_rows(Path(train_list))).rename(columns={"fname": "clip"})
    content = tables.read_table(index_table, ("clip", "hash"), "index of clips")
    listed = listed.merge(content[["clip", "hash"]], on="clip", how="left")
    listed = listed.fillna({"hash": ""}).assign(recording=listed["clip"])
    folds.warn_of_contradictions(listed)
    tables.write_table(folds.draw(listed, cfg["folds"], seed), table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
