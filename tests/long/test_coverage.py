"""How often intervals hold the truth, simulated: ``pytest -s`` prints the tables."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_intervals import coverage, ends_of, exact_coverage, wilson

from earmark.evaluation import class_scores
from earmark.evaluation.intervals import interval

ACCURACIES = (0.5, 0.9, 0.98)


@pytest.mark.parametrize("alike", [0.0, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("clips", [200, 1000])
def test_recordings_of_five_clips(clips: int, alike: float) -> None:
    found = [coverage(clips, 5, accuracy, alike) for accuracy in ACCURACIES]
    print(f"\n{clips} clips, 5 of a recording, correlation {alike}: {np.round(found, 1)} %")
    assert all(92 <= held <= 98 for held in found)


def test_without_recordings_and_fifty_clips() -> None:
    for name, ends in (
        ("50 clips, Wilson's", [wilson(count, 50, 1.959964) for count in range(51)]),
        *((f"{clips} clips", ends_of(clips)) for clips in (50, 200, 1000)),
    ):
        found = [exact_coverage(ends, accuracy) for accuracy in ACCURACIES]
        print(f"\n{name} without recordings: {np.round(found, 1)} %")
    for alike in (0.0, 0.3, 0.8):
        found = [coverage(50, 5, accuracy, alike) for accuracy in ACCURACIES]
        print(f"\n50 clips, 5 of a recording, correlation {alike}: {np.round(found, 1)} %")


def predictions_of(
    rng: np.random.Generator, clips: int, confusion: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Truth (clips,) and probabilities (clips, classes) whose guesses 1 and 2 follow the rows of
    ``confusion``.
    """
    classes = len(confusion)
    truth = rng.integers(0, classes, clips)
    gumbel = rng.gumbel(size=(clips, classes)) + np.log(confusion[truth])
    values = np.exp(gumbel)
    return truth, values / values.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("classes", "clips"), [(10, 200), (10, 1000), (50, 2000)])
def test_map3_and_macro_f1(classes: int, clips: int) -> None:
    rng = np.random.default_rng(2)
    for accuracy in ACCURACIES:
        own = np.clip(rng.normal(accuracy, 0.05, classes), 0.05, 0.99)
        confusion = np.repeat((1 - own)[:, None] / (classes - 1), classes, axis=1)
        np.fill_diagonal(confusion, own)
        many = class_scores.clip_values(*predictions_of(rng, 1_000_000, confusion))
        held = dict.fromkeys(many, 0)
        for _ in range(500):
            values = class_scores.clip_values(*predictions_of(rng, clips, confusion))
            for name, of_clips in values.items():
                low, high = interval(of_clips, np.arange(clips))
                held[name] += low <= many[name].mean() <= high
        found = {name: round(float(count) / 5, 1) for name, count in held.items()}
        print(f"\n{classes} classes, {clips} clips, accuracy {accuracy}: {found} %")
        assert all(91 <= share <= 99 for share in found.values())
