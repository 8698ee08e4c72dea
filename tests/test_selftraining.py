"""Which clips a self-training round adds: the threshold's schedule, the pool, the labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark import labels, selftraining
from earmark.selftraining import Schedule


@pytest.mark.parametrize(
    ("round_number", "lower"),
    [(1, 0.35), (2, 0.36), (16, 0.50), (30, 0.64), (31, 0.65), (40, 0.65)],
)
def test_lower_bound_rises_to_its_limit(round_number, lower):
    assert Schedule().lower(round_number) == pytest.approx(lower, abs=1e-12)
    assert Schedule().upper == 0.9


def test_other_schedules():
    schedule = Schedule(lower_first=0.2, lower_step=0.25, lower_last=0.6, upper=0.8)
    assert [schedule.lower(n) for n in (1, 2, 3, 4)] == pytest.approx([0.2, 0.45, 0.6, 0.6])
    constant = Schedule(lower_first=0.5, lower_step=0.0, lower_last=0.65)
    assert constant.lower(100) == 0.5


@given(st.floats(0, 1), st.floats(0, 0.2), st.floats(0, 1), st.integers(1, 60))
def test_lower_bound_never_falls_and_never_passes_its_limit(first, step, last, rounds):
    schedule = Schedule(lower_first=first, lower_step=step, lower_last=last)
    bounds = [schedule.lower(number) for number in range(1, rounds + 1)]
    assert bounds == sorted(bounds)
    assert all(min(first, last) <= bound <= last for bound in bounds)
    assert bounds[0] == min(first, last)


CLIPS = pd.DataFrame(
    [
        # fname, split, use, fold
        ("base.wav", "train", 1, 1),
        ("free.wav", "train", 1, 1),
        ("held_out.wav", "train", 1, 0),
        ("never_held_out.wav", "train", 1, -1),
        ("silent.wav", "train", 0, 1),
        ("empty.wav", "train", 0, 2),
        ("broken.wav", "train", 0, 2),
        ("unreadable.wav", "train", 0, -1),
        ("other_fold.wav", "train", 1, 2),
        ("test.wav", "test", 1, -1),
        ("test_of_fold.wav", "test", 1, 1),
    ],
    columns=["fname", "split", "use", "fold"],
)


def test_pool_is_usable_train_clips_outside_base_and_held_out_fold():
    base = pd.DataFrame({"fname": ["base.wav"]})
    free = ["free.wav", "never_held_out.wav", "other_fold.wav"]
    assert selftraining.pool_of(CLIPS, base, fold=0) == free
    without = ["held_out.wav", "never_held_out.wav"]
    assert selftraining.pool_of(CLIPS, base, fold=2) == ["free.wav", *without]
    assert selftraining.pool_of(CLIPS, base, fold=1) == [*without, "other_fold.wav"]


def test_pool_is_empty_when_the_base_has_every_clip():
    assert selftraining.pool_of(CLIPS, CLIPS, fold=0) == []


def test_pseudo_labels_by_hand():
    names = ["a", "b", "c", "d", "e", "f"]
    probabilities = np.array(
        [
            [0.50, 0.30, 0.20],  # on the lower bound: out
            [0.25, 0.625, 0.125],  # in: y
            [0.125, 0.125, 0.75],  # on the upper bound: out
            [0.40, 0.30, 0.30],  # below: out
            [0.0, 0.0, 1.0],  # above: out
            [0.1, 0.2, 0.7],  # in: z
        ]
    )
    found = selftraining.pseudo_labels(names, probabilities, ["x", "y", "z"], 0.5, 0.75)
    assert list(found.columns) == list(labels.COLUMNS)
    assert found.values.tolist() == [["b", "y", "pseudo", 1.0], ["f", "z", "pseudo", 1.0]]


def test_equally_probable_classes_give_the_first():
    found = selftraining.pseudo_labels(["a"], np.array([[0.1, 0.45, 0.45]]), "xyz", 0.4, 0.9)
    assert found["label"].tolist() == ["y"]


@pytest.mark.parametrize("probabilities", [np.zeros((0, 3)), np.full((2, 3), 1 / 3)])
def test_no_clip_within_the_bounds_gives_an_empty_table(probabilities):
    names = ["a", "b"][: len(probabilities)]
    found = selftraining.pseudo_labels(names, probabilities, "xyz", 0.4, 0.9)
    assert len(found) == 0
    assert list(found.columns) == list(labels.COLUMNS)


@given(st.lists(st.floats(0.34, 1), max_size=20), st.floats(0, 1), st.floats(0, 0.3))
def test_a_higher_lower_bound_keeps_no_other_clips(highest, lower, step):
    probabilities = np.array([[p, (1 - p) / 2, (1 - p) / 2] for p in highest]).reshape(-1, 3)
    names = [f"{number}.wav" for number in range(len(highest))]
    before = selftraining.pseudo_labels(names, probabilities, "xyz", lower, 0.9)
    after = selftraining.pseudo_labels(names, probabilities, "xyz", lower + step, 0.9)
    assert set(after["fname"]) <= set(before["fname"]) <= set(names)
    assert before["fname"].is_unique


def test_clips_whose_probabilities_are_not_numbers_are_not_kept():
    probabilities = np.array([[np.nan, 0.5, 0.5], [0.6, 0.2, 0.2]])
    found = selftraining.pseudo_labels(["a", "b"], probabilities, "xyz", 0.4, 0.9)
    assert found["fname"].tolist() == ["b"]


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=1, max_size=8),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_pseudo_labels_agree_with_a_loop(counts, lower, upper):
    probabilities = np.array(counts) / np.sum(counts, axis=1, keepdims=True)
    names = [f"{i}.wav" for i in range(len(counts))]
    expected = []
    for name, row in zip(names, probabilities.tolist(), strict=True):
        if lower < max(row) < upper:
            expected.append((name, "xyz"[row.index(max(row))]))
    found = selftraining.pseudo_labels(names, probabilities, "xyz", lower, upper)
    assert list(zip(found["fname"], found["label"], strict=True)) == expected
