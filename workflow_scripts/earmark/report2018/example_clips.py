"""Which clips stand for others in figures: of median length, so neither a click nor a long drone.

The choice depends on clips and labels alone; of an even number of clips the shorter middle one
counts, and equal lengths are in the order of their names.
"""

import numpy as np
import pandas as pd

from earmark.dataset import clips as clips_table
from earmark.labels import label_table as labels_table
from earmark.labels import selections
from earmark.runtime.errors import EarmarkError


def read(labels: str, clips: str) -> pd.DataFrame:
    """Rows of the usable train clips: clip, label, verified, seconds, and all else of the clips.

    ``labels`` and ``clips`` are the files of both tables.
    """
    known = clips_table.read(clips)
    labelled = selections.labelled(labels_table.read(labels), known)
    return labelled[["clip", "label", "verified"]].merge(known, on="clip")


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


def of_different_labels(clips: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return rows (up to ``count``, ...) of clips whose labels differ.

    Labels are evenly spread over the sorted ones; fewer labels give fewer rows. Raises
    EarmarkError without any clip.
    """
    labels = sorted(clips["label"].unique())
    if not labels:
        raise EarmarkError("No train clip can be used, so there is none to show. Add clips.")
    places = np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(int)
    chosen = [_median(clips[clips["label"] == labels[place]]) for place in places]
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
    return clips[clips["verified"] == 1]


def _median(clips: pd.DataFrame) -> pd.DataFrame:
    ordered = clips.sort_values(["seconds", "clip"])
    middle = (len(ordered) - 1) // 2
    return ordered.iloc[middle : middle + 1]
