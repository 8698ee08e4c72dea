"""MAP@3, accuracy and their standard errors."""

from collections.abc import Mapping, Sequence

import numpy as np

GUESSES = 3


def top_classes(probabilities: np.ndarray, guesses: int = GUESSES) -> np.ndarray:
    """Class numbers (n, guesses), best first; among equals the lower number comes first."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :guesses]


def average_precision(guessed: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 / rank of the true class among each clip's guesses, or 0: (n, guesses), (n,) -> (n,).

    Guesses and truth can be class numbers or names. Their mean is MAP@3, the challenge's metric.
    """
    hits = guessed == np.asarray(truth)[:, None]
    ranks = 1.0 + np.argmax(hits, axis=1)
    return np.where(hits.any(axis=1), 1.0 / ranks, 0.0)


def map_at_3(probabilities: np.ndarray, truth: Sequence[int] | np.ndarray) -> float:
    """Mean average precision of the three best guesses; NaN without clips."""
    if len(probabilities) == 0:
        return float("nan")
    return float(average_precision(top_classes(probabilities), np.asarray(truth)).mean())


def epoch_score(epoch: Mapping[str, float], watch: str) -> tuple[float, ...]:
    """How good an epoch is, higher is better: by validation "accuracy" (then loss) or "loss"."""
    if watch == "loss":
        return (-epoch["validation_loss"],)
    return epoch["validation_accuracy"], -epoch["validation_loss"]


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean of per-clip values and its standard error (sample standard deviation / sqrt n)."""
    if len(values) == 0:
        return float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return float(values.mean()), float(error)
