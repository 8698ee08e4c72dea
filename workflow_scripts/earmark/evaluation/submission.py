"""The submission file: fname,label with three class names, best first (report, section 1).

The names are separated by spaces, so white space and commas in them are written as ``_``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.inference import metrics
from earmark.runtime.errors import EarmarkError, printable


def spellings(classes: Sequence[str]) -> dict[str, str]:
    """How the submission spells each of the ``classes``, in their order.

    Names without white space and commas stay as they are. Of names that would be spelled alike, the
    later ones get a number.
    """
    spelled = {name: re.sub(r"[\s,]+", "_", name) for name in classes}
    taken = {name for name in classes if spelled[name] == name}
    for name in classes:
        plain, number = spelled[name], 1
        while name not in taken and spelled[name] in taken:
            number += 1
            spelled[name] = f"{plain}_{number}"
        taken.add(spelled[name])
    return spelled


def make(clips: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Probabilities (n, classes) -> rows fname, label; label has class names separated by spaces.

    With two classes there are two names.
    """
    spelled = list(spellings(classes).values())
    if not np.isfinite(probabilities).all():
        raise ValueError("Some probabilities are NaN or infinite.")
    best = metrics.top_classes(probabilities)
    guesses = [" ".join(spelled[index] for index in row) for row in best]
    return pd.DataFrame({"fname": list(clips), "label": guesses})


def read(path: str | Path, classes: Sequence[str]) -> dict[str, list[str]]:
    """Read a submission of a model with these ``classes``: fname -> class names, best first."""
    table = tables.read_table(path, ("fname", "label"), "submission")
    name_of = {spelled: name for name, spelled in spellings(classes).items()}
    try:
        return {
            clip: [name_of[guess] for guess in guesses.split()]
            for clip, guesses in zip(table["fname"], table["label"], strict=True)
        }
    except KeyError as problem:
        raise EarmarkError(
            f"The submission {path} has the guess '{printable(problem.args[0])}', which is no "
            f"class. Delete it; the next run recreates it."
        ) from None
