"""Which clips figures show: verified, of median length, always the same ones."""

import pytest
from drawn import labelled_clips, write_tables

from earmark.report2018 import example_clips
from earmark.runtime.errors import EarmarkError

ROWS = [
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
    ("m", "Cello", 1, 1.0),
]
CLIPS = labelled_clips(ROWS)


def shuffled(seed):
    return CLIPS.sample(frac=1, random_state=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_verified_clip_of_median_length(seed):
    assert example_clips.of_label(shuffled(seed), "Oboe")["clip"].tolist() == ["c"]
    # Lengths .5 3 3 8: the shorter middle one, and of equal ones the first by name.
    assert example_clips.of_label(shuffled(seed), "Bark")["clip"].tolist() == ["g"]


@pytest.mark.parametrize("label", ["Gong", "Fart"])
def test_label_without_a_verified_clip_gets_a_sentence(label):
    with pytest.raises(EarmarkError, match=f"'{label}'.*Bark, Cello, Oboe"):
        example_clips.of_label(CLIPS, label)


@pytest.mark.parametrize("seed", [0, 1])
def test_clips_of_different_labels(seed):
    def names(count, labels):
        clips = shuffled(seed)
        chosen = clips[clips["label"].isin(labels)]
        return example_clips.of_different_labels(chosen, count)["clip"].tolist()

    # Of b 2.0, d 4.0, e 4.5, c 5.0, a 9.0 the middle is e: verified or not.
    three = ["Bark", "Gong", "Oboe"]
    assert names(3, three) == ["g", "j", "e"]
    assert names(2, three) == ["g", "e"]
    assert names(5, three) == ["g", "j", "e"]
    assert names(9, ["Cello", *three]) == ["g", "m", "j", "e"]


def test_nothing_to_show_gets_a_sentence():
    with pytest.raises(EarmarkError, match="needs a usable train clip"):
        example_clips.of_different_labels(CLIPS[:0], 3)


def test_what_cannot_be_used_is_no_example(tmp_path):
    usable = [row for row in ROWS if row[1] != "Gong"]  # a class needs a verified clip
    files = write_tables(tmp_path, [*usable, ("k", "Oboe", 1, 4.9)], unusable=["k", "c"])
    clips = example_clips.read(files["labels_table"], files["clips_table"])
    assert clips["clip"].tolist() == [row[0] for row in usable if row[0] != "c"]
    assert dict(zip(clips["clip"], clips["seconds"], strict=True))["a"] == 9.0
    assert example_clips.of_label(clips, "Oboe")["clip"].tolist() == ["b"]
