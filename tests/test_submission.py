"""The form of the submission, and how it spells classes."""

import logging
from pathlib import Path
from typing import Any

import copy_submission
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import read_rows

from earmark.dataset import tables
from earmark.evaluation import predictions, submission
from earmark.evaluation import truth as ground_truth
from earmark.runtime.errors import EarmarkError


def test_spellings_of_a_submission() -> None:
    today = ["Acoustic_guitar", "Hi-hat", "a/b", 'say"hi"', "犬"]
    assert submission.spellings(today) == {name: name for name in today}
    odd = ["Chink, clink", "Double  bass", "a b", "a,b", "a_b", "a_b_2", "x\u3000y"]
    assert list(submission.spellings(odd).values()) == [
        "Chink_clink",
        "Double_bass",
        "a_b_3",
        "a_b_4",
        "a_b",
        "a_b_2",
        "x_y",
    ]


@given(st.lists(st.text(st.sampled_from("ab ,_2"), min_size=1, max_size=6), unique=True))
def test_spellings_are_words_that_differ(classes: list[str]) -> None:
    spelled = submission.spellings(classes)
    assert list(spelled) == classes
    assert len(set(spelled.values())) == len(classes)
    for name, word in spelled.items():
        assert not set(word) & set(" ,")
        assert word == name or set(name) & set(" ,")


def test_guesses_of_odd_labels_come_back_as_they_are(tmp_path: Path) -> None:
    classes = ["Chink, clink", "a b", "a,b", "a_b"]
    probabilities = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    table = submission.make(["x.wav", "y.wav"], probabilities, classes)
    assert table["label"].tolist() == ["a_b a_b_3 a_b_2", "Chink_clink a_b_2 a_b_3"]
    tables.write_table(table, tmp_path / "made.csv")
    assert submission.read(tmp_path / "made.csv", classes) == {
        "x.wav": ["a_b", "a,b", "a b"],
        "y.wav": ["Chink, clink", "a b", "a,b"],
    }
    with pytest.raises(EarmarkError, match=r"has the guess 'a_b_3', which is no class"):
        submission.read(tmp_path / "made.csv", ["Chink, clink", "a,b", "a_b"])


def classes_in(folder: Path, classes: list[str]) -> str:
    """A file of predictions, of which only the classes are read."""
    path = folder / "predictions.h5"
    predicted = predictions.Predictions(["a.wav"], classes, np.ones((1, len(classes))))
    predictions.write(path, predicted)
    return str(path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(ground_truth.log, "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


def test_the_writer_of_a_submission_says_how_it_spells(tmp_path: Path, told: Any) -> None:
    (tmp_path / "guesses.csv").write_text("fname,label\n")
    for classes in (["Bark", "Hi-hat"], ["Bark", "Dog, big", "a b", "c d", "e f"]):
        told.clear()
        copy_submission.main(
            guesses=[str(tmp_path / "guesses.csv")],
            combined=[classes_in(tmp_path, classes)],
            choice=[],
            submission=str(tmp_path / "submission.csv"),
            cfg={"name": "set", "candidates": ["system"]},
        )
        assert ("spells" in told.text) == ("a b" in classes)
    assert "4 of 5 classes" in told.text
    assert "'Dog, big' as Dog_big, 'a b' as a_b, 'c d' as c_d, ..." in told.text
    assert all(record.terminal for record in told.records)


def test_a_submission_has_the_official_form(official: Path, tmp_path: Path) -> None:
    sample = (official / "sample_submission.csv").read_text(encoding="utf-8").splitlines()
    names = [line.split(",")[0] for line in sample[1:]]
    assert len(names) == 9400
    classes = sorted({row["label"] for row in read_rows(official / "train.csv")})
    assert len(classes) == 41
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(41, 0.2), size=len(names))
    tables.write_table(submission.make(names, probabilities, classes), tmp_path / "made.csv")
    content = (tmp_path / "made.csv").read_bytes().decode("utf-8")
    assert content.endswith("\n")
    assert "\r" not in content
    lines = content.splitlines()
    assert len(lines) == len(sample)
    assert lines[0] == sample[0] == "fname,label"
    for number, (mine, theirs) in enumerate(zip(lines[1:], sample[1:], strict=True)):
        fname, label = mine.split(",")
        assert fname == theirs.split(",")[0]
        guesses = label.split(" ")
        assert len(set(guesses)) == 3
        assert set(guesses) <= set(classes)
        order = sorted(range(41), key=lambda index: -probabilities[number, index])
        assert guesses == [classes[index] for index in order[:3]]
        assert len(label.split(" ")) == len(theirs.split(",")[1].split(" "))


def test_the_official_sample_spells_one_class_otherwise(official: Path) -> None:
    # The class is Hi-hat; the sample's own guesses say Hi-Hat and are no model for spelling.
    sample = read_rows(official / "sample_submission.csv")
    classes = {row["label"] for row in read_rows(official / "train.csv")}
    assert {row["label"] for row in sample} == {"Laughter Hi-Hat Flute"}
    assert "Hi-hat" in classes
    assert "Hi-Hat" not in classes


def test_equal_probabilities_still_name_three_classes_in_a_fixed_order() -> None:
    made = submission.make(["a.wav"], np.full((1, 5), 0.2), ["e", "d", "c", "b", "a"])
    assert made["label"].tolist() == ["e d c"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_probabilities_that_are_no_numbers_are_refused(value: float) -> None:
    probabilities = np.full((2, 4), 0.25)
    probabilities[1, 2] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        submission.make(["a.wav", "b.wav"], probabilities, list("abcd"))
