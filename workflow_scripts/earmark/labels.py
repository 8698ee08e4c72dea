"""Label tables: which clips are learned from, with which label, and why.

Columns: fname, label, source {verified, spread, given, pseudo}, weight. A named selection of the
config takes the verified clips, those that a spreading promoted, and the rest with ``rest_weight``.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark import manifest, tables

COLUMNS = ("fname", "label", "source", "weight")


def select(clips: pd.DataFrame, promoted: set[str], rest_weight: float) -> pd.DataFrame:
    """Return the label table of usable train clips, in the manifest's order.

    ``promoted`` names unverified clips whose given label spreading agreed with. The others come in
    with ``rest_weight``, or not at all when it is 0.
    """
    usable = manifest.usable(clips)
    source = usable["fname"].map(lambda name: "spread" if name in promoted else "given")
    source = source.where(usable["verified"] == 0, "verified")
    table = pd.DataFrame(
        {
            "fname": usable["fname"],
            "label": usable["label"],
            "source": source,
            "weight": source.map({"verified": 1.0, "spread": 1.0, "given": rest_weight}),
        }
    )
    return table[table["weight"] > 0].reset_index(drop=True)


def read(path: str | Path) -> pd.DataFrame:
    """Read a label table; weights come back as numbers."""
    table = tables.read_table(path, COLUMNS, "label table")
    return tables.to_numbers(table, {"weight": float}, path, "label table")


def precision(table: pd.DataFrame, truth: dict[str, str]) -> tuple[int, int]:
    """Return (right labels, labels) of the rows whose clip's truth is known."""
    known = table[table["fname"].isin(truth.keys())]
    right = sum(
        truth[name] == label for name, label in zip(known["fname"], known["label"], strict=True)
    )
    return right, len(known)


def truth_table(path: str | Path) -> dict[str, str]:
    """Read train_truth.csv: fname -> true label. For measuring, never for training."""
    table = tables.read_table(path, ("fname", "true_label"), "truth of the train labels")
    return dict(zip(table["fname"], table["true_label"], strict=True))


def concatenate(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put label tables below each other."""
    return pd.concat([part for part in parts if len(part)], ignore_index=True)
