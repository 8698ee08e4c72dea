"""How many of the train clips' labels are correct, where their ground truth is known."""

import pandas as pd


def count_correct(table: pd.DataFrame, truth: dict[str, str]) -> tuple[int, int]:
    """Return (correct labels, labels) of the rows whose clip's truth is known."""
    table = table[table["clip"].isin(truth)]
    return int((table["clip"].map(truth) == table["label"]).sum()), len(table)
