"""Write the report's group table of label spreading."""

from typing import Any

from earmark.dataset.tables import read_table
from earmark.report2018 import report_tables, reported_values
from earmark.reporting import web_page
from earmark.runtime import job

REMARK = (
    "Undecided clips are those that no verified clip reached. Reported numbers are of the "
    f"{reported_values.TRAIN_CLIPS:,} train clips of FSDKaggle2018, the others of this run's data."
)


def main(*, summary: str, csv: str, page: str, cfg: dict[str, Any]) -> None:
    """Write the group table of one ``spreading`` as CSV and as a web page.

    ``summary`` is spreading.csv. ``cfg`` has the ``spreading`` and the group ``scheme`` whose
    reported numbers are added.
    """
    counts = read_table(summary, ("spreading", "group"), "summary of spreading")
    table = report_tables.spreading(counts, cfg["spreading"], cfg["scheme"])
    title = f"Label spreading, scheme {cfg['scheme']}: {cfg['spreading']}"
    shown = table.drop(columns=["spreading", "scheme"])
    web_page.write_table(table, shown, title, 2, [REMARK], csv, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
