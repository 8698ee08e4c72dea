"""The labels of each train clip, labels.csv: those of the train list, with people's corrections.

Columns: clip, label, present (1: the clip has this label), verified (0 or 1), origin {list,
correction}. There is one row per clip and label; today each clip has one label. What relies on
that: the loss, metrics, folds, spreading, pseudo-labels, t-SNE and the submission.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import tables
from earmark.labels import corrections as corrections_file
from earmark.runtime.errors import EarmarkError, examples, printable

log = logging.getLogger("earmark")

COLUMNS = ("clip", "label", "present", "verified", "origin")
NUMBERS = dict.fromkeys(("present", "verified"), int)


def read(path: str | Path) -> pd.DataFrame:
    """Read labels.csv; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of labels", NUMBERS)


def classes_of(labels: pd.DataFrame) -> list[str]:
    """Class names in the order of their numbers."""
    return sorted(labels["label"].unique())


def make(listed: pd.DataFrame, corrections: pd.DataFrame | None) -> pd.DataFrame:
    """Return the listed labels (clip, label, verified) after people's corrections.

    ``corrections`` are rows of ``corrections.read``. Raises EarmarkError where there are fewer than
    two classes, or a class is left without a verified clip.
    """
    table = pd.DataFrame(
        {
            "clip": listed["clip"],
            "label": listed["label"],
            "present": 1,
            "verified": listed["verified"],
            "origin": "list",
        }
    )
    classes = classes_of(table)
    if len(classes) < 2:
        raise EarmarkError(
            f"All {len(table)} train clips have the label '{printable(classes[0])}': there is "
            f"nothing to tell apart. List clips of two classes or more, for example of "
            f"'{printable(classes[0])}' and 'Other'."
        )
    like_lists = [f"'{label}'" for label in classes if re.search(r",\S", label)]
    if like_lists:
        log.warning(
            f"{len(like_lists)} classes look like lists of labels (such as "
            f"{examples(like_lists)}): each is learned as one class. If they are lists, write one "
            f"label for each clip."
        )
    if corrections is not None:
        table = corrections_file.apply(table, corrections)
    check_verified(table, classes)
    return table.reset_index(drop=True)


def check_verified(table: pd.DataFrame, classes: Sequence[str]) -> None:
    """Raise EarmarkError where one of the ``classes`` has no verified clip in ``table``."""
    without = sorted(set(classes) - set(table.loc[table["verified"] == 1, "label"]))
    if without:
        raise EarmarkError(
            f"The class '{printable(without[0])}' has no usable verified clip ({len(without)} such "
            f"classes of {len(classes)}). Its labels could neither be spread nor validated: listen "
            f"to some of its clips and mark the right ones as verified in your list, or leave the "
            f"class out."
        )
