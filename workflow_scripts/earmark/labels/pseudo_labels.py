"""Self-training: which unlabelled clips a round adds, by a scheduled threshold (report, section 6).

The base is what a label selection trusts. The pool is the rest of the train clips: their given
labels are not looked at. In each round a clip of the pool is kept when its highest probability
lies between the round's lower bound and the upper one, with the most probable class as its label.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

log = logging.getLogger("earmark")


@dataclass(frozen=True)
class Schedule:
    """Bounds on the highest probability. The lower one rises by a step per round up to a limit.

    The upper bound leaves out what the network is sure of already: learning that again only makes
    it overfit.
    """

    lower_first: float = 0.35
    lower_step: float = 0.01
    lower_last: float = 0.65
    upper: float = 0.9

    def lower(self, round_number: int) -> float:
        """Lower bound of a round; the first round is 1."""
        return min(self.lower_last, self.lower_first + self.lower_step * (round_number - 1))


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
    schedule = Schedule(**cfg["schedule"])
    lower = schedule.lower(cfg["round"])
    added = pseudo_labels(pool, probabilities, classes, lower, schedule.upper)
    log.info(
        "%s keeps %d of %d clips with %.2f < p < %.2f.",
        name,
        len(added),
        len(pool),
        lower,
        schedule.upper,
    )
    if not pool:
        log.warning(
            "%s has no clip to label: its base learns from all of them already, so the round only "
            "trains on.",
            name,
        )
    elif added.empty:
        log.warning(
            "%s adds no clip: the highest probability of none of %d lies between %.2f and %.2f. "
            "Another `lower_first` or `upper` under `selftraining` in the config lets some in.",
            name,
            len(pool),
            lower,
            schedule.upper,
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
    highest = probabilities.max(axis=1) if len(probabilities) else np.zeros(0)
    kept = np.flatnonzero((highest > lower) & (highest < upper)).tolist()
    guessed = probabilities.argmax(axis=1).tolist() if len(probabilities) else []
    return pd.DataFrame(
        {
            "clip": [clips[i] for i in kept],
            "label": [classes[guessed[i]] for i in kept],
            "verified": 0,
            "source": "pseudo",
            "weight": 1.0,
        }
    )
