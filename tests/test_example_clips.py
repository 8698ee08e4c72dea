"""Which clips figures show: verified, of median length, always the same ones."""

import pandas as pd
import pytest
from drawn import manifest_of

from earmark import example_clips
from earmark.runtime.errors import EarmarkError

CLIPS = pd.concat(
    [
        manifest_of(
            [
                ("a", "Oboe", 1, 9.0),
                ("b", "Oboe", 1, 2.0),
                ("c", "Oboe", 1, 5.0),
                ("d", "Oboe", 0, 4.0),  # would be the median if it counted
                ("e", "Oboe", 0, 4.5),
                ("h", "Bark", 1, 3.0),
                ("g", "Bark", 1, 3.0),
                ("f", "Bark", 1, 8.0),
                ("i", "Bark", 1, 0.5),
                ("j", "Gong", 0, 1.0),
            ]
        ),
        manifest_of([("k", "Oboe", 1, 4.9)], status="silent", use=0),
        manifest_of([("l", "Oboe", 1, 4.9)], split="test"),
        manifest_of([("m", "Cello", 1, 1.0), ("n", "Knock", 0, 1.0)], fold=1),
    ],
    ignore_index=True,
)


def shuffled(seed):
    return CLIPS.sample(frac=1, random_state=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_verified_clip_of_median_length(seed):
    assert example_clips.of_label(shuffled(seed), "Oboe")["fname"].tolist() == ["c"]
    # Lengths .5 3 3 8: the shorter middle one, and of equal ones the first by name.
    assert example_clips.of_label(shuffled(seed), "Bark")["fname"].tolist() == ["g"]


@pytest.mark.parametrize("label", ["Gong", "Fart"])
def test_label_without_a_verified_clip_gets_a_sentence(label):
    with pytest.raises(EarmarkError, match=f"'{label}'.*Bark, Cello, Oboe"):
        example_clips.of_label(CLIPS, label)


@pytest.mark.parametrize("seed", [0, 1])
def test_clips_of_different_labels_of_a_fold(seed):
    def names(count, fold):
        return example_clips.of_different_labels(shuffled(seed), count, fold)["fname"].tolist()

    # Of b 2.0, d 4.0, e 4.5, c 5.0, a 9.0 the middle is e: verified or not.
    assert names(3, 0) == ["g", "j", "e"]
    assert names(2, 0) == ["g", "e"]
    assert names(5, 0) == ["g", "j", "e"]
    assert names(3, 1) == ["m", "n"]


def test_fold_without_clips_gets_a_sentence():
    with pytest.raises(EarmarkError, match="Fold 4 has no train clip"):
        example_clips.of_different_labels(CLIPS, 3, 4)


def test_first_label_with_a_verified_clip():
    assert example_clips.any_label(CLIPS) == "Bark"
    assert example_clips.any_label(CLIPS[CLIPS["label"].isin(["Gong", "Cello"])]) == "Cello"
    with pytest.raises(EarmarkError, match="No verified train clip"):
        example_clips.any_label(CLIPS[CLIPS["label"] == "Gong"])
