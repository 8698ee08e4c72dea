"""Which clips stand for others in figures: of median length, so neither a click nor a long drone.

The choice depends on the manifest alone; of an even number of clips the shorter middle one counts,
and equal lengths are in the order of their names.
"""

import numpy as np
import pandas as pd

from earmark import manifest
from earmark.runtime.errors import EarmarkError


def of_label(clips: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the row (1, ...) of the verified train clip of median length with this label.

    Raises EarmarkError when no usable verified train clip has the label.
    """
    trusted = _trusted(clips)
    mine = trusted[trusted["label"] == label]
    if mine.empty:
        known = ", ".join(sorted(trusted["label"].unique())) or "none"
        raise EarmarkError(
            f"No verified train clip that can be used has the label '{label}', which a figure is "
            f"to show. Write one that has: {known}."
        )
    return _median(mine)


def of_different_labels(clips: pd.DataFrame, count: int, fold: int) -> pd.DataFrame:
    """Return rows (up to ``count``, ...) of clips of one fold whose labels differ.

    Labels are evenly spread over the sorted ones; fewer labels give fewer rows. Raises
    EarmarkError when the fold has no usable train clip.
    """
    members = manifest.usable(clips)
    members = members[members["fold"] == fold]
    labels = sorted(members["label"].unique())
    if not labels:
        raise EarmarkError(
            f"Fold {fold} has no train clip that can be used, so there is none to show. Use fewer "
            f"`folds`, or add clips."
        )
    places = np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(int)
    chosen = [_median(members[members["label"] == labels[place]]) for place in places]
    return pd.concat(chosen, ignore_index=True)


def any_label(clips: pd.DataFrame) -> str:
    """Return the first label, in sorted order, that ``of_label`` has a clip for.

    Raises EarmarkError when no verified train clip can be used.
    """
    labels = _trusted(clips)["label"]
    if labels.empty:
        raise EarmarkError(
            "No verified train clip can be used, so there is none to show. Verify some labels."
        )
    return str(labels.min())


def _trusted(clips: pd.DataFrame) -> pd.DataFrame:
    usable = manifest.usable(clips)
    return usable[usable["verified"] == 1]


def _median(clips: pd.DataFrame) -> pd.DataFrame:
    ordered = clips.sort_values(["seconds", "fname"])
    middle = (len(ordered) - 1) // 2
    return ordered.iloc[middle : middle + 1]
