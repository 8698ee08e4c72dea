"""Temperatures: found again where they are known, never fitted on the clips they are applied to."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from earmark.evaluation import calibration, judging, out_of_fold
from earmark.evaluation.calibration import Calibration, calibrated
from earmark.evaluation.predictions import Predictions
from earmark.runtime.errors import EarmarkError

CLASSES = ["a", "b", "c", "d"]


def drawn(clips: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes drawn by softmax(logits), and softmax(logits * temperature): too sure if above 1."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((clips, len(CLASSES)))
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    powers = np.exp(logits * temperature)
    return powers / powers.sum(axis=1, keepdims=True), truth


def test_by_hand() -> None:
    found = calibrated(np.array([[0.64, 0.36, 0.0]]), 2.0)
    np.testing.assert_allclose(found, np.array([[0.8, 0.6, 0.0]]) / 1.4)
    np.testing.assert_allclose(calibrated(np.array([[0.8, 0.2]]), 0.5), [[16 / 17, 1 / 17]])
    same = np.array([[0.3, 0.7]], np.float32)
    assert calibrated(same, 1.0) is same
    both = calibrated(np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([[1.0], [0.5]]))
    np.testing.assert_allclose(both, [[0.8, 0.2], [16 / 17, 1 / 17]])


def test_it_is_the_softmax_of_divided_logits_in_the_same_order() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((50, 6))
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for temperature in (0.3, 4.0):
        divided = np.exp(logits / temperature)
        found = calibrated(values, temperature)
        np.testing.assert_allclose(found, divided / divided.sum(axis=1, keepdims=True))
        assert (found.argsort(axis=1) == values.argsort(axis=1)).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found(temperature: float) -> None:
    assert calibration.fit(*drawn(20_000, temperature)) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_has_a_lower_loss() -> None:
    values, truth = drawn(200, 2.0)
    found = calibration.fit(values, truth)
    best = log_loss(truth, calibrated(values, found), labels=range(4))
    for other in (0.98, 1.02):
        assert best < log_loss(truth, calibrated(values, found * other), labels=range(4))


def test_extremes_stay_within_bounds() -> None:
    sure = np.tile([1.0, 0.0, 0.0, 0.0], (200, 1))
    assert 0.05 <= calibration.fit(sure, np.zeros(200, int)) <= 20
    assert calibration.fit(sure, np.ones(200, int)) == pytest.approx(20, rel=0.01)
    assert np.isfinite(calibration.losses(sure, np.ones(200, int))).all()


def test_too_few_clips_have_none() -> None:
    values, truth = drawn(100, 3.0)
    assert calibration.fit(values[:99], truth[:99]) == 1
    assert calibration.fit(values, truth) > 1.5
    names = [str(number) for number in range(99)]
    found = calibration.cross_fitted(values[:99], truth[:99], np.zeros(99), names)
    assert (found == 1).all()


@pytest.mark.parametrize("folds", [5, 1])
def test_no_clip_is_calibrated_by_itself(folds: int) -> None:
    values, truth = drawn(400, 2.0)
    fold, names = np.arange(400) % folds, [f"r{number // 4}" for number in range(400)]
    found = calibration.cross_fitted(values, truth, fold, names)
    changed = truth.copy()
    changed[:4] = (changed[:4] + 1) % 4
    moved = calibration.cross_fitted(values, changed, fold, names) != found
    # Those that share a fold, or a half, with a changed clip see it only where another is changed.
    if folds == 1:
        assert not moved[:4].any()
        assert 100 < moved.sum() < 300
    else:
        assert [moved[fold == number].any() for number in range(5)] == [True] * 5
        single = truth.copy()
        single[0] = (single[0] + 1) % 4
        moved = calibration.cross_fitted(values, single, fold, names) != found
        assert (moved == (fold != 0)).all()


def test_expected_error_by_hand() -> None:
    # 20 clips in 10 bins of two: in each, confidence .6 and .8; one of two is right: gap .2.
    values = np.tile([[0.6, 0.4], [0.8, 0.2]], (10, 1))
    truth = np.tile([0, 1], 10)
    # Sorted by confidence: all .6 right (gap .4) in five bins, all .8 wrong (gap .8) in the others.
    assert calibration.expected_error(values, truth) == pytest.approx((0.4 + 0.8) / 2)
    assert [len(chosen) for chosen in calibration.equal_bins(values.max(axis=1))] == [2] * 10
    assert math.isnan(calibration.expected_error(values[:0], truth[:0]))
    few = calibration.expected_error(values[:3], truth[:3])
    assert few == pytest.approx((0.4 + 0.8 + 0.4) / 3)


def predicted(values: np.ndarray) -> tuple[Predictions, list[str]]:
    names = [f"{number:04}.wav" for number in range(len(values))]
    return Predictions(names, CLASSES, values), names


def test_a_systems_calibration_is_of_its_verified_clips(tmp_path: Path) -> None:
    values, truth = drawn(300, 2.0)
    member, names = predicted(values)
    values[280:] = np.nan  # not predicted
    rows = {"clip": names, "label": [CLASSES[number] for number in truth], "verified": 1}
    labels = pd.DataFrame(rows)
    labels.loc[:9, "verified"] = 0
    found = out_of_fold.calibrate(member, labels)
    assert found.clips == 270
    assert found.temperature == calibration.fit(values[10:280], truth[10:280])
    calibration.write(tmp_path / "one.json", found)
    assert calibration.read(tmp_path / "one.json") == found
    none = out_of_fold.calibrate(member, labels.assign(verified=0))
    assert none == Calibration(0, 1.0, None)


def test_a_damaged_calibration_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"clips": 3}')
    with pytest.raises(EarmarkError, match="damaged"):
        calibration.read(tmp_path / "one.json")


def test_held_out_losses_fall_for_a_model_that_is_too_sure() -> None:
    values, truth = drawn(600, 3.0)
    member, names = predicted(values)
    labels = pd.DataFrame(
        {"clip": names, "label": [CLASSES[number] for number in truth], "verified": 1}
    )
    folds = pd.DataFrame({"clip": names, "recording": names, "fold": np.arange(600) % 4})
    settings = {"kind": "arithmetic", "exponent": 0.25, "members": ["one"]}
    (one,) = judging.held_out({"one": settings}, 1, {"one": member}, labels, folds)
    assert one.temperature == pytest.approx(3, rel=0.2)
    before = calibration.losses(one.raw, one.truth)
    after = calibration.losses(one.calibrated, one.truth)
    assert after.mean() < before.mean() - 0.1
    assert set(one.clips["split"]) == {f"fold {number}" for number in range(4)}
    assert (one.raw.argmax(axis=1) == one.calibrated.argmax(axis=1)).all()
