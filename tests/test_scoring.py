"""Scores against the truth, recomputed by hand, and the form of the submission."""

import math
from pathlib import Path

import numpy as np
import pytest
import score as score_script
from tiny import read_rows, write_rows

from earmark import scoring, submission, tables
from earmark.errors import EarmarkError

TRUTH = [
    ("a.wav", "Bark", "Public"),
    ("b.wav", "Cello", "Public"),
    ("c.wav", "Oboe", "Private"),
    ("d.wav", "Gong", "Private"),
    ("e.wav", "Bark", "Private"),
    ("f.wav", "None", "Ignored"),
    ("g.wav", "Bark", "Ignored"),
]
GUESSES = {
    "a.wav": ["Bark", "Cello", "Oboe"],  # 1
    "b.wav": ["Bark", "Cello", "Oboe"],  # 1/2
    "c.wav": ["Bark", "Cello", "Oboe"],  # 1/3
    "d.wav": ["Bark", "Cello", "Oboe"],  # 0
    "e.wav": ["Bark", "Oboe", "Cello"],  # 1
    "f.wav": ["Bark", "Oboe", "Cello"],
    "g.wav": ["Oboe", "Gong", "Cello"],
}


def write_truth(folder: Path, rows: list[tuple[str, str, str]] = TRUTH) -> Path:
    write_rows(folder / "truth.csv", ("fname", "label", "usage"), rows)
    return folder / "truth.csv"


def by_hand(rows: list[tuple[str, str, str]], usages: set[str]) -> tuple[int, float, float, float]:
    """Clips, MAP@3, standard error and accuracy with loops and Python's own numbers."""
    values = []
    for fname, label, usage in rows:
        if usage in usages:
            value = 0.0
            for rank, guess in enumerate(GUESSES[fname][:3], start=1):
                if guess == label:
                    value = 1 / rank
            values.append(value)
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    right = sum(value == 1 for value in values) / len(values)
    return len(values), mean, math.sqrt(variance / len(values)), right


def test_scores_are_those_by_hand(tmp_path: Path) -> None:
    rows = scoring.score("mine", 7, GUESSES, scoring.read_truth(write_truth(tmp_path)))
    assert [row["split"] for row in rows] == ["public", "private", "all"]
    for row, usages in zip(rows, ({"Public"}, {"Private"}, {"Public", "Private"}), strict=True):
        clips, mean, error, right = by_hand(TRUTH, usages)
        assert (row["system"], row["seed"], row["clips"]) == ("mine", 7, clips)
        assert row["map3"] == pytest.approx(mean, abs=5e-5)
        assert row["standard_error"] == pytest.approx(error, abs=5e-5)
        assert row["accuracy"] == pytest.approx(right, abs=5e-5)
    assert [row["map3"] for row in rows] == [0.75, 0.4444, 0.5667]


def test_ignored_clips_need_no_guess_but_all_others_do(tmp_path: Path) -> None:
    truth = scoring.read_truth(write_truth(tmp_path))
    some = {name: guess for name, guess in GUESSES.items() if name not in ("f.wav", "g.wav")}
    assert scoring.score("mine", 1, some, truth) == scoring.score("mine", 1, GUESSES, truth)
    del some["c.wav"], some["e.wav"]
    with pytest.raises(EarmarkError) as caught:
        scoring.score("mine", 1, some, truth)
    for part in ("2 test clips", "c.wav", "Add them to the test list"):
        assert part in str(caught.value)


def test_a_truth_without_usages_counts_as_one_split(tmp_path: Path) -> None:
    pairs = [(fname, label) for fname, label, usage in TRUTH if usage != "Ignored"]
    write_rows(tmp_path / "truth.csv", ("fname", "label"), pairs)
    rows = scoring.score("mine", 1, GUESSES, scoring.read_truth(tmp_path / "truth.csv"))
    assert [(row["split"], row["clips"], row["map3"]) for row in rows] == [("all", 5, 0.5667)]


def test_two_classes_give_two_guesses_that_can_be_scored(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, [("a.wav", "Bark", "Public"), ("b.wav", "Bark", "Public")])
    table = submission.make(["a.wav", "b.wav"], np.array([[0.9, 0.1], [0.2, 0.8]]), ["Bark", "Bus"])
    assert table["label"].tolist() == ["Bark Bus", "Bus Bark"]
    tables.write_table(table, tmp_path / "made.csv")
    rows = scoring.score(
        "mine", 1, submission.read(tmp_path / "made.csv"), scoring.read_truth(truth)
    )
    assert [(row["split"], row["map3"]) for row in rows] == [("public", 0.75), ("all", 0.75)]


def test_the_script_writes_a_row_per_system_and_split(tmp_path: Path) -> None:
    write_rows(
        tmp_path / "one.csv", ("fname", "label"), [(k, " ".join(v)) for k, v in GUESSES.items()]
    )
    write_rows(
        tmp_path / "two.csv",
        ("fname", "label"),
        [(fname, f"{label} Xylophone Triangle") for fname, label, _ in TRUTH],
    )
    score_script.main(
        truth=str(write_truth(tmp_path)),
        submissions=[str(tmp_path / "one.csv"), str(tmp_path / "two.csv")],
        scores=str(tmp_path / "scores.csv"),
        cfg={"systems": [["one", 1], ["two", 2]]},
    )
    rows = read_rows(tmp_path / "scores.csv")
    assert list(rows[0])[:6] == ["system", "split", "clips", "map3", "standard_error", "accuracy"]
    assert [(row["system"], row["split"], row["seed"]) for row in rows] == [
        (system, split, seed)
        for system, seed in (("one", "1"), ("two", "2"))
        for split in ("public", "private", "all")
    ]
    assert {float(row["map3"]) for row in rows if row["system"] == "two"} == {1.0}


def test_official_truth_has_the_published_counts(official: Path) -> None:
    rows = read_rows(official / "test_post_competition.csv")
    perfect = {row["fname"]: [row["label"], "x", "y"] for row in rows}
    second = {row["fname"]: ["x", row["label"], "y"] for row in rows}
    truth = scoring.read_truth(official / "test_post_competition.csv")
    for guesses, value in ((perfect, 1.0), (second, 0.5)):
        found = scoring.score("mine", 1, guesses, truth)
        assert [(row["split"], row["clips"], row["map3"]) for row in found] == [
            ("public", 301, value),
            ("private", 1299, value),
            ("all", 1600, value),
        ]
    wrong = {row["fname"]: ["x", "y", "z"] for row in rows}
    assert {row["map3"] for row in scoring.score("mine", 1, wrong, truth)} == {0.0}


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
    with pytest.raises(ValueError, match="not finite"):
        submission.make(["a.wav", "b.wav"], probabilities, list("abcd"))


def test_a_written_table_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    with tables.whole_file(target) as temporary:
        temporary.write_text("first")
    assert target.read_text() == "first"

    def fail() -> None:
        with tables.whole_file(target) as temporary:
            temporary.write_text("half of the sec")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("below", ["table.csv", "demo/table.csv"])
def test_an_output_folder_that_is_a_file_gets_a_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "results").write_text("not a folder")
    target = tmp_path / "results" / below
    with pytest.raises(EarmarkError) as caught, tables.whole_file(target) as temporary:
        temporary.write_text("x")
    for part in (str(target), "cannot be written", "snakemake --directory"):
        assert part in str(caught.value)
    assert (tmp_path / "results").read_text() == "not a folder"


def test_an_output_on_a_read_only_disk_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tables.os, "replace", refuse)
    with (
        pytest.raises(EarmarkError, match="cannot be written") as caught,
        tables.whole_file(tmp_path / "table.csv") as temporary,
    ):
        temporary.write_text("x")
    assert str(tmp_path / "table.csv") in str(caught.value)
