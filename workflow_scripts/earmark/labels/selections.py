"""Chooses which labels are used for training, and their weights.

A selection has one row for each usable train clip. Columns: clip, label, verified (0 or 1), source
{verified, promoted, unverified, pseudo_label}, weight (0: not used for training). Each selection of
the config takes the verified clips, those that its ``spreading`` promoted, and the others, with
``rest_weight``. Rounds of self-training add ``pseudo_labels``.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import clips as clips_table
from earmark.dataset import tables
from earmark.labels import label_table

COLUMNS = ("clip", "label", "verified", "source", "weight")
NUMBERS = {"verified": int, "weight": float}


def labelled(labels: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Rows of labels.csv of the usable clips, in its order.

    Raises EarmarkError where a class has no usable clip with a verified label.
    """
    usable = labels[labels["clip"].isin(clips_table.usable(clips))]
    label_table.check_verified(usable, label_table.classes_of(labels))
    return usable.reset_index(drop=True)


def select(labelled: pd.DataFrame, promoted: set[str], rest_weight: float) -> pd.DataFrame:
    """Return a selection with the rows of ``labelled``.

    ``promoted`` names unverified clips whose given label spreading confirmed. The other unverified
    ones get ``rest_weight``.
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


def training_rows(selection: pd.DataFrame) -> pd.DataFrame:
    """Its rows that are used for training."""
    return selection[selection["weight"] > 0]


def with_pseudo_labels(
    selection: pd.DataFrame, pool: Sequence[str], pseudo: pd.DataFrame
) -> pd.DataFrame:
    """The selection with the rows of ``pseudo``; of others of the ``pool`` nothing is learned."""
    rest = selection[~selection["clip"].isin(pseudo["clip"])]
    rest = rest.assign(weight=rest["weight"].mask(rest["clip"].isin(pool), 0.0))
    return pd.concat([part for part in (rest, pseudo) if len(part)], ignore_index=True)
