"""Scores against the truth, recomputed by hand, and the form of the submission."""

import logging
import math
from pathlib import Path
from typing import Any

import copy_submission
import numpy as np
import pandas as pd
import pytest
import score as score_script
from hypothesis import given
from hypothesis import strategies as st
from tiny import read_rows, write_rows

from earmark.dataset import clips as clips_table
from earmark.dataset import tables
from earmark.evaluation import calibration, out_of_fold, predictions, scoring, submission
from earmark.evaluation import truth as ground_truth
from earmark.runtime.errors import EarmarkError

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


CLASSES = ["Bark", "Bus", "Cello", "Gong", "Oboe"]


def read_truth(path: Path) -> pd.DataFrame:
    return ground_truth.read_test(path, CLASSES)


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


def scored(
    system: str, seed: int, guesses: dict[str, list[str]], truth: pd.DataFrame
) -> list[dict[str, object]]:
    return scoring.score(scoring.score_clips(system, seed, guesses, truth)).to_dict("records")


def test_scores_are_those_by_hand(tmp_path: Path) -> None:
    rows = scored("mine", 7, GUESSES, read_truth(write_truth(tmp_path)))
    assert [row["split"] for row in rows] == ["public", "private", "all"]
    for row, usages in zip(rows, ({"Public"}, {"Private"}, {"Public", "Private"}), strict=True):
        clips, mean, error, right = by_hand(TRUTH, usages)
        assert (row["system"], row["seed"], row["clips"]) == ("mine", 7, clips)
        assert row["map3"] == pytest.approx(mean, abs=5e-5)
        assert row["standard_error"] == pytest.approx(error, abs=5e-5)
        assert row["accuracy"] == pytest.approx(right, abs=5e-5)
    assert [row["map3"] for row in rows] == [0.75, 0.4444, 0.5667]


def test_ignored_clips_need_no_guess(tmp_path: Path) -> None:
    truth = read_truth(write_truth(tmp_path))
    some = {name: guess for name, guess in GUESSES.items() if name not in ("f.wav", "g.wav")}
    assert scored("mine", 1, some, truth) == scored("mine", 1, GUESSES, truth)


def test_a_truth_without_usages_counts_as_one_split(tmp_path: Path) -> None:
    pairs = [(fname, label) for fname, label, usage in TRUTH if usage != "Ignored"]
    write_rows(tmp_path / "truth.csv", ("fname", "label"), pairs)
    rows = scored("mine", 1, GUESSES, read_truth(tmp_path / "truth.csv"))
    assert [(row["split"], row["clips"], row["map3"]) for row in rows] == [("all", 5, 0.5667)]


def test_usages_in_any_case_and_a_class_called_none(tmp_path: Path) -> None:
    rows = [
        ("a.wav", "Bark", "public"),
        ("b.wav", "None", "Private"),
        ("c.wav", "None", "IGNORED"),
        ("d.wav", "None", ""),
        ("e.wav", "", "Public"),
        ("f.wav", "Bark", ""),
    ]
    found = read_truth(write_truth(tmp_path, rows))
    assert list(found.itertuples(index=False, name=None)) == [
        ("a.wav", "Bark", "public"),
        ("b.wav", "None", "private"),
        ("f.wav", "Bark", ""),
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(ground_truth.log, "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


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


def test_a_class_that_no_guess_names_is_known_to_the_truth(tmp_path: Path) -> None:
    # Gong is a class, though the model never guesses it.
    truth = read_truth(write_truth(tmp_path, [("d.wav", "Gong", "Public")]))
    assert scored("mine", 1, GUESSES, truth)[0]["map3"] == 0


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


def classes_in(folder: Path, classes: list[str] = CLASSES) -> str:
    """A file of predictions, of which only the classes are read."""
    path = folder / "predictions.h5"
    predicted = predictions.Predictions(["a.wav"], classes, np.ones((1, len(classes))))
    predictions.write(path, predicted)
    return str(path)


def run_score(
    folder: Path,
    truth: Path,
    predicted: dict[str, list[np.ndarray]],
    clips: list[str],
    classes: list[str] = CLASSES,
    temperature: float = 1.0,
) -> Path:
    """Run the script on systems' probabilities (clips, classes), a list by seed from 1 on."""
    members, submissions, known = [], [], []
    seeds = range(len(next(iter(predicted.values()))))
    for seed in seeds:
        for name, of_seeds in predicted.items():
            values = of_seeds[seed]
            at = folder / f"{name}{seed}"
            predictions.write(f"{at}.h5", predictions.Predictions(clips, classes, values[None]))
            tables.write_table(submission.make(clips, values, classes), f"{at}.csv")
            calibration.write(f"{at}.json", calibration.Calibration(100, temperature, 0.5))
            members.append(f"{at}.h5")
            submissions.append(f"{at}.csv")
            known.append(f"{at}.json")
    rows = [(clip, clip, *[""] * 2, 1, 8000, 1, "", 1, "ok", 1, "") for clip in clips]
    tables.write_table(pd.DataFrame(rows, columns=clips_table.COLUMNS), folder / "clips.csv")
    settings = {
        name: {"kind": "arithmetic", "exponent": 0.25, "members": [name]} for name in predicted
    }
    (folder / "test").mkdir()
    score_script.main(
        truth=str(truth),
        submissions=submissions,
        members=members,
        calibrations=known,
        clips_table=str(folder / "clips.csv"),
        choice=[],
        scores=str(folder / "scores.csv"),
        clip_scores=str(folder / "clip_scores.csv"),
        tables=[str(folder / "test/scores.csv")],
        cfg={
            "seeds": [seed + 1 for seed in seeds],
            "systems": list(predicted),
            "entries": settings,
            "candidates": [next(iter(predicted))],
        },
    )
    return folder / "test"


def by_rank(guesses: list[list[str]]) -> np.ndarray:
    """Probabilities (clips, classes) .5, .3 and .2 of three guesses."""
    values = np.zeros((len(guesses), len(CLASSES)))
    for row, names in zip(values, guesses, strict=True):
        for name, value in zip(names, (0.5, 0.3, 0.2), strict=True):
            row[CLASSES.index(name)] = value
    return values


def test_the_script_scores_odd_labels_and_says_what_it_left_out(tmp_path: Path) -> None:
    classes = ["Dog, big", "a b", "a_b"]
    # By their spelling in the submission, a b would be taken for the class a_b.
    rows = [("x.wav", "Dog, big"), ("y.wav", "a_b"), ("w.wav", "a_b"), ("z.wav", "Cat")]
    write_rows(tmp_path / "truth.csv", ("fname", "label"), rows)
    clips = ["x.wav", "y.wav", "z.wav", "v.wav"]
    values = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9], [1.0, 0.0, 0.0]])
    folder = run_score(tmp_path, tmp_path / "truth.csv", {"one": [values]}, clips, classes)
    scores = read_rows(tmp_path / "clip_scores.csv")
    found = {row["clip"]: float(row["average_precision"]) for row in scores}
    assert found == {"x.wav": 1, "y.wav": 1 / 3, "z.wav": 0}
    remarks = " ".join(row["remark"] for row in read_rows(folder / "remarks.csv"))
    assert "1 clips of the ground truth are no test clips, such as w.wav" in remarks
    assert "3 of 4 test clips" in remarks
    # A label that no system knows is a class without a right guess.
    (cat,) = [row for row in read_rows(folder / "classes.csv") if row["label"] == "Cat"]
    assert (cat["clips"], float(cat["recall"])) == ("1", 0)
    (row,) = read_rows(folder / "scores.csv")
    assert float(row["accuracy"]) == pytest.approx(1 / 3)
    errors = read_rows(folder / "errors.csv")
    assert [(row["clip"], row["guess_1"]) for row in errors] == [("z.wav", "a_b"), ("y.wav", "a b")]


def test_two_classes_give_two_guesses_that_can_be_scored(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, [("a.wav", "Bark", "Public"), ("b.wav", "Bark", "Public")])
    table = submission.make(["a.wav", "b.wav"], np.array([[0.9, 0.1], [0.2, 0.8]]), ["Bark", "Bus"])
    assert table["label"].tolist() == ["Bark Bus", "Bus Bark"]
    tables.write_table(table, tmp_path / "made.csv")
    rows = scored(
        "mine", 1, submission.read(tmp_path / "made.csv", ["Bark", "Bus"]), read_truth(truth)
    )
    assert [(row["split"], row["map3"]) for row in rows] == [("public", 0.75), ("all", 0.75)]


def test_the_script_writes_a_row_per_system_and_split(tmp_path: Path) -> None:
    clips = [fname for fname, _, _ in TRUTH]
    right = [["Bark" if label == "None" else label, "Bus", "Cello"] for _, label, _ in TRUTH]
    right = [[*dict.fromkeys([*names, "Gong", "Oboe"])][:3] for names in right]
    one, two = by_rank([GUESSES[clip] for clip in clips]), by_rank(right)
    folder = run_score(
        tmp_path, write_truth(tmp_path), {"one": [one, two], "two": [two, two]}, clips
    )
    rows = read_rows(tmp_path / "scores.csv")
    assert list(rows[0])[:6] == ["system", "split", "clips", "map3", "standard_error", "accuracy"]
    assert [(row["system"], row["split"], row["seed"]) for row in rows] == [
        (system, split, seed)
        for seed in "12"
        for system in ("one", "two")
        for split in ("public", "private", "all")
    ]
    assert {float(row["map3"]) for row in rows if row["system"] == "two"} == {1.0}
    scores = read_rows(tmp_path / "clip_scores.csv")
    assert list(scores[0]) == ["system", "seed", "clip", "usage", "average_precision"]
    assert [
        (row["clip"], row["usage"], float(row["average_precision"]))
        for row in scores
        if (row["system"], row["seed"]) == ("one", "1")
    ] == [
        ("a.wav", "public", 1),
        ("b.wav", "public", 1 / 2),
        ("c.wav", "private", 1 / 3),
        ("d.wav", "private", 0),
        ("e.wav", "private", 1),
    ]
    # The tables of the evaluation have each seed, and their mean.
    found = {
        (row["system"], row["seed"], row["split"]): (float(row["accuracy"]), float(row["map3"]))
        for row in read_rows(folder / "scores.csv")
    }
    assert len(found) == 2 * 3 * 3
    assert found["one", "1", "all"] == pytest.approx((0.4, (1 + 1 / 2 + 1 / 3 + 1) / 5), abs=1e-6)
    assert found["one", "2", "all"] == (1, 1)
    assert found["one", "mean", "all"] == pytest.approx((0.7, 0.783333), abs=1e-6)
    assert found["one", "mean", "public"] == (0.75, 0.875)


def test_a_truth_without_clips_that_count_has_a_table_without_rows(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, [("f.wav", "None", "Ignored")])
    run_score(tmp_path, truth, {"one": [by_rank([GUESSES["f.wav"]])]}, ["f.wav"])
    assert (tmp_path / "scores.csv").read_text() == ",".join(scoring.COLUMNS) + "\n"
    assert (tmp_path / "clip_scores.csv").read_text() == ",".join(scoring.CLIP_COLUMNS) + "\n"


def test_clips_without_a_usage_are_scored_without_one(tmp_path: Path) -> None:
    write_rows(tmp_path / "truth.csv", ("fname", "label"), [("a.wav", "Bark"), ("d.wav", "Gong")])
    truth = read_truth(tmp_path / "truth.csv")
    found = scoring.score_clips("mine", 1, GUESSES, truth)
    assert found["usage"].tolist() == ["", ""]
    assert found["average_precision"].tolist() == [1, 0]


def test_clip_scores_come_back_to_the_last_bit(tmp_path: Path) -> None:
    rows = [("a.wav", "Oboe", "Public"), ("b.wav", "Bark", "Public")]
    truth = read_truth(write_truth(tmp_path, rows))
    made = scoring.score_clips("mine", 3, GUESSES, truth)
    tables.write_table(made, tmp_path / "clip_scores.csv")
    found = scoring.read_clip_scores(tmp_path / "clip_scores.csv")
    assert found["seed"].tolist() == [3, 3]
    assert found["average_precision"].tolist() == [1 / 3, 1.0]


def test_out_of_fold_the_verified_clips_are_scored(tmp_path: Path) -> None:
    rows = [
        # system, seed, clip, fold, label, verified, guesses, probabilities
        ("one", 1, "a.wav", 0, "Bark", 1, "Bark", "Bus", "Cello", 0.5, 0.5),
        ("one", 1, "b.wav", 1, "Bark", 1, "Bus", "Bark", "Cello", 0.5, 0.3),
        ("one", 1, "c.wav", 1, "Bark", 0, "Bark", "Bus", "Cello", 0.5, 0.5),
        ("one", 2, "a.wav", 0, "Bark", 1, "Bus", "Cello", "Bark", 0.5, 0.1),
        ("two", 1, "b.wav", 1, "Bark", 1, "Bus", "Cello", "Gong", 0.5, 0.0),
    ]
    write_rows(tmp_path / "out_of_fold.csv", out_of_fold.COLUMNS, rows)
    found = scoring.read_clip_scores(tmp_path / "out_of_fold.csv")
    assert list(found.columns) == [*scoring.CLIP_COLUMNS, "label"]
    assert found.to_numpy().tolist() == [
        ["one", 1, "a.wav", "validation", 1.0, "Bark"],
        ["one", 1, "b.wav", "validation", 1 / 2, "Bark"],
        ["one", 2, "a.wav", "validation", 1 / 3, "Bark"],
        ["two", 1, "b.wav", "validation", 0.0, "Bark"],
    ]


def test_two_classes_have_an_empty_third_guess(tmp_path: Path) -> None:
    rows = [("one", 1, "a.wav", 0, "Bus", 1, "Bark", "Bus", "", 0.6, 0.4)]
    write_rows(tmp_path / "out_of_fold.csv", out_of_fold.COLUMNS, rows)
    found = scoring.read_clip_scores(tmp_path / "out_of_fold.csv")
    assert found["average_precision"].tolist() == [1 / 2]


def test_a_damaged_table_of_scores_is_told(tmp_path: Path) -> None:
    write_rows(tmp_path / "scores.csv", scoring.CLIP_COLUMNS, [("one", 1, "a.wav", "", "half")])
    with pytest.raises(EarmarkError, match=r"table of clip scores .*damaged.*Delete it"):
        scoring.read_clip_scores(tmp_path / "scores.csv")


def test_official_truth_has_the_published_counts(official: Path) -> None:
    rows = read_rows(official / "test_post_competition.csv")
    perfect = {row["fname"]: [row["label"], "x", "y"] for row in rows}
    second = {row["fname"]: ["x", row["label"], "y"] for row in rows}
    truth = read_truth(official / "test_post_competition.csv")
    for guesses, value in ((perfect, 1.0), (second, 0.5)):
        found = scored("mine", 1, guesses, truth)
        assert [(row["split"], row["clips"], row["map3"]) for row in found] == [
            ("public", 301, value),
            ("private", 1299, value),
            ("all", 1600, value),
        ]
    wrong = {row["fname"]: ["x", "y", "z"] for row in rows}
    assert {row["map3"] for row in scored("mine", 1, wrong, truth)} == {0.0}


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
