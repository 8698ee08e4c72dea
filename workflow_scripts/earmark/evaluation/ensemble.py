"""Means of several models' class probabilities (report, section 7)."""

from collections.abc import Callable, Sequence

import numpy as np

from earmark.runtime.errors import EarmarkError

# Probabilities (members, clips, classes), weights (members,) that sum to 1 -> (clips, classes).
Mean = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def arithmetic(members: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Sum of w p."""
    return np.tensordot(weights, members, axes=1)


def geometric(members: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Product of p^w, scaled to sum to 1: one member's firm no weighs much."""
    logs = np.tensordot(weights, np.log(np.maximum(members, 1e-12)), axes=1)
    return _normalised(np.exp(logs - logs.max(axis=1, keepdims=True)))


def power(members: np.ndarray, weights: np.ndarray, exponent: float) -> np.ndarray:
    """Sum of w p^exponent, scaled to sum to 1; the report's "GM" has the exponent 0.25."""
    return _normalised(np.tensordot(weights, members**exponent, axes=1))


MEANS: dict[str, Mean] = {
    "arithmetic": arithmetic,
    "geometric": geometric,
    "power": power,
    "weighted": arithmetic,
}


def combine(
    kind: str,
    members: Sequence[np.ndarray],
    validation_scores: Sequence[float] | None = None,
    exponent: float = 0.25,
) -> np.ndarray:
    """Return the mean (clips, classes) of the members' probabilities, each (clips, classes).

    Kind "weighted" takes the arithmetic mean with weights in proportion to
    ``validation_scores``; the others weigh all alike. Raises EarmarkError for an unknown kind,
    missing scores, members of different shape, and probabilities that are not finite.
    """
    if kind not in MEANS:
        raise EarmarkError(f"There is no ensemble kind '{kind}'. Write one of: {', '.join(MEANS)}.")
    if len({member.shape for member in members}) != 1:
        raise EarmarkError("The ensemble's members do not predict the same clips and classes.")
    if not all(np.isfinite(member).all() for member in members):
        raise EarmarkError(
            "The probabilities of an ensemble's member are not all finite numbers. Delete the "
            "files under predictions; the next run makes them anew."
        )
    weights = np.full(len(members), 1 / len(members))
    if kind == "weighted":
        weights = weights_from(validation_scores or [])
        if len(weights) != len(members):
            raise EarmarkError("The weighted ensemble needs one validation score per member.")
    return MEANS[kind](np.stack(members).astype(np.float64), weights, exponent)


def weights_from(scores: Sequence[float]) -> np.ndarray:
    """Weights in proportion to validation scores; alike when there is no usable score."""
    found = np.nan_to_num(np.asarray(scores, dtype=float))
    if len(found) == 0 or found.sum() <= 0:
        return np.full(len(found), 1 / max(1, len(found)))
    return found / found.sum()


def _normalised(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=1, keepdims=True)
