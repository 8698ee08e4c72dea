"""The labels of each train clip, labels.csv: those of the train list, with people's corrections.

Columns: clip, label, present (1: the clip has this label), verified (0 or 1), origin {list,
correction}. There is one row per clip and label; today each clip has one label. What relies on
that: the loss, metrics, folds, spreading, pseudo-labels, t-SNE and the submission.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import tables
from earmark.labels import corrections as corrections_file
from earmark.runtime.errors import EarmarkError

COLUMNS = ("clip", "label", "present", "verified", "origin")
NUMBERS = dict.fromkeys(("present", "verified"), int)


def read(path: str | Path) -> pd.DataFrame:
    """Read labels.csv; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of labels", NUMBERS)


def classes_of(labels: pd.DataFrame) -> list[str]:
    """Class names in the order of their numbers."""
    return sorted(labels["label"].unique())


def make(listed: pd.DataFrame, corrections: pd.DataFrame | None, path: str) -> pd.DataFrame:
    """Return the labels of a train list (fname, label, verified) after people's corrections.

    ``corrections`` are rows of ``corrections.read``. Raises EarmarkError, with the list's ``path``,
    where it has fewer than two classes, or a class is left without a verified clip.
    """
    table = pd.DataFrame(
        {
            "clip": listed["fname"],
            "label": listed["label"],
            "present": 1,
            "verified": listed["verified"],
            "origin": "list",
        }
    )
    classes = classes_of(table)
    if len(classes) < 2:
        raise EarmarkError(
            f"All {len(table)} clips of {path} have the label '{classes[0]}': there is nothing to "
            f"tell apart. List clips of two classes or more, for example of '{classes[0]}' and "
            f"'Other'."
        )
    if corrections is not None:
        table = corrections_file.apply(table, corrections)
    check_verified(table, classes, path)
    return table.reset_index(drop=True)


def check_verified(table: pd.DataFrame, classes: Sequence[str], path: str) -> None:
    """Raise EarmarkError where one of the ``classes`` of ``path`` has no verified clip in it."""
    without = sorted(set(classes) - set(table.loc[table["verified"] == 1, "label"]))
    if without:
        raise EarmarkError(
            f"The class '{without[0]}' of {path} has no usable clip with manually_verified 1 "
            f"({len(without)} such classes of {len(classes)}). Its labels could neither be spread "
            f"nor validated: listen to some of its clips and mark the right ones with 1."
        )
