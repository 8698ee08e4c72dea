"""Selections: here is decided which labels are learned from, with which weight, and why.

A table has one row for each usable train clip. Columns: clip, label, verified (0 or 1), source
{verified, promoted, unverified, pseudo_label}, weight (0: not learned from). A named selection of
the config takes the verified clips, those that a spreading promoted (``spreading``), and the rest,
unverified as given, with ``rest_weight``. Rounds of self-training add ``pseudo_labels``.
"""

from pathlib import Path

import pandas as pd

from earmark.dataset import clips as clips_table
from earmark.dataset import tables
from earmark.labels import label_table as labels_table

COLUMNS = ("clip", "label", "verified", "source", "weight")
NUMBERS = {"verified": int, "weight": float}


def labelled(labels: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Rows of labels.csv of the clips that may be learned from, in its order.

    Raises EarmarkError where a class has no such clip with a verified label.
    """
    usable = labels[labels["clip"].isin(clips_table.usable(clips))]
    labels_table.check_verified(usable, labels_table.classes_of(labels), "the train list")
    return usable.reset_index(drop=True)


def select(labelled: pd.DataFrame, promoted: set[str], rest_weight: float) -> pd.DataFrame:
    """Return the selection of clips that may be learned from (rows of ``labelled``).

    ``promoted`` names unverified clips whose given label spreading agreed with. The others come in
    with ``rest_weight``.
    """
    source = labelled["clip"].map(lambda name: "promoted" if name in promoted else "unverified")
    source = source.where(labelled["verified"] == 0, "verified")
    return pd.DataFrame(
        {
            "clip": labelled["clip"],
            "label": labelled["label"],
            "verified": labelled["verified"],
            "source": source,
            "weight": source.map({"verified": 1.0, "promoted": 1.0, "unverified": rest_weight}),
        }
    )


def read(path: str | Path) -> pd.DataFrame:
    """Read a selection; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "selection of labels", NUMBERS)


def learned(selection: pd.DataFrame) -> pd.DataFrame:
    """Its rows that are learned from."""
    return selection[selection["weight"] > 0]


def with_pseudo_labels(selection: pd.DataFrame, pseudo: pd.DataFrame) -> pd.DataFrame:
    """The selection with the rows of ``pseudo`` in place of those of the same clips."""
    rest = selection[~selection["clip"].isin(pseudo["clip"])]
    return pd.concat([part for part in (rest, pseudo) if len(part)], ignore_index=True)
