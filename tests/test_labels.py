"""Label tables: what a selection takes, with which weight."""

import pandas as pd
import pytest

from earmark import labels, tables
from earmark.runtime.errors import EarmarkError

CLIPS = pd.DataFrame(
    [
        # fname, split, label, verified, use
        ("z_verified.wav", "train", "Cello", 1, 1),
        ("promoted.wav", "train", "Gong", 0, 1),
        ("rest.wav", "train", "Oboe", 0, 1),
        ("a_verified.wav", "train", "Gong", 1, 1),
        ("both.wav", "train", "Gong", 1, 1),
        ("silent.wav", "train", "Gong", 1, 0),
        ("broken.wav", "train", "Gong", 0, 0),
        ("test.wav", "test", "", 0, 1),
    ],
    columns=["fname", "split", "label", "verified", "use"],
)
PROMOTED = {"promoted.wav", "both.wav", "broken.wav", "test.wav", "of_another_set.wav"}


def rows(table):
    return list(table.itertuples(index=False, name=None))


def test_verified_clips_alone():
    found = labels.select(CLIPS, set(), 0.0)
    assert list(found.columns) == list(labels.COLUMNS)
    assert rows(found) == [
        ("z_verified.wav", "Cello", "verified", 1.0),
        ("a_verified.wav", "Gong", "verified", 1.0),
        ("both.wav", "Gong", "verified", 1.0),
    ]
    assert found.index.tolist() == [0, 1, 2]


def test_promoted_clips_come_in_and_keep_the_manifests_order():
    assert rows(labels.select(CLIPS, PROMOTED, 0.0)) == [
        ("z_verified.wav", "Cello", "verified", 1.0),
        ("promoted.wav", "Gong", "spread", 1.0),
        ("a_verified.wav", "Gong", "verified", 1.0),
        ("both.wav", "Gong", "verified", 1.0),
    ]


def test_the_rest_comes_in_with_its_weight():
    assert rows(labels.select(CLIPS, PROMOTED, 0.25)) == [
        ("z_verified.wav", "Cello", "verified", 1.0),
        ("promoted.wav", "Gong", "spread", 1.0),
        ("rest.wav", "Oboe", "given", 0.25),
        ("a_verified.wav", "Gong", "verified", 1.0),
        ("both.wav", "Gong", "verified", 1.0),
    ]


def test_all_labels_as_given():
    found = labels.select(CLIPS, set(), 1.0)
    assert found["weight"].tolist() == [1.0] * 5
    assert found["source"].tolist() == ["verified", "given", "given", "verified", "verified"]


def test_table_survives_a_file(tmp_path):
    table = labels.select(CLIPS, PROMOTED, 0.25)
    tables.write_table(table, tmp_path / "labels.csv")
    pd.testing.assert_frame_equal(labels.read(tmp_path / "labels.csv"), table, check_dtype=False)
    assert labels.read(tmp_path / "labels.csv")["weight"].dtype == float


def test_names_that_look_like_numbers_stay_names(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("fname,label,source,weight\n00012,None,given,0.5\n1e5,nan,given,1\n")
    found = labels.read(path)
    assert rows(found) == [("00012", "None", "given", 0.5), ("1e5", "nan", "given", 1.0)]


def test_missing_column_is_named(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("fname,label,weight\na.wav,Gong,1\n")
    with pytest.raises(EarmarkError, match=r"labels\.csv lacks the column 'source'"):
        labels.read(path)
    with pytest.raises(EarmarkError, match="does not exist"):
        labels.read(tmp_path / "absent.csv")


def test_precision_counts_rows_whose_truth_is_known():
    table = pd.DataFrame(
        {"fname": ["a", "b", "c", "d"], "label": ["Gong", "Gong", "Cello", "Oboe"]}
    )
    truth = {"a": "Gong", "b": "Cello", "c": "Cello", "unlisted": "Gong"}
    assert labels.precision(table, truth) == (2, 3)
    assert labels.precision(table, {}) == (0, 0)


def test_precision_of_the_given_labels_of_a_real_set(fsd10):
    # A third of the unverified labels is wrong there; verified ones are right.
    truth = labels.truth_table(fsd10 / "train_truth.csv")
    given = tables.read_table(fsd10 / "train.csv", ("fname", "label"), "train list")
    trusted = given[given["manually_verified"] == "1"]
    assert labels.precision(trusted, truth) == (len(trusted), len(trusted))
    rest = given[given["manually_verified"] == "0"]
    right, known = labels.precision(rest, truth)
    assert known == len(rest) > 50
    assert right / known == pytest.approx(2 / 3, abs=0.05)


def test_tables_are_put_below_each_other():
    base = labels.select(CLIPS, set(), 0.0)
    added = pd.DataFrame([("rest.wav", "Gong", "pseudo", 1.0)], columns=labels.COLUMNS)
    found = labels.concatenate([base, added])
    assert rows(found) == rows(base) + rows(added)
    assert found.index.tolist() == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(labels.concatenate([base, added.iloc[:0]]), base)
