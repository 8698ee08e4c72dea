"""The paired bootstrap against enumerated resamples and closed forms."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny import write_rows

from earmark.evaluation import out_of_fold
from earmark.evaluation.comparison import compare, paired_bootstrap, sentence, summarise
from earmark.runtime.errors import EarmarkError
from earmark.tagging import command_line


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


def test_clips_of_a_recording_are_drawn_together() -> None:
    # Two recordings of unequal size: draws are a+a, a+b (twice), b+b.
    values, recordings = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array(["a", "a", "a", "b"])
    found = paired_bootstrap(values, np.zeros((1, 4)), 1, recordings=recordings)
    assert found == pytest.approx((0.75, 0.0, 1.0))
    wide = paired_bootstrap(np.repeat(values, 9, axis=1), np.zeros((1, 36)), 1)
    assert 0.5 < wide.low < 0.75 < wide.high < 0.95


FOLDS = pd.DataFrame({"clip": [f"{n}.wav" for n in range(3)], "recording": [*"abc"], "fold": 0})


def scores_of(values: dict[tuple[str, int], list[float]]) -> pd.DataFrame:
    """Rows of three clips, the first two of the label x."""
    return pd.DataFrame(
        [
            (system, seed, f"{clip}.wav", "validation", value, "xxy"[clip])
            for (system, seed), of_clips in values.items()
            for clip, value in enumerate(of_clips)
        ],
        columns=["system", "seed", "clip", "usage", "average_precision", "label"],
    )


def test_two_systems_by_hand() -> None:
    scores = scores_of(
        {("a", 1): [1, 0.5, 0], ("a", 2): [1, 1, 0], ("b", 1): [0.5, 0.5, 1], ("b", 2): [1, 0, 1]}
    )
    found = compare(scores, "a", "b", FOLDS).set_index("label")
    # Clips: a 1, .75, 0; b .75, .25, 1. Right: a 1, .5, 0; b .5, 0, 1.
    assert found.loc["", "difference"] == pytest.approx((0.25 + 0.5 - 1) / 3)
    assert found.loc["", "accuracy_difference"] == pytest.approx((0.5 + 0.5 - 1) / 3)
    assert found.loc["x", "difference"] == pytest.approx(0.375)
    assert found.loc["x", ["low", "high"]].tolist() == pytest.approx([0.25, 0.5])
    assert (found.loc["y", "clips"], found.loc["y", "difference"]) == (1, -1)
    assert np.isnan(found.loc["y", "low"])
    # Both clips of x are one recording.
    found = compare(scores, "a", "b", FOLDS.assign(recording=["r", "r", "s"])).set_index("label")
    assert np.isnan(found.loc["x", "low"])
    other = compare(scores.drop(columns="label"), "b", "a", FOLDS)
    assert other["label"].tolist() == [""]
    assert "b against a on 3 clips (test): MAP@3 +0.083" in sentence(other, "b", "a", "test")


def test_what_cannot_be_compared_is_told() -> None:
    scores = scores_of({("a", 1): [1, 0, 0], ("b", 1): [1, 0, 0]})
    with pytest.raises(EarmarkError, match=r"no scores of c\. Name one of: a, b"):
        compare(scores, "a", "c", FOLDS)
    apart = pd.concat([scores[scores["system"] == "a"][:1], scores[scores["system"] == "b"][1:]])
    with pytest.raises(EarmarkError, match="no scored clip in common"):
        compare(apart, "a", "b", FOLDS)


def test_the_command_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("a", 1, "0.wav", 0, "x", 1, "x", "y", "", 0.6, 0.6),
        ("a", 1, "1.wav", 0, "y", 1, "y", "x", "", 0.6, 0.6),
        ("b", 1, "0.wav", 0, "x", 1, "x", "y", "", 0.6, 0.6),
        ("b", 1, "1.wav", 0, "y", 1, "x", "y", "", 0.6, 0.4),
    ]
    write_rows(tmp_path / "out_of_fold.csv", out_of_fold.COLUMNS, rows)
    write_rows(
        tmp_path / "folds.csv",
        ("clip", "recording", "fold"),
        [("0.wav", "0.wav", 0), ("1.wav", "1.wav", 0)],
    )
    command_line.main(["compare", str(tmp_path), "a", "b"])
    printed = capsys.readouterr().out
    assert "a against b on 2 clips (out of fold): MAP@3 +0.250" in printed
    assert "accuracy +50.0%" in printed
    with pytest.raises(SystemExit, match=r"has no out_of_fold.csv"):
        command_line.main(["compare", str(tmp_path / "none"), "a", "b"])
