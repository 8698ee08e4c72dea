"""Pseudo-labels: which clips a round of self-training adds, with which label (report, section 6).

The base is what a label selection trusts. The pool is the rest of the train clips: their given
labels are not used. In each round a clip of the pool is kept when its highest probability lies
between the bounds of ``threshold_schedule``, with the most probable class as its label.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.labels.threshold_schedule import ThresholdSchedule

log = logging.getLogger("earmark")


def pool_of(selection: pd.DataFrame, folds: pd.DataFrame, fold: int) -> list[str]:
    """Names of usable train clips outside the base and outside the held-out ``fold``."""
    held_out = selection["clip"].isin(folds.loc[folds["fold"] == fold, "clip"])
    return selection.loc[~held_out & (selection["weight"] == 0), "clip"].tolist()


def choose(
    name: str,
    pool: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    cfg: Mapping[str, Any],
) -> pd.DataFrame:
    """The pseudo-labels of a round; ``cfg`` has ``round`` and ``schedule``.

    ``name`` says in the log whose they are; it warns of a round that adds nothing.
    """
    schedule = ThresholdSchedule(**cfg["schedule"])
    lower, upper = schedule.lower(cfg["round"]), schedule.upper
    added = pseudo_labels(pool, probabilities, classes, lower, upper)
    bounds = f"{lower:.2f} < p < {upper:.2f}"
    log.info("%s keeps %d of %d clips with %s.", name, len(added), len(pool), bounds)
    if added.empty:
        log.warning(
            "%s adds no clip: none of %d that its base does not learn from has a highest "
            "probability with %s. Another `lower_first` or `upper` under `selftraining` in the "
            "config may let some in.",
            name,
            len(pool),
            bounds,
        )
    return added


def pseudo_labels(
    clips: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    lower: float,
    upper: float,
) -> pd.DataFrame:
    """Return rows of a selection, of clips with lower < max p < upper."""
    highest = probabilities.max(axis=1)
    kept = np.flatnonzero((highest > lower) & (highest < upper)).tolist()
    guessed = probabilities.argmax(axis=1)
    return pd.DataFrame(
        {
            "clip": [clips[i] for i in kept],
            "label": [classes[guessed[i]] for i in kept],
            "verified": 0,
            "source": "pseudo_label",
            "weight": 1.0,
        }
    )
