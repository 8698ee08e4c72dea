"""Scores against the truth, recomputed by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import score as score_script
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


def test_a_class_that_no_guess_names_is_known_to_the_truth(tmp_path: Path) -> None:
    # Gong is a class, though the model never guesses it.
    truth = read_truth(write_truth(tmp_path, [("d.wav", "Gong", "Public")]))
    assert scored("mine", 1, GUESSES, truth)[0]["map3"] == 0


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
