"""Put the rounds of a self-training into the report's table."""

from typing import Any

import pandas as pd

from earmark.labels import selections
from earmark.report2018 import report_tables
from earmark.reporting import webpage
from earmark.reporting.markdown import Section, write_both
from earmark.runtime import job

REMARKS = (
    "Round 0 is the base model. Clips are those trained on, without the held-out fold; accuracies "
    "are those of the best epoch, and the last line repeats the best round.",
)
REPORTED = "The reported figures are of FSDKaggle2018; its validation clips have noisy labels."


def main(
    *,
    histories: list[str],
    pseudo: list[str],
    csv: str,
    markdown: str,
    page: str,
    cfg: dict[str, Any],
) -> None:
    """Write one line per round as CSV, as Markdown and as a web page.

    ``histories`` are those of the base model and of each round, in order; ``pseudo`` the tables of
    pseudo-labels of each round. Without the base's history the rounds are counted from 1 all the
    same. ``cfg`` has ``title`` and ``setting``: A, B or null.
    """
    table = report_tables.selftraining(
        [pd.read_csv(path) for path in histories],
        [len(selections.read(path)) for path in pseudo],
        cfg["setting"],
    )
    remarks = [*REMARKS, *([REPORTED] if cfg["setting"] is not None else [])]
    sections = [Section(cfg["title"], table, 4, remarks)]
    write_both(table, sections, csv, markdown)
    webpage.write(sections, page, csv)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
