"""How many of the train clips' labels are correct, where their ground truth is known."""

from pathlib import Path

import pandas as pd

from earmark.dataset import tables


def truth_table(path: str | Path) -> dict[str, str]:
    """Read train_truth.csv: clip -> true label. For measuring, never for training."""
    table = tables.read_table(path, ("fname", "true_label"), "truth of the train labels")
    return dict(zip(table["fname"], table["true_label"], strict=True))


def count_correct(table: pd.DataFrame, truth: dict[str, str]) -> tuple[int, int]:
    """Return (correct labels, labels) of the rows whose clip's truth is known."""
    table = table[table["clip"].isin(truth)]
    return int((table["clip"].map(truth) == table["label"]).sum()), len(table)
