"""Standard errors of a MAP@3, and the confidence interval of its difference to another system's.

Both systems guess the same clips, and a clip that is hard for one is mostly hard for the other:
differences are therefore taken clip by clip, and the clips are drawn again with replacement
(paired bootstrap; Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16).
Chance enters twice, through the clips and through the training's seed. The seeds are averaged
first, which equals drawing the same clips for all seeds, as means are linear.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from earmark.inference import metrics

RESAMPLES = 10_000


class Summary(NamedTuple):
    """A system's mean, and its errors by clips and by seeds.

    ``clip_error``: standard error of the mean over clips, of each clip's mean over seeds.
    ``seed_deviation``: sample deviation of the seeds' means; NaN for one seed.
    """

    mean: float
    clip_error: float
    seed_deviation: float


class Difference(NamedTuple):
    """A difference of two means and its 95 % interval; NaN for an interval of one clip."""

    difference: float
    low: float
    high: float


def summarise(values: np.ndarray) -> Summary:
    """Mean and both errors of average precisions (seeds, clips)."""
    mean, error = metrics.mean_and_error(values.mean(axis=0))
    seeds = values.mean(axis=1)
    return Summary(mean, error, float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan"))


def paired_bootstrap(
    ours: np.ndarray, other: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """Compare average precisions ``ours`` (seeds, clips) with ``other`` (seeds', the same clips).

    Returns ours - other with its percentile interval. The same ``seed`` gives the same result.
    """
    differences = ours.mean(axis=0) - other.mean(axis=0)
    mean = float(differences.mean())
    if len(differences) < 2:
        return Difference(mean, float("nan"), float("nan"))
    interval = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=resamples,
        batch=1000,  # resamples at once, which bounds memory
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Difference(mean, float(interval.low), float(interval.high))
