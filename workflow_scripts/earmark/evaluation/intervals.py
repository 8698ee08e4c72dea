"""Confidence intervals of means over clips, where clips of one recording are alike.

Wilson's score interval (Wilson 1927, JASA 22, p. 209) with the number of clips that would be worth
as much without recordings: the variance of the mean is estimated between recordings
(cluster-robust; Kish 1965, Survey Sampling, on the design effect), and Student's t with one degree
of freedom less than recordings takes the place of the normal quantile. Values need not be 0 or 1: a
mean that varies less than a share does, such as MAP@3, counts as one of more clips.
"""

import numpy as np
from scipy import special

LEVEL = 0.95


def variance_of_mean(values: np.ndarray, recordings: np.ndarray) -> float:
    """Variance of the mean of ``values`` (n,), of clips of these ``recordings`` (n,).

    It is NaN for a single recording.
    """
    codes = np.unique(recordings, return_inverse=True)[1]
    sums = np.bincount(codes, values - values.mean())
    if len(sums) < 2:
        return float("nan")
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum() / len(values) ** 2)


def interval(
    values: np.ndarray, recordings: np.ndarray, as_share: bool = False
) -> tuple[float, float]:
    """The 95 % interval of the mean of ``values`` (n,) in [0, 1]; NaN without clips.

    Where all values are equal, or there is one recording, each recording counts as one clip.
    ``as_share``: the mean varies like a share of as many clips, whatever its values do.
    """
    if not len(values):
        return float("nan"), float("nan")
    mean = float(np.clip(values.mean(), 0, 1))
    count = len(np.unique(recordings))
    variance = variance_of_mean(values, recordings)
    worth: float = count
    if variance > 0 and 0 < mean < 1:
        worth = (float(values.var(ddof=1)) if as_share else mean * (1 - mean)) / variance
    quantile = float(special.stdtrit(max(1, count - 1), (1 + LEVEL) / 2))
    share = quantile**2 / worth
    middle = (mean + share / 2) / (1 + share)
    half = np.sqrt(share * mean * (1 - mean) + share**2 / 4) / (1 + share)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
