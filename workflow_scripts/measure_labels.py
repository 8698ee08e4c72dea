"""Measure how clean the labels of each selection are, where the train clips' truth is known."""

from typing import Any

import pandas as pd

from earmark.evaluation import label_quality
from earmark.labels import selections as selections_table
from earmark.reporting import table_pages
from earmark.reporting.table_pages import Section
from earmark.runtime import job

REMARKS = (
    "The selection 'given' is all labels as they came, the others are what networks learn from. "
    "Verified labels were checked by people. Promoted ones were not, but the verified labels of "
    "similar clips agree with them. Unverified ones are the others, as the data set has them. "
    "Right are labels that agree with the truth, which nothing is trained on.",
)


def main(
    *, truth: str, selections: list[str], quality: str, page: str, cfg: dict[str, Any]
) -> None:
    """Write selection, source, labels, right, precision, also as a web page.

    The selection "given" holds all labels, whatever their weight. ``cfg["names"]`` names each file
    in ``selections``.
    """
    known = label_quality.truth_table(truth)
    read = [selections_table.read(path) for path in selections]
    # A selection has all usable clips: those as they came are the same in each.
    as_given = read[0]["source"].where(read[0]["verified"] == 1, "unverified")
    named = {"given": read[0].assign(source=as_given)}
    named |= {
        name: selections.training_rows(table)
        for name, table in zip(cfg["names"], read, strict=True)
    }
    rows = []
    for name, chosen in named.items():
        for source, part in chosen.groupby("source", sort=False):
            right, count = label_quality.count_correct(part, known)
            share = round(right / count, 4) if count else float("nan")
            rows.append((name, source, count, right, share))
    columns = ["selection", "source", "labels", "right", "precision"]
    table = pd.DataFrame(rows, columns=columns)
    shown = table.rename(columns={"precision": "share right"})
    table_pages.write(table, [Section("How clean the labels are", shown, 3, REMARKS)], quality, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
