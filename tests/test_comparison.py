"""The paired bootstrap against enumerated resamples and closed forms."""

import itertools

import numpy as np
import pytest

from earmark.evaluation.comparison import paired_bootstrap, summarise


def enumerated(differences: list[float]) -> np.ndarray:
    """Means of all n^n equally likely resamples."""
    return np.array(
        [np.mean(drawn) for drawn in itertools.product(differences, repeat=len(differences))]
    )


@pytest.mark.parametrize(
    "differences", [[1.0, -0.5], [0.5, 0.0, -0.5], [1.0, 1.0, -1.0, 0.5], [0.0, -0.5, -1.0]]
)
def test_a_tiny_bootstrap_agrees_with_all_resamples(differences: list[float]) -> None:
    means = enumerated(differences)
    found = paired_bootstrap(np.array([differences]), np.zeros((1, len(differences))), 1, 200_000)
    assert found.difference == pytest.approx(np.mean(differences))
    expected = np.quantile(means, [0.025, 0.975], method="inverted_cdf")
    assert [found.low, found.high] == pytest.approx(list(expected))


def test_a_constant_difference_has_no_spread_and_a_system_equals_itself() -> None:
    other = np.random.default_rng(0).random((2, 50))
    assert paired_bootstrap(other + 0.25, other, 1) == pytest.approx((0.25, 0.25, 0.25))
    assert paired_bootstrap(other, other + 0.25, 1) == pytest.approx((-0.25, -0.25, -0.25))
    assert paired_bootstrap(other, other, 1) == (0, 0, 0)


def test_one_clip_has_no_interval() -> None:
    difference, low, high = paired_bootstrap(np.array([[1.0]]), np.array([[0.5]]), 1)
    assert difference == 0.5
    assert np.isnan([low, high]).all()


def test_the_interval_is_the_normal_one_for_many_clips() -> None:
    rng = np.random.default_rng(5)
    clips = 3000
    ours, other = rng.random((1, clips)), rng.random((1, clips))
    found = paired_bootstrap(ours, other, 2)
    error = (ours - other).std() / np.sqrt(clips)
    # The ends are quantiles of 10,000 draws: their own error is about 0.03 standard errors.
    assert found.low == pytest.approx(found.difference - 1.96 * error, abs=0.12 * error)
    assert found.high == pytest.approx(found.difference + 1.96 * error, abs=0.12 * error)


def test_pairs_make_the_interval_narrow() -> None:
    rng = np.random.default_rng(5)
    hard = rng.random((1, 400))
    ours = hard + 0.02 + 0.01 * rng.standard_normal((1, 400))
    found = paired_bootstrap(ours, hard, 2)
    error = 0.01 / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_seeds_are_averaged_and_need_not_be_as_many() -> None:
    ours = np.array([[1.0, 0.0, 1.0, 0.5], [0.0, 0.0, 1.0, 1.0]])
    other = np.array([[0.5, 0.0, 0.0, 0.5]])
    found = paired_bootstrap(ours, other, 1)
    assert found == paired_bootstrap(np.array([[0.5, 0.0, 1.0, 0.75]]), other, 1)
    assert found.difference == pytest.approx(0.3125)


def test_drawing_clips_for_all_seeds_alike_is_the_same() -> None:
    ours = np.random.default_rng(1).random((3, 2))
    other = np.random.default_rng(2).random((3, 2))
    jointly = [
        np.mean([ours[seed, clip] - other[seed, clip] for seed in range(3) for clip in drawn])
        for drawn in itertools.product(range(2), repeat=2)
    ]
    found = paired_bootstrap(ours, other, 1)
    assert [found.low, found.high] == pytest.approx([min(jointly), max(jointly)])


def test_the_seed_decides() -> None:
    rng = np.random.default_rng(0)
    ours, other = rng.random((1, 100)), rng.random((1, 100))
    found = paired_bootstrap(ours, other, 1)
    assert found == paired_bootstrap(ours, other, 1)
    assert found.low != paired_bootstrap(ours, other, 2).low


def test_both_errors_by_hand() -> None:
    found = summarise(np.array([[1.0, 0.0, 0.5], [0.5, 0.0, 0.0]]))
    # Clips .75, 0, .25: deviations 5/12, -4/12, -1/12; seeds .5 and 1/6.
    assert found.mean == pytest.approx(1 / 3)
    assert found.clip_error == pytest.approx(np.sqrt((25 + 16 + 1) / 144 / 2 / 3))
    assert found.seed_deviation == pytest.approx((1 / 3) / np.sqrt(2))


def test_one_seed_has_no_deviation() -> None:
    assert np.isnan(summarise(np.array([[1.0, 0.0]])).seed_deviation)
