"""Pseudo-labels: which clips a round of self-training adds, with which label (report, section 6).

The base are the clips that the base model learns from. The pool is the rest of the train clips. In
each round, a clip of the pool gets its most probable class as pseudo-label if that probability lies
between the bounds of ``threshold_schedule``. Its given label is not used.

With an ``agreement``, the pool are the unverified clips, also those of the base. A clip gets its
given label where that is at least so probable, compared with the most probable class; the others
are not learned from. A network that learned from noisy labels still contradicts many of the wrong
ones (after the small-loss selection of Han et al. 2018).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.labels.threshold_schedule import ThresholdSchedule

log = logging.getLogger("earmark")


def pool_of(
    selection: pd.DataFrame, folds: pd.DataFrame, fold: int | str, by_agreement: bool = False
) -> list[str]:
    """Names of the usable train clips outside the held-out ``fold`` that may get pseudo-labels."""
    held_out = selection["clip"].isin(folds.loc[folds["fold"] == fold, "clip"])
    column = "verified" if by_agreement else "weight"
    return selection.loc[~held_out & (selection[column] == 0), "clip"].tolist()


def choose(
    name: str,
    pool: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    given: Mapping[str, str],
    cfg: Mapping[str, Any],
) -> pd.DataFrame:
    """The pseudo-labels of a round; ``cfg`` has ``round``, and ``schedule`` or ``agreement``.

    ``given`` are the given labels of clips, among them those of the ``pool``. ``name`` is the
    training's name in the log, which warns of a round that adds nothing.
    """
    if "agreement" in cfg:
        labels = [given[clip] for clip in pool]
        added = agreed(pool, probabilities, classes, labels, cfg["agreement"])
        condition = f"given labels at least {cfg['agreement']:g} times as probable as the highest"
        key = "agreement"
    else:
        schedule = ThresholdSchedule(**cfg["schedule"])
        lower, upper = schedule.lower(cfg["round"]), schedule.upper
        added = pseudo_labels(pool, probabilities, classes, lower, upper)
        condition = f"highest probabilities between {lower:.2f} and {upper:.2f}"
        key = "lower_first` or `upper"
    log.info("%s adds %d of %d clips, with %s.", name, len(added), len(pool), condition)
    if not pool:
        log.warning("%s adds no clip: all are selected already, or held out.", name)
    elif added.empty:
        log.warning(
            "%s adds no clip: there are no %s among %d candidate clips. "
            "Try another `%s` under `selftraining` in the config.",
            name,
            condition,
            len(pool),
            key,
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
    return _rows([clips[i] for i in kept], [classes[best[i]] for i in kept])


def agreed(
    clips: Sequence[str],
    probabilities: np.ndarray,
    classes: Sequence[str],
    labels: Sequence[str],
    agreement: float,
) -> pd.DataFrame:
    """Return rows of a selection, of clips with p(label) >= agreement * max p."""
    numbers = {name: number for number, name in enumerate(classes)}
    own = probabilities[np.arange(len(clips)), [numbers[label] for label in labels]]
    kept = np.flatnonzero(own >= agreement * probabilities.max(axis=1, initial=0)).tolist()
    return _rows([clips[i] for i in kept], [labels[i] for i in kept])


def _rows(clips: list[str], labels: list[str]) -> pd.DataFrame:
    columns = {"clip": clips, "label": labels, "verified": 0}
    return pd.DataFrame({**columns, "source": "pseudo_label", "weight": 1.0})
