"""Which clips a self-training round adds: the threshold's schedule, the pool, the labels."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.labels import pseudo_labels, selections
from earmark.labels.threshold_schedule import ThresholdSchedule


@pytest.mark.parametrize(
    ("round_number", "lower"),
    [(1, 0.35), (2, 0.36), (16, 0.50), (30, 0.64), (31, 0.65), (40, 0.65)],
)
def test_lower_bound_rises_to_its_limit(round_number, lower):
    assert ThresholdSchedule(0.35, 0.01, 0.65, 0.9).lower(round_number) == pytest.approx(lower)


def test_other_schedules():
    schedule = ThresholdSchedule(lower_first=0.2, lower_step=0.25, lower_last=0.6, upper=0.8)
    assert [schedule.lower(n) for n in (1, 2, 3, 4)] == pytest.approx([0.2, 0.45, 0.6, 0.6])
    constant = ThresholdSchedule(lower_first=0.5, lower_step=0.0, lower_last=0.65, upper=0.8)
    assert constant.lower(100) == 0.5


@given(st.floats(0, 1), st.floats(0, 0.2), st.floats(0, 1), st.integers(1, 60))
def test_lower_bound_never_falls_and_never_passes_its_limit(first, step, last, rounds):
    schedule = ThresholdSchedule(lower_first=first, lower_step=step, lower_last=last, upper=1.0)
    bounds = [schedule.lower(number) for number in range(1, rounds + 1)]
    assert bounds == sorted(bounds)
    assert all(min(first, last) <= bound <= last for bound in bounds)
    assert bounds[0] == min(first, last)


CLIPS = [
    # clip, weight, fold
    ("base.wav", 1.0, 1),
    ("doubted.wav", 0.3, 1),
    ("free.wav", 0.0, 1),
    ("held_out.wav", 0.0, 0),
    ("never_held_out.wav", 0.0, -1),
    ("other_fold.wav", 0.0, 2),
    ("base_of_fold.wav", 1.0, 0),
]
BASE = pd.DataFrame([row[:2] for row in CLIPS], columns=["clip", "weight"])
# Clips that cannot be used are in the lists, and so have a fold, but in no selection.
FOLDS = pd.DataFrame(
    [*(row[::2] for row in CLIPS), ("silent.wav", 1)], columns=["clip", "fold"]
).sort_values("clip", ascending=False)


def test_pool_is_what_is_not_learned_from_outside_the_held_out_fold():
    free = ["free.wav", "never_held_out.wav", "other_fold.wav"]
    assert pseudo_labels.pool_of(BASE, FOLDS, fold=0) == free
    without = ["held_out.wav", "never_held_out.wav"]
    assert pseudo_labels.pool_of(BASE, FOLDS, fold=2) == ["free.wav", *without]
    assert pseudo_labels.pool_of(BASE, FOLDS, fold=1) == [*without, "other_fold.wav"]


def test_pool_is_empty_when_the_base_has_every_clip():
    assert pseudo_labels.pool_of(BASE.assign(weight=1.0), FOLDS, fold=0) == []


def test_given_labels_are_agreed_with_among_the_unverified_ones_of_the_other_folds():
    base = BASE.assign(verified=[1, 0, 0, 0, 0, 1, 0])
    found = pseudo_labels.pool_of(base, FOLDS, 0, by_agreement=True)
    assert found == ["doubted.wav", "free.wav", "never_held_out.wav"]


@pytest.mark.parametrize(
    ("pool", "told"), [([], "adds no clip"), (["a"], "adds no clip"), (["b"], "")]
)
def test_a_round_that_adds_nothing_is_told(pool, told, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level("WARNING", "earmark")
    schedule = {"lower_first": 0.4, "lower_step": 0.1, "lower_last": 0.6, "upper": 0.9}
    of = {"a": [0.45, 0.3, 0.25], "b": [0.55, 0.3, 0.15]}
    probabilities = np.array([of[name] for name in pool]).reshape(-1, 3)
    cfg = {"round": 2, "schedule": schedule}  # from 0.5 on
    found = pseudo_labels.choose("vgg, round 2", pool, probabilities, "xyz", {}, cfg)
    assert found["clip"].tolist() == (["b"] if pool == ["b"] else [])
    assert (f"vgg, round 2 {told}" in caplog.text) if told else not caplog.text


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
    found = pseudo_labels.pseudo_labels(names, probabilities, ["x", "y", "z"], 0.5, 0.75)
    assert list(found.columns) == list(selections.COLUMNS)
    assert found.values.tolist() == [
        ["b", "y", 0, "pseudo_label", 1.0],
        ["f", "z", 0, "pseudo_label", 1.0],
    ]


@pytest.mark.parametrize(
    ("agreement", "kept"), [(0.0, "abcd"), (0.5, "abc"), (0.74, "bc"), (0.76, "c"), (1.0, "c")]
)
def test_given_labels_are_agreed_with_by_hand(agreement, kept):
    # Given labels have 1/2, 3/4, 1 and 1/8 of the highest probability.
    probabilities = np.array([[0.5, 0.25, 0.25], [0.4, 0.3, 0.3], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8]])
    given = {"a": "y", "b": "z", "c": "z", "d": "x", "elsewhere": "y"}
    cfg = {"round": 1, "agreement": agreement}
    found = pseudo_labels.choose("net", list("abcd"), probabilities, "xyz", given, cfg)
    assert found["clip"].tolist() == list(kept)
    assert found["label"].tolist() == [given[clip] for clip in kept]
    assert (found["source"] == "pseudo_label").all()
    assert (found["weight"] == 1).all()


def test_equally_probable_classes_give_the_first():
    found = pseudo_labels.pseudo_labels(["a"], np.array([[0.1, 0.45, 0.45]]), "xyz", 0.4, 0.9)
    assert found["label"].tolist() == ["y"]


@pytest.mark.parametrize("probabilities", [np.zeros((0, 3)), np.full((2, 3), 1 / 3)])
def test_no_clip_within_the_bounds_gives_an_empty_table(probabilities):
    names = ["a", "b"][: len(probabilities)]
    found = pseudo_labels.pseudo_labels(names, probabilities, "xyz", 0.4, 0.9)
    assert len(found) == 0
    assert list(found.columns) == list(selections.COLUMNS)


@given(st.lists(st.floats(0.34, 1), max_size=20), st.floats(0, 1), st.floats(0, 0.3))
def test_a_higher_lower_bound_keeps_no_other_clips(highest, lower, step):
    probabilities = np.array([[p, (1 - p) / 2, (1 - p) / 2] for p in highest]).reshape(-1, 3)
    names = [f"{number}.wav" for number in range(len(highest))]
    before = pseudo_labels.pseudo_labels(names, probabilities, "xyz", lower, 0.9)
    after = pseudo_labels.pseudo_labels(names, probabilities, "xyz", lower + step, 0.9)
    assert set(after["clip"]) <= set(before["clip"]) <= set(names)
    assert before["clip"].is_unique


def test_clips_whose_probabilities_are_not_numbers_are_not_kept():
    probabilities = np.array([[np.nan, 0.5, 0.5], [0.6, 0.2, 0.2]])
    found = pseudo_labels.pseudo_labels(["a", "b"], probabilities, "xyz", 0.4, 0.9)
    assert found["clip"].tolist() == ["b"]


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
    found = pseudo_labels.pseudo_labels(names, probabilities, "xyz", lower, upper)
    assert list(zip(found["clip"], found["label"], strict=True)) == expected
