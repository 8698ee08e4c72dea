"""The truth as people write it: usages, spellings, clips and labels that nobody knows."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny import write_rows

from earmark.evaluation import scoring
from earmark.evaluation import truth as ground_truth
from earmark.runtime.errors import EarmarkError

CLASSES = ["Bark", "Bus", "Cello", "Gong", "Oboe"]


def write_truth(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    write_rows(folder / "truth.csv", ("fname", "label", "usage"), rows)
    return folder / "truth.csv"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(ground_truth.log, "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


def test_usages_in_any_case_and_a_class_called_none(tmp_path: Path) -> None:
    rows = [
        ("a.wav", "Bark", "public"),
        ("b.wav", "None", "Private"),
        ("c.wav", "None", "IGNORED"),
        ("d.wav", "None", ""),
        ("e.wav", "", "Public"),
        ("f.wav", "Bark", ""),
    ]
    found = ground_truth.read_test(write_truth(tmp_path, rows), CLASSES)
    assert list(found.itertuples(index=False, name=None)) == [
        ("a.wav", "Bark", "public"),
        ("b.wav", "None", "private"),
        ("f.wav", "Bark", ""),
    ]


def fitted(rows: list[tuple[str, str]], clips: list[str], classes: list[str]) -> Any:
    truth = pd.DataFrame([(*row, "") for row in rows], columns=["clip", "label", "usage"])
    return ground_truth.fit(truth, clips, classes, "test")


@pytest.mark.parametrize(
    ("label", "name"), [("bark", "Bark"), ("double_bass", "Double bass"), ("none", "None")]
)
def test_a_truth_that_spells_a_class_otherwise_is_not_scored_as_wrong(
    label: str, name: str
) -> None:
    with pytest.raises(EarmarkError, match=f"writes the class '{name}' of .* as '{label}'"):
        fitted([("a.wav", label)], ["a.wav"], ["Bark", "Double bass", "None"])


def test_labels_that_are_no_class_are_misses_and_told(told: Any) -> None:
    rows = [("a.wav", "Cats"), ("b.wav", "Cats"), ("c.wav", "Cat"), ("d.wav", "Xylophone")]
    clips = [clip for clip, _ in rows]
    truth, remarks = fitted(rows, clips, ["Bark", "Cat", "Oboe"])
    assert truth[["clip", "label"]].to_numpy().tolist() == [list(row) for row in rows]
    (remark,) = remarks
    assert "3 of 4 labels" in remark
    assert "'Cats' (2, did you mean 'Cat'?), 'Xylophone' (1)" in remark
    assert remark in told.text
    assert told.records[0].levelno == logging.WARNING
    guesses = {clip: ["Cat", "Bark", "Oboe"] for clip in clips}
    assert scoring.score_clips("x", 1, guesses, truth)["average_precision"].sum() == 1


def test_clips_that_the_truth_or_the_test_list_lacks_are_told(told: Any) -> None:
    rows = [("a.wav", "Bark"), ("x.wav", "Bark"), ("y.wav", "Bark")]
    truth, remarks = fitted(rows, ["a.wav", "b.wav", "c.wav"], ["Bark"])
    assert truth["clip"].tolist() == ["a.wav"]
    assert "2 clips of the ground truth are no test clips, such as x.wav, y.wav" in remarks[0]
    assert "1 of 3 test clips" in remarks[1]
    assert all(remark in told.text for remark in remarks)
    told.clear()
    assert fitted(rows[:1], ["a.wav"], ["Bark"])[1] == []
    assert told.text == ""
    with pytest.raises(EarmarkError, match=r"None of the 3 clips .*a.wav.* is a test clip .*a\b"):
        fitted(rows, ["a", "x"], ["Bark"])


def test_none_is_a_label_where_it_is_a_class(tmp_path: Path) -> None:
    rows = [("a.wav", "None", ""), ("b.wav", "Bark", ""), ("c.wav", "None", "Ignored")]
    path = write_truth(tmp_path, rows)
    assert ground_truth.read_test(path, ["Bark"])["clip"].tolist() == ["b.wav"]
    found = ground_truth.read_test(path, ["Bark", "None"])
    assert found["clip"].tolist() == ["a.wav", "b.wav"]


def test_the_truth_of_train_clips(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    rows = [("a.wav", " Double bass "), ("b.wav", ""), ("c.wav", "None")]
    write_rows(path, ("fname", "true_label"), rows)
    found = ground_truth.read_train(path)
    assert found.to_numpy().tolist() == [["a.wav", "Double bass"], ["c.wav", "None"]]
    write_rows(path, ("fname", "true_label"), [("a.wav", "Bark"), ("a.wav", "Cello")])
    with pytest.raises(EarmarkError, match=r"a.wav is listed again"):
        ground_truth.read_train(path)
