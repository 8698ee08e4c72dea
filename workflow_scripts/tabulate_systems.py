"""Write a table of systems: reported and measured MAP@3, and each line's gain."""

from typing import Any

from earmark.evaluation import comparison, scoring
from earmark.report2018 import report_tables
from earmark.report2018.reported_values import TEST_CLIPS, TEST_ERROR
from earmark.reporting import web_page
from earmark.runtime import job

REMARKS = (
    "MAP@3 is the mean over all clips and seeds, its standard error is over clips. The interval of "
    f"a difference comes from {comparison.RESAMPLES:,} paired bootstrap resamples of the clips.",
    f"Reported scores are on {TEST_CLIPS} test clips, where the standard error is about "
    f"{TEST_ERROR}.",
)
OUT_OF_FOLD = (
    "The column MAP@3 is measured on verified train clips that the models did not learn from, as "
    "the ground truth of the test clips is not known."
)


def main(*, clip_scores: str, csv: str, page: str, cfg: dict[str, Any], seed: int) -> None:
    """Write one line per system as CSV and as a web page.

    ``clip_scores`` is clip_scores.csv, or out_of_fold.csv where the test clips' ground truth is
    unknown. ``cfg`` has a ``title`` and ``rows``, a list of {title, entry, reported: numbers}.
    """
    clips = scoring.read_clip_scores(clip_scores)
    table = report_tables.systems(clips, cfg["rows"], seed)
    shown = table.dropna(axis="columns", how="all").rename(columns=report_tables.HEADINGS)
    remarks = [*REMARKS, *([OUT_OF_FOLD] if (clips["usage"] == scoring.VALIDATION).any() else [])]
    web_page.write_table(table, shown, cfg["title"], 3, remarks, csv, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
