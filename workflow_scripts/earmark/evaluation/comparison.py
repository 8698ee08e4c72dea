"""How sure a MAP@3 is, and how sure its difference to another system's.

Both systems guess the same clips, and a clip that is hard for one is mostly hard for the other:
differences are therefore taken clip by clip, and the clips are drawn again with replacement
(paired bootstrap; Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16).
Chance enters twice, through the clips and through the training's seed. The seeds are averaged
first, which gives what drawing clips for all seeds alike would give, as means are linear.
"""

from dataclasses import dataclass

import numpy as np

from earmark.inference import metrics

RESAMPLES = 10_000
CONFIDENCE = 0.95
# Clips drawn at once: 16 MiB of numbers, and as much of values.
BLOCK = 2**21
# Sums of thirds that cancel leave a rest of about this size at most.
ZERO = 1e-12


@dataclass(frozen=True)
class Summary:
    """A system's mean and what blurs it.

    ``clip_error``: standard error of the mean over clips, of each clip's mean over seeds.
    ``seed_deviation``: sample deviation of the seeds' means; NaN for one seed.
    """

    mean: float
    clip_error: float
    seed_deviation: float


@dataclass(frozen=True)
class Difference:
    """A difference of two means, its interval, and where the resampled differences lie.

    ``not_above`` is the share of them <= 0, ``not_below`` the share >= 0.
    """

    difference: float
    low: float
    high: float
    not_above: float
    not_below: float

    @property
    def p(self) -> float:
        """Share of resamples whose difference is zero or has the other sign; 1 for no difference.

        This is a one-sided figure: it speaks for the direction that was observed.
        """
        if abs(self.difference) <= ZERO:
            return 1.0
        return self.not_above if self.difference > 0 else self.not_below


def summarise(values: np.ndarray) -> Summary:
    """Mean and both errors of average precisions (seeds, clips)."""
    mean, error = metrics.mean_and_error(values.mean(axis=0))
    seeds = values.mean(axis=1)
    return Summary(mean, error, float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan"))


def paired_bootstrap(
    ours: np.ndarray, other: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """Compare average precisions ``ours`` (seeds, clips) with ``other`` (seeds', the same clips).

    Returns ours - other with its 95 % percentile interval. The same ``seed`` gives the same
    result. Raises ValueError when the clips do not pair up or there are none.
    """
    if ours.shape[1] != other.shape[1] or ours.shape[1] == 0:
        raise ValueError(f"{ours.shape[1]} and {other.shape[1]} clips cannot be paired.")
    differences = ours.mean(axis=0) - other.mean(axis=0)
    clips = len(differences)
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    rows = max(1, BLOCK // clips)
    for begin in range(0, resamples, rows):
        part = drawn[begin : begin + rows]
        part[:] = differences[rng.integers(clips, size=(len(part), clips))].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Difference(
        float(differences.mean()),
        float(low),
        float(high),
        float((drawn <= ZERO).mean()),
        float((drawn >= -ZERO).mean()),
    )
