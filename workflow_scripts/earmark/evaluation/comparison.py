"""Standard errors of MAP@3, and confidence intervals of the difference of two systems.

Both systems guess the same clips, and a clip that is hard for one is mostly hard for the other.
So differences are taken clip by clip, and clips are resampled with replacement (paired bootstrap;
Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16). Scores vary with the
clips and with the training's seed. Seeds are averaged first, which equals resampling the same clips
for all seeds, as means are linear.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from earmark.inference import metrics

RESAMPLES = 10_000


class Summary(NamedTuple):
    """A system's mean and its uncertainty.

    ``clip_error``: standard error over clips, of each clip's mean over seeds.
    ``seed_deviation``: sample standard deviation of the seeds' means; NaN for one seed.
    """

    mean: float
    clip_error: float
    seed_deviation: float


class Difference(NamedTuple):
    """A difference of two means and its 95 % interval, which is NaN for a single clip."""

    difference: float
    low: float
    high: float


def summarise(values: np.ndarray) -> Summary:
    """Summary of average precisions (seeds, clips)."""
    mean, error = metrics.mean_and_error(values.mean(axis=0))
    seeds = values.mean(axis=1)
    return Summary(mean, error, float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan"))


def paired_bootstrap(
    values: np.ndarray, other: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """The difference ``values`` - ``other`` of average precisions, with its percentile interval.

    Both are (seeds, clips), of the same clips. The same ``seed`` gives the same result.
    """
    differences = values.mean(axis=0) - other.mean(axis=0)
    mean = float(differences.mean())
    if len(differences) < 2:
        return Difference(mean, float("nan"), float("nan"))
    interval = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=resamples,
        batch=1000,  # resamples at a time, to limit memory
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Difference(mean, float(interval.low), float(interval.high))
