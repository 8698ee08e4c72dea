"""Scores of single classes and their mean, as means over clips, so that they have intervals.

Precision is a mean over the clips guessed to be of the class, recall over those that are, and
average precision one over those that are, of the precision at their rank (its interval as Boyd,
Eng & Page 2013 found best: that of a share). F1 = 2 J / (1 + J) follows from the share J of right
guesses among clips that are, or are guessed to be, of the class. Macro F1 is linearised (delta
method; Takahashi et al. 2022, Confidence interval for micro-averaged F1 and macro-averaged F1
scores). All equal scikit-learn's, but that what is undefined there is NaN here.
"""

import numpy as np
import pandas as pd

from earmark.evaluation.intervals import interval
from earmark.inference import metrics

SCORES = ("precision", "recall", "f1", "average_precision")
METRICS = ("accuracy", "map3", "macro_f1")


def clip_values(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Values (n,) of clips whose mean is the accuracy, MAP@3 and macro F1 (``METRICS``)."""
    best = metrics.top_classes(probabilities)
    return {
        "accuracy": (best[:, 0] == truth).astype(float),
        "map3": metrics.average_precision(best, truth),
        "macro_f1": _macro_f1(truth, best[:, 0], probabilities.shape[1]),
    }


def _macro_f1(truth: np.ndarray, guess: np.ndarray, classes: int) -> np.ndarray:
    """F1 averaged over the classes that occur, and each clip's influence on it."""
    size = np.bincount(truth, minlength=classes) + np.bincount(guess, minlength=classes)
    hits = np.bincount(truth[truth == guess], minlength=classes)
    weight = 1 / np.maximum(size, 1)
    f1, occurring = 2 * hits * weight, max(1, (size > 0).sum())
    influence = 2 * (truth == guess) * weight[truth] - (f1 * weight)[truth] - (f1 * weight)[guess]
    return np.asarray(f1.sum() / occurring + influence * len(truth) / occurring)


def table(
    truth: np.ndarray, probabilities: np.ndarray, recordings: np.ndarray, classes: list[str]
) -> pd.DataFrame:
    """A row per class: label, clips, and each of ``SCORES`` with _low and _high.

    ``truth`` (n,) are class numbers, ``probabilities`` (n, classes), ``recordings`` (n,).
    """
    guess = metrics.top_classes(probabilities, 1)[:, 0]
    hits = (guess == truth).astype(float)
    rows = []
    for number, label in enumerate(classes):
        is_class, guessed = truth == number, guess == number
        row: dict[str, object] = {"label": label, "clips": int(is_class.sum())}
        values = {
            "precision": (hits[guessed], recordings[guessed]),
            "recall": (hits[is_class], recordings[is_class]),
            "f1": (hits[is_class | guessed], recordings[is_class | guessed]),
            "average_precision": (
                precision_at_hits(probabilities[:, number], is_class),
                recordings[is_class],
            ),
        }
        for name, (of_clips, their_recordings) in values.items():
            row |= with_interval(name, of_clips, their_recordings)
        rows.append(row)
    return pd.DataFrame(rows)


def with_interval(name: str, values: np.ndarray, recordings: np.ndarray) -> dict[str, float]:
    """The score ``name`` and its ends, ``name``_low and _high, from ``values`` (n,) of clips."""
    mean = float(values.mean()) if len(values) else float("nan")
    found = np.array([mean, *interval(values, recordings, as_share=name == "average_precision")])
    found = 2 * found / (1 + found) if name == "f1" else found
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(float, found), strict=True))


def precision_at_hits(scores: np.ndarray, is_class: np.ndarray) -> np.ndarray:
    """For each clip of the class, the share of such clips among those scored as high or higher.

    Their mean is the average precision.
    """
    ordered, hits = np.sort(-scores), np.sort(-scores[is_class])
    found = -scores[is_class]
    return np.asarray(
        np.searchsorted(hits, found, side="right") / np.searchsorted(ordered, found, side="right")
    )
