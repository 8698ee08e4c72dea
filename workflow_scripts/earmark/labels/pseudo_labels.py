"""Pseudo-labels: which clips a round of self-training adds, with which label (report, section 6).

The base are the clips that the base model learns from. The pool is the rest of the train clips:
their given labels are not used. In each round, a clip of the pool gets its most probable class as
pseudo-label if that probability lies between the bounds of ``threshold_schedule``.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.labels.threshold_schedule import ThresholdSchedule

log = logging.getLogger("earmark")


def pool_of(selection: pd.DataFrame, folds: pd.DataFrame, fold: int | str) -> list[str]:
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

    ``name`` is the training's name in the log, which warns of a round that adds nothing.
    """
    schedule = ThresholdSchedule(**cfg["schedule"])
    lower, upper = schedule.lower(cfg["round"]), schedule.upper
    added = pseudo_labels(pool, probabilities, classes, lower, upper)
    bounds = f"between {lower:.2f} and {upper:.2f}"
    log.info("%s adds %d of %d clips, with %s.", name, len(added), len(pool), bounds)
    if not pool:
        log.warning("%s adds no clip: all are selected already, or held out.", name)
    elif added.empty:
        log.warning(
            "%s adds no clip: none of the %d candidate clips has its highest probability %s. "
            "Try another `lower_first` or `upper` under `selftraining` in the config.",
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
    best = probabilities.argmax(axis=1)
    return pd.DataFrame(
        {
            "clip": [clips[i] for i in kept],
            "label": [classes[best[i]] for i in kept],
            "verified": 0,
            "source": "pseudo_label",
            "weight": 1.0,
        }
    )
