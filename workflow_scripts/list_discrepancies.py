"""List where Earmark departs from the report, and the option for the report's way."""

import pandas as pd

from earmark.report2018 import reported_figures
from earmark.reporting import webpage
from earmark.reporting.markdown import Section, write_both
from earmark.runtime import job


def main(*, csv: str, markdown: str, page: str) -> None:
    """Write section, report, earmark, option: one line per departure."""
    table = pd.DataFrame(
        reported_figures.DISCREPANCIES, columns=reported_figures.Discrepancy._fields
    )
    shown = table.rename(
        columns={
            "report": "the report or its code",
            "earmark": "Earmark",
            "option": "option for the report's way",
        }
    )
    sections = [Section("Departures from the report of 2018", shown)]
    write_both(table, sections, csv, markdown)
    webpage.write(sections, page, csv)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
