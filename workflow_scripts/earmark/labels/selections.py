"""Selections: what is learned from, with which label and weight, and why.

A table has one row for each usable train clip. Columns: clip, label, verified (0 or 1), source
{verified, spread, given, pseudo}, weight (0: not learned from). A named selection of the config
takes the verified clips, those that a spreading promoted, and the rest with ``rest_weight``.
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
    classes = labels_table.classes_of(labels)
    without = sorted(set(classes) - set(usable.loc[usable["verified"] == 1, "label"]))
    if without:
        raise labels_table.no_verified_clip(without, len(classes), "the train list")
    return usable.reset_index(drop=True)


def select(labelled: pd.DataFrame, promoted: set[str], rest_weight: float) -> pd.DataFrame:
    """Return the selection of clips that may be learned from (rows of ``labelled``).

    ``promoted`` names unverified clips whose given label spreading agreed with. The others come in
    with ``rest_weight``.
    """
    source = labelled["clip"].map(lambda name: "spread" if name in promoted else "given")
    source = source.where(labelled["verified"] == 0, "verified")
    return pd.DataFrame(
        {
            "clip": labelled["clip"],
            "label": labelled["label"],
            "verified": labelled["verified"],
            "source": source,
            "weight": source.map({"verified": 1.0, "spread": 1.0, "given": rest_weight}),
        }
    )


def read(path: str | Path) -> pd.DataFrame:
    """Read a selection; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "selection of labels", NUMBERS)


def learned(selection: pd.DataFrame) -> pd.DataFrame:
    """Its rows that are learned from."""
    return selection[selection["weight"] > 0]


def precision(table: pd.DataFrame, truth: dict[str, str]) -> tuple[int, int]:
    """Return (right labels, labels) of the rows whose clip's truth is known."""
    known = table[table["clip"].isin(truth.keys())]
    right = sum(
        truth[name] == label for name, label in zip(known["clip"], known["label"], strict=True)
    )
    return right, len(known)


def truth_table(path: str | Path) -> dict[str, str]:
    """Read train_truth.csv: clip -> true label. For measuring, never for training."""
    table = tables.read_table(path, ("fname", "true_label"), "truth of the train labels")
    return dict(zip(table["fname"], table["true_label"], strict=True))


def with_pseudo_labels(selection: pd.DataFrame, pseudo: pd.DataFrame) -> pd.DataFrame:
    """The selection with the rows of ``pseudo`` in place of those of the same clips."""
    rest = selection[~selection["clip"].isin(pseudo["clip"])]
    return pd.concat([part for part in (rest, pseudo) if len(part)], ignore_index=True)


def class_names(selection: pd.DataFrame) -> list[str]:
    """Class names of a selection, in the order of their numbers."""
    return labels_table.classes_of(selection)
