"""Self-training: which unlabelled clips a round adds, by a scheduled threshold (report, section 6).

The base is what a label selection trusts. The pool is the rest of the train clips: their given
labels are not looked at. In each round a clip of the pool is kept when its highest probability
lies between the round's lower bound and the upper one, with the most probable class as its label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earmark import manifest


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


def pool_of(clips: pd.DataFrame, base: pd.DataFrame, fold: int) -> list[str]:
    """Names of usable train clips outside the base and outside the held-out ``fold``."""
    usable = manifest.usable(clips)
    free = (usable["fold"] != fold) & ~usable["fname"].isin(base["fname"])
    return usable.loc[free, "fname"].tolist()


def pseudo_labels(
    fnames: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    lower: float,
    upper: float,
) -> pd.DataFrame:
    """Return label rows (fname, label, source, weight) of clips with lower < max p < upper."""
    highest = probabilities.max(axis=1) if len(probabilities) else np.zeros(0)
    kept = np.flatnonzero((highest > lower) & (highest < upper)).tolist()
    guessed = probabilities.argmax(axis=1).tolist() if len(probabilities) else []
    return pd.DataFrame(
        {
            "fname": [fnames[i] for i in kept],
            "label": [classes[guessed[i]] for i in kept],
            "source": "pseudo",
            "weight": 1.0,
        }
    )
