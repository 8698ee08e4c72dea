"""Means of several models' class probabilities (report, section 7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from earmark.evaluation.predictions import Predictions, same_classes


def combine_predictions(
    name: str,
    settings: Mapping[str, Any],
    members: Mapping[str, Predictions],
    clips: Sequence[str],
    scores: Sequence[float] | None,
) -> Predictions:
    """The members' mean for ``clips``; a weighted one needs their ``scores``.

    ``name`` is the system or ensemble, whose ``settings`` have ``kind`` and ``exponent``.
    """
    classes = same_classes(list(members.values()), name)
    values = [member.of(clips) for member in members.values()]
    mean = combine(settings["kind"], values, scores, exponent=settings["exponent"])
    return Predictions(list(clips), classes, mean)


def combine(
    kind: str,
    members: Sequence[np.ndarray],
    validation_scores: Sequence[float] | None = None,
    *,
    exponent: float,
) -> np.ndarray:
    """Return the mean (clips, classes) of the members' probabilities, each (clips, classes).

    Kinds, with weights w that sum to 1:

    - arithmetic: the sum of w p, with equal weights
    - weighted: the same with weights in proportion to ``validation_scores``
    - geometric: the product of p^w, scaled to sum to 1: one member's probability near 0 decides
    - power: the sum of w p^exponent, scaled to sum to 1; the report's "GM" has the exponent 0.25

    Raises ValueError for members of different shape and for another number of scores.
    """
    stacked = np.stack(members).astype(np.float64)  # (members, clips, classes)
    weights = np.full(len(members), 1 / len(members))
    if kind == "weighted":
        weights = weights_from(validation_scores or [])
    if kind == "geometric":
        logs = np.tensordot(weights, np.log(np.maximum(stacked, 1e-12)), axes=1)
        return _normalised(np.exp(logs - logs.max(axis=1, keepdims=True)))
    if kind == "power":
        return _normalised(np.tensordot(weights, stacked**exponent, axes=1))
    return np.tensordot(weights, stacked, axes=1)


def weights_from(scores: Sequence[float]) -> np.ndarray:
    """Weights in proportion to validation scores; equal when there is no usable score."""
    usable = np.nan_to_num(np.asarray(scores, dtype=float))
    if usable.sum() <= 0:
        return np.full(len(usable), 1 / max(1, len(usable)))
    return usable / usable.sum()


def _normalised(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=1, keepdims=True)
