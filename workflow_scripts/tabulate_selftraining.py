"""Write the report's table of the rounds of a self-training."""

import json
from pathlib import Path
from typing import Any

from earmark.labels import selections
from earmark.report2018 import report_tables
from earmark.reporting import web_page
from earmark.runtime import job

REMARKS = (
    "Round 0 is the base model. Clips are those trained on, without the fold held out; accuracies "
    "are those of the epoch whose weights were kept, and the last line repeats the best round.",
    "Reported numbers, where there are any, are of FSDKaggle2018, with unverified labels among "
    "those of the validation clips.",
)


def main(
    *, metadata: list[str], pseudo: list[str], csv: str, page: str, cfg: dict[str, Any]
) -> None:
    """Write one line per round as CSV and as a web page.

    ``metadata`` (model.json) are those of the base model, if any, and of each round, ``pseudo`` the
    tables of pseudo-labels of each round. ``cfg`` has ``title``, ``setting`` (A, B or null), and
    the ``rounds``: the number of each model, where the base is 0.
    """
    rounds = {
        number: json.loads(Path(path).read_text(encoding="utf-8"))
        for number, path in zip(cfg["rounds"], metadata, strict=True)
    }
    added = {number: len(selections.read(path)) for number, path in enumerate(pseudo, start=1)}
    table = report_tables.selftraining(rounds, added, cfg["setting"])
    web_page.write_table(table, table, cfg["title"], 4, REMARKS, csv, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
