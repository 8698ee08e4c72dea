"""Scores of predictions against the published truth. Only the scoring rule reads that file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import metrics, tables
from earmark.errors import EarmarkError

COLUMNS = ("system", "split", "clips", "map3", "standard_error", "accuracy", "seed")
USAGES = ("Public", "Private")


def read_truth(path: str | Path) -> pd.DataFrame:
    """Return fname, label, usage of the test clips that count.

    A truth file without a usage column counts for the split "all" only.
    """
    table = tables.read_table(path, ("fname", "label"), "truth file")
    if "usage" not in table.columns:
        table["usage"] = ""
    return table[(table["usage"] != "Ignored") & ~table["label"].isin(["", "None"])]


def score(
    system: str, seed: int, guesses: Mapping[str, list[str]], truth: pd.DataFrame
) -> list[dict[str, object]]:
    """Rows of scores.csv for one system: public, private and all, where they have clips.

    ``guesses`` maps each test clip to its class names, best first. Raises EarmarkError when a clip
    that counts has no guess.
    """
    missing = [name for name in truth["fname"] if name not in guesses]
    if missing:
        raise EarmarkError(
            f"The truth file lists {len(missing)} test clips that were not tagged, the first is "
            f"{missing[0]}. Add them to the test list, or remove their lines."
        )
    splits = {usage.lower(): truth[truth["usage"] == usage] for usage in USAGES}
    splits["all"] = truth
    rows = []
    for split, clips in splits.items():
        if clips.empty:
            continue
        guessed = np.array([guesses[name][: metrics.GUESSES] for name in clips["fname"]])
        values = metrics.average_precision(guessed, clips["label"].to_numpy())
        mean, error = metrics.mean_and_error(values)
        rows.append(
            {
                "system": system,
                "split": split,
                "clips": len(clips),
                "map3": round(mean, 4),
                "standard_error": round(error, 4),
                "accuracy": round(float((values == 1).mean()), 4),
                "seed": seed,
            }
        )
    return rows
