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
    """Rows of the usable train clips: label, verified, and the columns of the clips table.

    ``labels`` and ``clips`` are the files of both tables.
    """
    known = clips_table.read(clips)
    labelled = selections.labelled(labels_table.read(labels), known)
    return labelled[["clip", "label", "verified"]].merge(known, on="clip")


def of_label(clips: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the row (1, ...) of the verified train clip of median length with this label.

    Raises EarmarkError when no usable verified train clip has the label.
    """
    verified = clips[clips["verified"] == 1]
    own = verified[verified["label"] == label]
    if own.empty:
        known = ", ".join(sorted(verified["label"].unique())) or "none"
        raise EarmarkError(
            f"No verified train clip that can be used has the label '{label}', which a figure is "
            f"to show. Verify one; there are verified clips of: {known}."
        )
    return _median(own)


def of_different_labels(clips: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return rows (up to ``count``, ...) of clips whose labels differ.

    Labels are evenly spread over the sorted ones; fewer labels give fewer rows. Raises
    EarmarkError without any clip.
    """
    labels = sorted(clips["label"].unique())
    if not labels:
        raise EarmarkError("No train clip can be used, so there is none to show. Add clips.")
    chosen = np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(int)
    return pd.concat([_median(clips[clips["label"] == labels[index]]) for index in chosen])


def _median(clips: pd.DataFrame) -> pd.DataFrame:
    ordered = clips.sort_values(["seconds", "clip"])
    middle = (len(ordered) - 1) // 2
    return ordered.iloc[middle : middle + 1]
