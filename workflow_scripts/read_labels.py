"""Read the listed labels, apply people's corrections, and write labels.csv."""

from earmark.dataset import listed, tables
from earmark.labels import corrections as corrections_file
from earmark.labels import label_table
from earmark.runtime import job


def main(*, listed_table: str, corrections: list[str], table: str) -> None:
    """Write labels.csv; ``corrections`` is empty or names one file."""
    clips = listed.read(listed_table)
    decisions = None
    if corrections:
        decisions = corrections_file.read(corrections[0], sorted(clips["label"].unique()))
    tables.write_table(label_table.make(clips, decisions), table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
