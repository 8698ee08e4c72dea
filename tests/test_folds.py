"""Validation folds: even in every stratum, whatever the labels are."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark import folds

STRATA = st.lists(
    st.tuples(st.sampled_from(["Bark", "Cello", "Bus", "Gong"]), st.integers(0, 1)), max_size=80
)


def draw(clips: list[tuple[str, int]], fold_count: int, seed: int = 1) -> list[int]:
    labels, verified = [label for label, _ in clips], [flag for _, flag in clips]
    return folds.draw(labels, verified, fold_count, np.random.default_rng(seed)).tolist()


@given(clips=STRATA, fold_count=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_folds_are_even_in_every_stratum_and_in_all(
    clips: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    drawn = draw(clips, fold_count, seed)
    assert len(drawn) == len(clips)
    sizes = Counter(clips)
    counts: dict[tuple[str, int], Counter[int]] = {key: Counter() for key in sizes}
    for key, fold in zip(clips, drawn, strict=True):
        counts[key][fold] += 1
    for key, found in counts.items():
        if key[1] == 1 and sizes[key] == 1:
            assert found == {-1: 1}
        else:
            assert set(found) <= set(range(fold_count))
            dealt = [found[fold] for fold in range(fold_count)]
            assert max(dealt) - min(dealt) <= 1
    everywhere = Counter(fold for fold in drawn if fold >= 0)
    dealt = [everywhere[fold] for fold in range(fold_count)]
    assert max(dealt) - min(dealt) <= 1


@given(clips=STRATA, fold_count=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_no_fold_takes_the_last_verified_clip_of_a_class(
    clips: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    drawn = draw(clips, fold_count, seed)
    verified = {label for label, flag in clips if flag}
    for fold in range(fold_count):
        left = {
            label for (label, flag), own in zip(clips, drawn, strict=True) if flag and own != fold
        }
        assert left == verified


@given(clips=STRATA, fold_count=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_names_of_the_classes_do_not_matter_but_for_their_order(
    clips: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    renamed = [(f"x{label}", flag) for label, flag in clips]
    assert draw(renamed, fold_count, seed) == draw(clips, fold_count, seed)


def test_more_folds_than_clips_leave_some_folds_empty() -> None:
    drawn = draw([("Bark", 1), ("Bark", 1), ("Cello", 1), ("Cello", 0)], 50)
    # Cello's only verified clip is never held out; the others have a fold each.
    assert sorted(drawn) == [-1, 0, 1, 2]
    assert drawn[2] == -1


def test_clips_that_are_the_only_ones_of_their_class_are_never_held_out() -> None:
    assert draw([("Bark", 1), ("Cello", 1), ("Gong", 1)], 5) == [-1, -1, -1]
