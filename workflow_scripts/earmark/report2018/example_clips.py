"""Chooses example clips for figures: of median length, so neither a click nor a long drone.

The choice depends on clips and labels alone. Of an even number of clips it is the shorter of the
middle two; clips of equal length are in the order of their names.
"""

import numpy as np
import pandas as pd

from earmark.dataset import clips
from earmark.labels import label_table, selections
from earmark.runtime.errors import EarmarkError


def read(labels_table: str, clips_table: str) -> pd.DataFrame:
    """Rows of the usable train clips: label, verified, and the columns of the clips table."""
    table = clips.read(clips_table)
    labelled = selections.labelled(label_table.read(labels_table), table)
    return labelled[["clip", "label", "verified"]].merge(table, on="clip")


def of_label(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the row (1, ...) of the verified train clip of median length with this label.

    Raises EarmarkError when no usable verified train clip has the label.
    """
    verified = rows[rows["verified"] == 1]
    with_label = verified[verified["label"] == label]
    if with_label.empty:
        labels = ", ".join(sorted(verified["label"].unique())) or "none"
        raise EarmarkError(
            f"A figure needs a usable, verified train clip of '{label}', and there is none. Verify "
            f"one. There are verified clips of: {labels}."
        )
    return _median(with_label)


def of_different_labels(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return rows (up to ``count``, ...) of clips whose labels differ.

    They are evenly spaced in the sorted labels; fewer labels give fewer rows. Raises EarmarkError
    without any clip.
    """
    labels = sorted(rows["label"].unique())
    if not labels:
        raise EarmarkError("A figure needs a usable train clip, and there is none. Add clips.")
    chosen = np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(int)
    return pd.concat([_median(rows[rows["label"] == labels[index]]) for index in chosen])


def _median(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = rows.sort_values(["seconds", "clip"])
    middle = (len(ordered) - 1) // 2
    return ordered.iloc[middle : middle + 1]
