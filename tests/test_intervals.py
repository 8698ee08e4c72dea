"""Intervals of means over clips: by hand, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from earmark.evaluation.intervals import interval, variance_of_mean


def wilson(hits: int, clips: float, quantile: float) -> tuple[float, float]:
    """The roots p of (mean - p)^2 = quantile^2 p (1 - p) / clips, by numpy."""
    mean, share = hits / clips, quantile**2 / clips
    low, high = sorted(np.roots([1 + share, -(2 * mean + share), mean**2]).real)
    return float(low), float(high)


def test_without_recordings_it_is_wilsons_but_for_the_quantile() -> None:
    values = np.repeat([1.0, 0.0], [170, 30])
    found = interval(values, np.arange(200))
    assert found == pytest.approx(wilson(170, 200, 1.959964), abs=0.001)
    # Wilson's own example: all of n right.
    low, high = interval(np.ones(20), np.arange(20))
    assert high == 1
    assert low == pytest.approx(20 / (20 + stats.t.ppf(0.975, 19) ** 2))


def test_copies_of_a_clip_are_worth_one() -> None:
    values = np.repeat([1.0, 0.0], [30, 12])
    once = interval(values, np.arange(42))
    assert interval(np.repeat(values, 5), np.repeat(np.arange(42), 5)) == pytest.approx(once)
    assert interval(np.ones(210), np.repeat(np.arange(42), 5)) == pytest.approx(
        interval(np.ones(42), np.arange(42))
    )


def test_the_variance_by_hand() -> None:
    # Recordings a (1, 0), b (1), c (0): mean 1/2, sums of deviations 0, 1/2, -1/2.
    values, names = np.array([1.0, 0.0, 1.0, 0.0]), np.array(["a", "a", "b", "c"])
    assert variance_of_mean(values, names) == pytest.approx(3 / 2 * 0.5 / 16)


def test_values_that_vary_less_have_a_narrower_interval() -> None:
    shares, halves = np.tile([1.0, 0.0], 50), np.tile([0.75, 0.25], 50)
    wide, narrow = interval(shares, np.arange(100)), interval(halves, np.arange(100))
    assert narrow[1] - narrow[0] == pytest.approx((wide[1] - wide[0]) / 2, rel=0.02)
    assert interval(halves, np.arange(100), as_share=True) == pytest.approx(wide, rel=0.01)


def test_few_clips() -> None:
    assert np.isnan(interval(np.empty(0), np.empty(0))).all()
    low, high = interval(np.ones(1), np.zeros(1))
    assert (low < 0.01, high) == (True, 1)


def right_guesses(
    rng: np.random.Generator, draws: int, clips: int, size: int, accuracy: float, alike: float
) -> np.ndarray:
    """Right guesses (draws, clips), of recordings of ``size`` clips with the intraclass correlation
    ``alike``: each has its own accuracy from a beta distribution.
    """
    of_recording = np.full((draws, clips // size), accuracy)
    if alike:
        scale = (1 - alike) / alike
        of_recording = rng.beta(accuracy * scale, (1 - accuracy) * scale, of_recording.shape)
    return (rng.random((draws, clips)) < np.repeat(of_recording, size, axis=1)).astype(float)


def coverage(clips: int, size: int, accuracy: float, alike: float, draws: int = 2000) -> float:
    """How many percent of the intervals of drawn right guesses hold the accuracy."""
    drawn = right_guesses(np.random.default_rng(1), draws, clips, size, accuracy, alike)
    recordings = np.repeat(np.arange(clips // size), size)
    found = np.array([interval(values, recordings) for values in drawn])
    return 100 * float(((found[:, 0] <= accuracy) & (accuracy <= found[:, 1])).mean())


def exact_coverage(ends: list[tuple[float, float]], accuracy: float) -> float:
    """How many percent of the intervals hold the accuracy, if number k is that of k right guesses
    of clips without recordings, which are binomial.
    """
    low, high = np.array(ends).T
    held = (low <= accuracy) & (accuracy <= high)
    weights = stats.binom.pmf(np.arange(len(ends)), len(ends) - 1, accuracy)
    return 100 * float(weights[held].sum())


def ends_of(clips: int) -> list[tuple[float, float]]:
    """The interval for each number of right guesses."""
    counts = range(clips + 1)
    return [interval(np.arange(clips) < count, np.arange(clips)) for count in counts]


@pytest.mark.parametrize("clips", [200, 1000])
def test_it_holds_the_truth_without_recordings(clips: int) -> None:
    ends = ends_of(clips)
    assert all(92 <= exact_coverage(ends, accuracy) <= 98 for accuracy in (0.5, 0.9, 0.98))


def test_with_few_clips_it_holds_the_truth_about_as_often_as_wilsons() -> None:
    of_wilson = [wilson(count, 50, 1.959964) for count in range(51)]
    for accuracy in (0.5, 0.9, 0.98):
        assert exact_coverage(ends_of(50), accuracy) >= exact_coverage(of_wilson, accuracy) - 2


# tests/long has more of them.
@pytest.mark.parametrize("accuracy", [0.5, 0.9, 0.98])
def test_it_holds_the_truth_with_recordings(accuracy: float) -> None:
    assert 92 <= coverage(200, 5, accuracy, alike=0.3) <= 98
