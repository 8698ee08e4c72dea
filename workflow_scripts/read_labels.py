"""Read the train list, apply people's corrections, and write labels.csv."""

from pathlib import Path

import pandas as pd

from earmark.dataset import clip_lists, tables
from earmark.labels import corrections as corrections_file
from earmark.labels import label_table
from earmark.runtime import job


def main(*, train_list: str, corrections: list[str], table: str) -> None:
    """Write labels.csv; ``corrections`` is empty or names one file."""
    listed = pd.DataFrame(clip_lists.train_rows(Path(train_list)))
    decisions = None
    if corrections:
        decisions = corrections_file.read(corrections[0], sorted(listed["label"].unique()))
    tables.write_table(label_table.make(listed, decisions, train_list), table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
