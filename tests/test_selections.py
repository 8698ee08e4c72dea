"""Selections: what is learned from, with which label and weight."""

import measure_labels
import pandas as pd
import pytest
from tiny import write_rows

from earmark.dataset import tables
from earmark.evaluation import label_quality
from earmark.evaluation import truth as truth_files
from earmark.labels import selections
from earmark.runtime.errors import EarmarkError

LABELS = pd.DataFrame(
    [
        ("z_verified.wav", "Cello", 1),
        ("promoted.wav", "Gong", 0),
        ("silent.wav", "Gong", 1),
        ("rest.wav", "Cello", 0),
        ("a_verified.wav", "Gong", 1),
        ("broken.wav", "Gong", 0),
        ("both.wav", "Gong", 1),
    ],
    columns=["clip", "label", "verified"],
).assign(present=1, origin="list")
USE = {"silent.wav": 0, "broken.wav": 0, "unsure.wav": 1}
CLIPS = pd.DataFrame(
    [(name, USE.get(name, 1)) for name in ["unsure.wav", *LABELS["clip"][::-1]]],
    columns=["clip", "use"],
)
PROMOTED = {"promoted.wav", "both.wav", "broken.wav", "test.wav", "of_another_set.wav"}


def rows(table):
    return list(table.itertuples(index=False, name=None))


def select(promoted, rest_weight):
    return selections.select(selections.labelled(LABELS, CLIPS), promoted, rest_weight)


def test_usable_clips_in_the_order_of_the_labels():
    found = selections.labelled(LABELS, CLIPS)
    assert found["clip"].tolist() == [
        "z_verified.wav",
        "promoted.wav",
        "rest.wav",
        "a_verified.wav",
        "both.wav",
    ]
    assert found.index.tolist() == [0, 1, 2, 3, 4]


def test_a_class_without_a_usable_verified_clip_is_named():
    broken = CLIPS.assign(use=[int(name != "z_verified.wav") for name in CLIPS["clip"]])
    with pytest.raises(EarmarkError, match=r"'Cello' has no usable .*1 such classes of 2"):
        selections.labelled(LABELS, broken)
    # No clip of it is usable at all.
    broken.loc[broken["clip"] == "rest.wav", "use"] = 0
    with pytest.raises(EarmarkError, match=r"'Cello' has no usable .*1 such classes of 2"):
        selections.labelled(LABELS, broken)


def test_promoted_clips_come_in_and_the_rest_has_its_weight():
    found = select(PROMOTED, 0.25)
    assert list(found.columns) == list(selections.COLUMNS)
    assert rows(found) == [
        ("z_verified.wav", "Cello", 1, "verified", 1.0),
        ("promoted.wav", "Gong", 0, "promoted", 1.0),
        ("rest.wav", "Cello", 0, "unverified", 0.25),
        ("a_verified.wav", "Gong", 1, "verified", 1.0),
        ("both.wav", "Gong", 1, "verified", 1.0),
    ]


def test_rows_of_weight_0_are_there_and_not_learned_from():
    found = select(set(), 0.0)
    assert found["weight"].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0]
    learned = selections.training_rows(found)
    assert learned["clip"].tolist() == ["z_verified.wav", "a_verified.wav", "both.wav"]
    found = select(PROMOTED, 0.0)
    assert selections.training_rows(found)["source"].tolist() == [
        "verified",
        "promoted",
        "verified",
        "verified",
    ]


def test_all_labels_as_given():
    found = select(set(), 1.0)
    assert found["weight"].tolist() == [1.0] * 5
    assert found["source"].tolist() == [
        "verified",
        "unverified",
        "unverified",
        "verified",
        "verified",
    ]


def test_pseudo_labels_take_the_place_of_the_same_clips_rows():
    base = select(PROMOTED, 0.0)
    added = pd.DataFrame([("rest.wav", "Gong", 0, "pseudo_label", 1.0)], columns=selections.COLUMNS)
    found = selections.with_pseudo_labels(base, ["rest.wav"], added)
    assert sorted(rows(found)) == sorted([*rows(base.drop(index=2)), *rows(added)])
    assert sorted(found.index) == [0, 1, 2, 3, 4]
    assert found["weight"].dtype == float
    pd.testing.assert_frame_equal(selections.with_pseudo_labels(base, [], added.iloc[:0]), base)
    everything = base.assign(source="pseudo_label")
    pd.testing.assert_frame_equal(selections.with_pseudo_labels(base, [], everything), everything)


def test_what_a_round_does_not_accept_is_not_learned_from():
    base = select(PROMOTED, 1.0)
    unverified = base.loc[base["verified"] == 0, "clip"].tolist()
    accepted = base[base["clip"] == "rest.wav"].assign(source="pseudo_label")
    found = selections.with_pseudo_labels(base, unverified, accepted)
    weights = dict(zip(found["clip"], found["weight"], strict=True))
    assert weights == {
        clip: float(verified == 1 or clip == "rest.wav")
        for clip, verified in zip(base["clip"], base["verified"], strict=True)
    }


def test_table_survives_a_file(tmp_path):
    table = select(PROMOTED, 0.25)
    tables.write_table(table, tmp_path / "s.csv")
    found = selections.read(tmp_path / "s.csv")
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    assert (found["weight"].dtype, found["verified"].dtype) == (float, int)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    path = tmp_path / "s.csv"
    values = [("00012", "None", 0, "unverified", 0.5), ("1e5", "nan", 1, "verified", 1.0)]
    write_rows(path, selections.COLUMNS, values)
    assert rows(selections.read(path)) == values


def test_missing_column_is_named(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("clip,label,verified,weight\na.wav,Gong,1,1\n")
    with pytest.raises(EarmarkError, match=r"s\.csv lacks the column 'source'"):
        selections.read(path)
    with pytest.raises(EarmarkError, match="No such file"):
        selections.read(tmp_path / "absent.csv")


def test_precision_counts_rows_whose_truth_is_known():
    table = pd.DataFrame({"clip": ["a", "b", "c", "d"], "label": ["Gong", "Gong", "Cello", "Oboe"]})
    truth = {"a": "Gong", "b": "Cello", "c": "Cello", "unlisted": "Gong"}
    assert label_quality.count_correct(table, truth) == (2, 3)
    assert label_quality.count_correct(table, {}) == (0, 0)


def test_precision_of_the_given_labels_of_a_real_set(fsd10):
    # A third of the unverified labels is wrong there; verified ones are right.
    known = truth_files.read_train(fsd10 / "train_truth.csv")
    truth = dict(zip(known["clip"], known["label"], strict=True))
    given = tables.read_table(fsd10 / "train.csv", ("fname", "label"), "train list")
    given = given.rename(columns={"fname": "clip"})
    trusted = given[given["manually_verified"] == "1"]
    assert label_quality.count_correct(trusted, truth) == (len(trusted), len(trusted))
    rest = given[given["manually_verified"] == "0"]
    right, known = label_quality.count_correct(rest, truth)
    assert known == len(rest) > 50
    assert right / known == pytest.approx(2 / 3, abs=0.05)


def test_the_script_measures_what_the_truth_knows_and_says_what_it_does_not(tmp_path):
    rows = [(f"{n}.wav", "AB"[n % 2], 1, "verified", 1.0) for n in range(6)]
    write_rows(tmp_path / "all.csv", selections.COLUMNS, rows)
    # 1 is wrong, 2 is no class, 5 is not known, and 9 is not there.
    truth = [("0.wav", "A"), ("1.wav", "A"), ("2.wav", "Bs"), ("3.wav", "B"), ("4.wav", "A")]
    write_rows(tmp_path / "truth.csv", ("fname", "true_label"), [*truth, ("9.wav", "A")])
    measure_labels.main(
        truth=str(tmp_path / "truth.csv"),
        selections=[str(tmp_path / "all.csv")],
        quality=str(tmp_path / "quality.csv"),
        cfg={"names": ["all"]},
    )
    found = pd.read_csv(tmp_path / "quality.csv")
    assert found[["labels", "correct"]].to_numpy().tolist() == [[5, 3], [5, 3]]
