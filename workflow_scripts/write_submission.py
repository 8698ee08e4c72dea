"""Check an ensemble's guesses and make them the submission."""

import logging

import pandas as pd

from earmark.dataset import tables
from earmark.evaluation import predictions, submission
from earmark.reporting import webpage
from earmark.reporting.markdown import Section
from earmark.runtime import job
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

GUESSES = ("first guess", "second guess", "third guess")


def main(*, index_table: str, combined: str, guesses: str, submitted: str, page: str) -> None:
    """Copy ``guesses`` to ``submitted``, and to a web page, if they are a complete submission.

    One row per test clip in the order of ``index_table``, each with different class names of
    ``combined``, the probabilities. Raises EarmarkError otherwise.
    """
    tests = tables.read_table(index_table, ("clip",), "index of clips")["clip"].tolist()
    classes = set(predictions.read(combined).classes)
    found = submission.read(guesses)
    if list(found) != tests:
        raise EarmarkError(
            f"{guesses} does not list the {len(tests)} test clips in their order. Delete it; the "
            f"next run makes it anew."
        )
    for fname, named in found.items():
        if len(set(named)) != min(3, len(classes)) or not set(named) <= classes:
            raise EarmarkError(
                f"{guesses} guesses '{' '.join(named)}' for {fname}, not three different classes. "
                f"Delete it; the next run makes it anew."
            )
    tables.write_table(tables.read_table(guesses, ("fname", "label"), "submission"), submitted)
    shown = pd.DataFrame.from_dict(found, orient="index").rename(columns=GUESSES.__getitem__)
    shown = shown.reset_index(names="test clip")
    remark = f"Three guesses for each of {len(tests)} test clips, the likeliest first."
    webpage.write([Section("The submission", shown, 0, [remark])], page, submitted)
    log.info("Wrote %s with %d rows.", submitted, len(tests))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
