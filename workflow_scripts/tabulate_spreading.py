"""Put the counts of label spreading into the report's group tables."""

from typing import Any

import pandas as pd

from earmark.dataset import tables
from earmark.report2018 import report_tables, reported_figures
from earmark.reporting import webpage
from earmark.reporting.markdown import Section, write_both
from earmark.runtime import job

REMARK = (
    "Undecided clips are those that no verified clip reached. The reported figures count the "
    f"{reported_figures.TRAIN_CLIPS:,} train clips of FSDKaggle2018, the others the data set of "
    "this run."
)


def main(*, summary: str, csv: str, markdown: str, page: str, cfg: dict[str, Any]) -> None:
    """Write one table per spreading: below each other as CSV, under headings as Markdown and HTML.

    ``summary`` is spreading.csv. ``cfg`` has ``spreadings``, which names the group scheme of each
    spreading, or one ``spreading`` and its ``scheme``.
    """
    wanted = cfg["spreadings"] if "spreadings" in cfg else {cfg["spreading"]: cfg["scheme"]}
    columns = ("spreading", "group", *report_tables.COUNTED)
    found = tables.read_table(summary, columns, "summary of spreading")
    parts = [report_tables.spreading(found, name, scheme) for name, scheme in wanted.items()]
    sections = [
        Section(
            f"Label spreading, scheme {scheme}: {name}",
            part.drop(columns=["spreading", "scheme"]),
            2,
            [REMARK],
        )
        for (name, scheme), part in zip(wanted.items(), parts, strict=True)
    ]
    write_both(pd.concat(parts, ignore_index=True), sections, csv, markdown)
    webpage.write(sections, page, csv)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
