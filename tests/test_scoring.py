"""Scores against the truth, recomputed by hand, and the form of the submission."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import score as score_script
from tiny import read_rows, write_rows

from earmark.dataset import tables
from earmark.evaluation import out_of_fold, scoring, submission
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
    rows = scored("mine", 7, GUESSES, scoring.read_truth(write_truth(tmp_path)))
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
    assert scored("mine", 1, some, truth) == scored("mine", 1, GUESSES, truth)
    del some["c.wav"], some["e.wav"]
    with pytest.raises(EarmarkError) as caught:
        scored("mine", 1, some, truth)
    for part in ("2 test clips", "c.wav", "Add them to the test list"):
        assert part in str(caught.value)


def test_a_truth_without_usages_counts_as_one_split(tmp_path: Path) -> None:
    pairs = [(fname, label) for fname, label, usage in TRUTH if usage != "Ignored"]
    write_rows(tmp_path / "truth.csv", ("fname", "label"), pairs)
    rows = scored("mine", 1, GUESSES, scoring.read_truth(tmp_path / "truth.csv"))
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
    found = scoring.read_truth(write_truth(tmp_path, rows))
    assert list(found.itertuples(index=False, name=None)) == [
        ("a.wav", "Bark", "public"),
        ("b.wav", "None", "private"),
        ("f.wav", "Bark", ""),
    ]


def test_a_truth_that_spells_a_class_otherwise_is_not_scored_as_wrong(tmp_path: Path) -> None:
    truth = scoring.read_truth(write_truth(tmp_path, [("a.wav", "bark", "Public")]))
    with pytest.raises(EarmarkError, match="writes the class 'Bark' of the train list as 'bark'"):
        scored("mine", 1, GUESSES, truth)
    # Gong is no class at all: a clip of it scores 0.
    truth = scoring.read_truth(write_truth(tmp_path, [("d.wav", "Gong", "Public")]))
    assert scored("mine", 1, GUESSES, truth)[0]["map3"] == 0


def test_two_classes_give_two_guesses_that_can_be_scored(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, [("a.wav", "Bark", "Public"), ("b.wav", "Bark", "Public")])
    table = submission.make(["a.wav", "b.wav"], np.array([[0.9, 0.1], [0.2, 0.8]]), ["Bark", "Bus"])
    assert table["label"].tolist() == ["Bark Bus", "Bus Bark"]
    tables.write_table(table, tmp_path / "made.csv")
    rows = scored("mine", 1, submission.read(tmp_path / "made.csv"), scoring.read_truth(truth))
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
        page=str(tmp_path / "scores.html"),
        clip_scores=str(tmp_path / "clip_scores.csv"),
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
    clips = read_rows(tmp_path / "clip_scores.csv")
    assert list(clips[0]) == ["system", "seed", "clip", "usage", "average_precision"]
    assert [
        (row["clip"], row["usage"], float(row["average_precision"]))
        for row in clips
        if (row["system"], row["seed"]) == ("one", "1")
    ] == [
        ("a.wav", "public", 1),
        ("b.wav", "public", 1 / 2),
        ("c.wav", "private", 1 / 3),
        ("d.wav", "private", 0),
        ("e.wav", "private", 1),
    ]
    assert [row["seed"] for row in clips[5:]] == ["2"] * 5
    # With two seeds, a table of means stands before the one of all.
    page = (tmp_path / "scores.html").read_text(encoding="utf-8")
    assert page.index("Means over seeds") < page.index("Scores on the test clips")


def test_a_truth_without_clips_that_count_has_a_table_without_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", ("fname", "label"), [("f.wav", "Bark Bus Cello")])
    score_script.main(
        truth=str(write_truth(tmp_path, [("f.wav", "None", "Ignored")])),
        submissions=[str(tmp_path / "one.csv")],
        scores=str(tmp_path / "scores.csv"),
        page=str(tmp_path / "scores.html"),
        clip_scores=str(tmp_path / "clip_scores.csv"),
        cfg={"systems": [["one", 1]]},
    )
    assert (tmp_path / "scores.csv").read_text() == ",".join(scoring.COLUMNS) + "\n"
    assert (tmp_path / "clip_scores.csv").read_text() == ",".join(scoring.CLIP_COLUMNS) + "\n"


def test_means_over_seeds_by_hand() -> None:
    found = [("b", 1, 0.5), ("a", 1, 0.25), ("b", 2, 0.75), ("a", 2, 0.25)]
    rows = [
        {"system": system, "split": split, "seed": seed, "map3": value if split == "all" else 9.0}
        for system, seed, value in found
        for split in ("public", "all")
    ]
    shown = scoring.means_over_seeds(pd.DataFrame(rows)).to_dict("records")
    assert [row["system"] for row in shown] == ["b", "a"]
    assert list(shown[0].values())[1:] == pytest.approx([0.625, 0.25 / 2**0.5, 0.5, 0.75, 2])
    assert list(shown[1].values())[1:] == pytest.approx([0.25, 0, 0.25, 0.25, 2])


def test_clips_without_a_usage_are_scored_without_one(tmp_path: Path) -> None:
    write_rows(tmp_path / "truth.csv", ("fname", "label"), [("a.wav", "Bark"), ("d.wav", "Gong")])
    truth = scoring.read_truth(tmp_path / "truth.csv")
    found = scoring.score_clips("mine", 1, GUESSES, truth)
    assert found["usage"].tolist() == ["", ""]
    assert found["average_precision"].tolist() == [1, 0]


def test_clip_scores_come_back_to_the_last_bit(tmp_path: Path) -> None:
    rows = [("a.wav", "Oboe", "Public"), ("b.wav", "Bark", "Public")]
    truth = scoring.read_truth(write_truth(tmp_path, rows))
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
    assert list(found.columns) == list(scoring.CLIP_COLUMNS)
    assert found.to_numpy().tolist() == [
        ["one", 1, "a.wav", "validation", 1.0],
        ["one", 1, "b.wav", "validation", 1 / 2],
        ["one", 2, "a.wav", "validation", 1 / 3],
        ["two", 1, "b.wav", "validation", 0.0],
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
    truth = scoring.read_truth(official / "test_post_competition.csv")
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
