"""Put systems into the report's table: reported and measured MAP@3, and each line's gain."""

from typing import Any

from earmark.evaluation import scoring
from earmark.report2018 import report_tables
from earmark.reporting import webpage
from earmark.reporting.markdown import Section, write_both
from earmark.runtime import job


def main(
    *,
    clip_scores: str,
    csv: str,
    markdown: str,
    page: str,
    cfg: dict[str, Any],
    seed: int,
) -> None:
    """Write one line per system as CSV, as Markdown and as a web page.

    ``clip_scores`` is clip_scores.csv, or, where the test clips' truth is unknown, out_of_fold.csv.
    ``cfg`` has a ``title``, ``rows``, which is a
    list of {title, entry, reported: a number, several or null, and perhaps note},
    ``reported_clips`` and ``reported_error``: how many clips the reported figures are of, and
    their standard error.
    """
    clips = scoring.read_clip_scores(clip_scores)
    table = report_tables.systems(
        clips, cfg["rows"], cfg["reported_clips"], cfg["reported_error"], seed
    )
    shown = Section(
        cfg["title"],
        report_tables.systems_for_reading(table),
        3,
        report_tables.systems_remarks(clips, table),
    )
    write_both(table, [shown], csv, markdown)
    webpage.write([shown], page, csv)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
