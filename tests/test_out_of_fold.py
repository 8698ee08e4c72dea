"""What models say of the clips that they held out: rows, means and scores by hand."""

import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import write_out_of_fold
from tiny import read_rows, write_rows

from earmark.dataset import folds
from earmark.evaluation import out_of_fold, predictions, scoring
from earmark.evaluation.predictions import Predictions
from earmark.labels import label_table

CLASSES = ["Bark", "Bus", "Cello", "Gong"]
# clip, label, verified, fold
CLIPS = [
    ("a.wav", "Bark", 1, 0),
    ("b.wav", "Bus", 1, 1),
    ("c.wav", "Cello", 1, 1),
    ("d.wav", "Gong", 0, 1),
    ("e.wav", "Gong", 1, 2),
    ("f.wav", "Gong", 1, -1),
]
LABELS = pd.DataFrame([row[:3] for row in CLIPS], columns=["clip", "label", "verified"]).assign(
    present=1, origin="list"
)
FOLDS = pd.DataFrame(
    [(clip, clip, fold) for clip, _, _, fold in CLIPS[::-1]], columns=folds.COLUMNS
)
# One was trained with the folds 0 and 1 held out, two with 1 and 2. Of a, Bark is the second guess
# of one (1/2), of b Bus is its fourth (0), c is right (1): 1/2 in the mean. Two has Bus second
# (1/2), and c and e right: 5/6.
ONE = {
    "a.wav": [0.4, 0.6, 0.0, 0.0],
    "b.wav": [0.5, 0.0, 0.4, 0.1],
    "c.wav": [0.1, 0.2, 0.4, 0.3],
    "d.wav": [0.0, 0.2, 0.1, 0.7],
}
TWO = {
    "b.wav": [0.0, 0.36, 0.04, 0.6],
    "c.wav": [0.2, 0.1, 0.5, 0.2],
    "d.wav": [0.1, 0.2, 0.4, 0.3],
    "e.wav": [0.0, 0.1, 0.2, 0.7],
}


def predicted(rows: dict[str, list[float]], names: list[str] | None = None) -> Predictions:
    """Predictions of the clips in ``rows``; all others have none."""
    names = names or [clip for clip, _, _, _ in CLIPS]
    return Predictions(names, CLASSES, np.array([rows.get(name, [math.nan] * 4) for name in names]))


def settings(kind: str = "arithmetic", exponent: float = 0.25) -> dict[str, object]:
    return {"kind": kind, "exponent": exponent}


def test_predicted_clips_are_those_that_all_members_predict() -> None:
    one, two = predicted(ONE), predicted(TWO, ["d.wav", "c.wav", "b.wav", "e.wav", "a.wav"])
    assert out_of_fold.predicted_clips([one]) == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert out_of_fold.predicted_clips([one, two]) == ["b.wav", "c.wav", "d.wav"]
    assert out_of_fold.predicted_clips([two, one]) == ["d.wav", "c.wav", "b.wav"]


def test_a_members_score_is_map3_of_its_verified_clips() -> None:
    assert out_of_fold.score(predicted(ONE), LABELS) == (1 / 2 + 0 + 1) / 3
    assert out_of_fold.score(predicted(TWO), LABELS) == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert math.isnan(out_of_fold.score(predicted({"d.wav": [0.1, 0.2, 0.3, 0.4]}), LABELS))


def test_a_member_without_verified_clips_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    blind = predicted({"d.wav": [0.1, 0.2, 0.3, 0.4]})
    found = out_of_fold.weighing_scores({"one": predicted(ONE), "blind": blind}, LABELS)
    assert found[0] == 1 / 2
    assert math.isnan(found[1])
    assert "held out for blind" in caplog.text


def test_members_are_averaged_where_all_of_them_know() -> None:
    members = {"one": predicted(ONE), "two": predicted(TWO)}
    found = out_of_fold.combine("both", settings(), members, LABELS)
    assert (found.clips, found.classes) == (["b.wav", "c.wav", "d.wav"], CLASSES)
    expected = [[0.25, 0.18, 0.22, 0.35], [0.15, 0.15, 0.45, 0.25], [0.05, 0.2, 0.25, 0.5]]
    np.testing.assert_allclose(found.probabilities, expected)


def test_a_weighted_mean_weighs_by_all_of_a_members_clips() -> None:
    members = {"one": predicted(ONE), "two": predicted(TWO)}
    found = out_of_fold.combine("both", settings("weighted"), members, LABELS)
    # 1/2 against 5/6: weights 3/8 and 5/8.
    first = [(3 * a + 5 * b) / 8 for a, b in zip(ONE["b.wav"], TWO["b.wav"], strict=True)]
    np.testing.assert_allclose(found.of(["b.wav"])[0], first)


def test_the_power_mean_is_the_one_of_the_ensembles() -> None:
    members = {"one": predicted(ONE), "two": predicted(TWO)}
    found = out_of_fold.combine("both", settings("power", 0.5), members, LABELS).of(["c.wav"])[0]
    roots = [(math.sqrt(a) + math.sqrt(b)) for a, b in zip(ONE["c.wav"], TWO["c.wav"], strict=True)]
    np.testing.assert_allclose(found, np.array(roots) / sum(roots))


def test_members_without_a_common_fold_are_told_and_have_no_rows(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    members = {"one": predicted({"a.wav": ONE["a.wav"]}), "two": predicted(TWO)}
    found = out_of_fold.combine("both", settings(), members, LABELS)
    assert found.clips == []
    assert "members of both (one, two) hold out no fold in common" in caplog.text
    assert out_of_fold.rows("both", 1, found, LABELS, FOLDS).empty


def test_members_with_other_classes_are_refused() -> None:
    other = Predictions(["b.wav"], CLASSES[::-1], np.full((1, 4), 0.25))
    with pytest.raises(ValueError, match=r"both .*different classes"):
        out_of_fold.combine("both", settings(), {"one": predicted(ONE), "two": other}, LABELS)


def test_rows_by_hand() -> None:
    one = Predictions(["b.wav", "a.wav"], CLASSES, np.array([ONE["b.wav"], ONE["a.wav"]]))
    found = out_of_fold.rows("one", 7, one, LABELS, FOLDS)
    assert list(found.columns) == list(out_of_fold.COLUMNS)
    # In the order of the labels; of equal probabilities the first class comes first.
    assert found.to_numpy().tolist() == [
        ["one", 7, "a.wav", 0, "Bark", 1, "Bus", "Bark", "Cello", 0.6, 0.4],
        ["one", 7, "b.wav", 1, "Bus", 1, "Bark", "Cello", "Gong", 0.5, 0.0],
    ]


def test_two_classes_leave_the_third_guess_empty() -> None:
    found = Predictions(["a.wav"], ["Bark", "Bus"], np.array([[0.25, 0.75]]))
    (row,) = out_of_fold.rows("one", 1, found, LABELS, FOLDS).to_dict("records")
    assert [row[name] for name in out_of_fold.GUESS_COLUMNS] == ["Bus", "Bark", ""]


def test_a_clip_whose_label_a_person_took_back_has_no_row() -> None:
    known = LABELS[LABELS["clip"] != "a.wav"]
    one = out_of_fold.combine("one", settings(), {"one": predicted(ONE)}, known)
    found = out_of_fold.rows("one", 1, one, known, FOLDS)
    assert found["clip"].tolist() == ["b.wav", "c.wav", "d.wav"]


def written(folder: Path, seeds: tuple[int, ...] = (1, 2)) -> list[dict[str, str]]:
    """out_of_fold.csv of two systems and their mean; with the second seed they change places."""
    write_rows(
        folder / "labels.csv", label_table.COLUMNS, LABELS[list(label_table.COLUMNS)].to_numpy()
    )
    write_rows(folder / "folds.csv", folds.COLUMNS, FOLDS.to_numpy().tolist())
    members, files = [], []
    for seed in seeds:
        for name, rows in zip(("one", "two"), (ONE, TWO) if seed == 1 else (TWO, ONE), strict=True):
            path = folder / f"{name}{seed}.h5"
            predictions.write(path, predicted(rows))
            members.append(str(path))
            files.append([name, seed])
    single = {"kind": "arithmetic", "exponent": 0.25}
    write_out_of_fold.main(
        members=members,
        labels_table=str(folder / "labels.csv"),
        folds_table=str(folder / "folds.csv"),
        out_of_fold_table=str(folder / "out_of_fold.csv"),
        cfg={
            "files": files,
            "entries": {
                "one": {**single, "members": ["one"]},
                "both": {"kind": "weighted", "exponent": 0.25, "members": ["one", "two"]},
            },
        },
    )
    return read_rows(folder / "out_of_fold.csv")


def test_the_script_writes_each_entry_of_each_seed(tmp_path: Path) -> None:
    rows = written(tmp_path)
    told = [(row["system"], row["seed"], row["clip"][0]) for row in rows]
    assert told == [
        *[("one", "1", clip) for clip in "abcd"],
        *[("both", "1", clip) for clip in "bcd"],
        *[("one", "2", clip) for clip in "bcde"],
        *[("both", "2", clip) for clip in "bcd"],
    ]
    # Label and verified as in labels.csv, and the fold of each clip.
    assert {
        (row["clip"], row["label"], int(row["verified"]), int(row["fold"])) for row in rows
    } == {row for row in CLIPS if row[0] != "f.wav"}
    # The weighted mean of b, with 3/8 and 5/8: Bark .1875, Bus .225, Cello .175, Gong .4125.
    both = next(row for row in rows if (row["system"], row["clip"]) == ("both", "b.wav"))
    assert [both[name] for name in out_of_fold.GUESS_COLUMNS] == ["Gong", "Bus", "Bark"]
    assert (float(both["probability"]), float(both["label_probability"])) == (0.4125, 0.225)


def test_scores_of_an_entry_are_map3_by_hand(tmp_path: Path) -> None:
    written(tmp_path)
    found = scoring.read_clip_scores(tmp_path / "out_of_fold.csv")
    means = found.groupby(["system", "seed"])["average_precision"].mean()
    assert means["one", 1] == 1 / 2
    assert means["one", 2] == pytest.approx(5 / 6)
    # b second, c right, in either order of the members.
    assert means["both", 1] == means["both", 2] == 3 / 4
    assert set(found["usage"]) == {"validation"}
