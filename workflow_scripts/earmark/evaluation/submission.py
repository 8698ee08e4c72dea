"""The submission file: fname,label with three class names, best first (report, section 1)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.inference import metrics


def make(clips: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Probabilities (n, classes) -> rows fname, label; label has class names separated by spaces.

    With two classes there are two names.
    """
    if not np.isfinite(probabilities).all():
        raise ValueError("Some probabilities are NaN or infinite.")
    best = metrics.top_classes(probabilities)
    guesses = [" ".join(classes[index] for index in row) for row in best]
    return pd.DataFrame({"fname": list(clips), "label": guesses})


def read(path: str | Path) -> dict[str, list[str]]:
    """Read a submission: fname -> class names, best first."""
    table = tables.read_table(path, ("fname", "label"), "submission")
    return {
        name: guesses.split() for name, guesses in zip(table["fname"], table["label"], strict=True)
    }
