"""labels.csv: the train list's labels, and what people who listened made of them."""

import logging
from pathlib import Path
from typing import Any

import pytest
import read_labels
from tiny import make_set, read_rows, snakemake, write_listed, write_rows

from earmark.labels import corrections as corrections_file
from earmark.labels import label_table
from earmark.runtime.errors import EarmarkError

LIST = (
    ("0.wav", "Bark", 1),
    ("1.wav", "Bark", 0),
    ("2.wav", "Cello", 1),
    ("3.wav", "Cello", 0),
    ("4.wav", "Gong", 1),
    ("5.wav", "Gong", 0),
)
EARLY, LATE = "2026-11-27T14:05:00", "2026-11-28T09:00:00"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


def made_of(
    tmp_path: Path, *corrections: tuple[str, ...], listed: Any = LIST
) -> dict[str, tuple[str, str, str]]:
    """Clip -> (label, verified, origin), as the script writes them."""
    listed_table, corrected, table = (tmp_path / f"{name}.csv" for name in ("t", "c", "labels"))
    write_listed(listed_table, listed)
    write_rows(corrected, corrections_file.COLUMNS, corrections)
    read_labels.main(
        listed_table=str(listed_table),
        corrections=[str(corrected)] if corrections else [],
        table=str(table),
    )
    rows = read_rows(table)
    assert all(tuple(row) == label_table.COLUMNS and row["present"] == "1" for row in rows)
    found = {row["clip"]: (row["label"], row["verified"], row["origin"]) for row in rows}
    # In the list's order, each once.
    assert [row["clip"] for row in rows] == [row[0] for row in listed if row[0] in found]
    return found


AS_LISTED = {clip: (label, str(verified), "list") for clip, label, verified in LIST}


def test_without_corrections_they_are_the_lists(tmp_path: Path) -> None:
    assert made_of(tmp_path) == AS_LISTED
    table = label_table.read(tmp_path / "labels.csv")
    assert table["verified"].tolist() == [1, 0, 1, 0, 1, 0]
    assert label_table.classes_of(table) == ["Bark", "Cello", "Gong"]


def test_an_empty_file_of_corrections_changes_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path / "c.csv", corrections_file.COLUMNS, [])
    write_listed(tmp_path / "t.csv", LIST)
    arguments = {"listed_table": str(tmp_path / "t.csv"), "table": str(tmp_path / "labels.csv")}
    read_labels.main(**arguments, corrections=[str(tmp_path / "c.csv")])
    assert {row["clip"] for row in read_rows(tmp_path / "labels.csv")} == set(AS_LISTED)


def test_right_wrong_and_unsure(tmp_path: Path, told: Any) -> None:
    found = made_of(
        tmp_path,
        ("1.wav", "", "right", "Bark", EARLY),
        ("3.wav", "Gong", "wrong", "Cello", EARLY),
        ("5.wav", "", "unsure", "Gong", EARLY),
        # A verified label may be wrong too; it is verified with its new label.
        ("0.wav", "Cello", "wrong", "Bark", EARLY),
    )
    assert found == {
        "0.wav": ("Cello", "1", "correction"),
        "1.wav": ("Bark", "1", "correction"),
        "2.wav": AS_LISTED["2.wav"],
        "3.wav": ("Gong", "1", "correction"),
        "4.wav": AS_LISTED["4.wav"],
    }
    assert "Applied 4 corrections: 1 right, 2 wrong, 1 unsure." in told.text


def test_the_label_of_one_that_is_right_or_unsure_is_not_looked_at(tmp_path: Path) -> None:
    found = made_of(
        tmp_path,
        ("1.wav", "Theremin", "right", "Bark", EARLY),
        ("5.wav", "Theremin", "unsure", "Gong", EARLY),
    )
    assert found["1.wav"] == ("Bark", "1", "correction")
    assert "5.wav" not in found


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (EARLY, LATE, "Gong"),
        (LATE, EARLY, "Cello"),
        # Of the same time, the later in the file.
        (LATE, LATE, "Gong"),
        # Of two clocks: 14:05 in Berlin is before 13:30 in Greenwich.
        ("2026-11-27T14:05:00+01:00", "2026-11-27T13:30:00Z", "Gong"),
        ("2026-11-27T13:30:00Z", "2026-11-27T14:05:00+01:00", "Cello"),
        ("2026-11-27", "2026-11-27T00:00:01.5", "Gong"),
    ],
)
def test_the_later_one_counts(tmp_path: Path, first: str, second: str, wanted: str) -> None:
    found = made_of(
        tmp_path,
        ("1.wav", "Cello", "wrong", "Bark", first),
        ("1.wav", "Gong", "wrong", "Bark", second),
    )
    assert found["1.wav"] == (wanted, "1", "correction")


def test_a_correction_of_a_corrected_label_counts(tmp_path: Path) -> None:
    # The second listener judged what labels.csv shows by now.
    rows = [("1.wav", "Cello", "wrong", "Bark", EARLY), ("1.wav", "", "right", "Cello", LATE)]
    assert made_of(tmp_path, *rows)["1.wav"] == ("Cello", "1", "correction")
    rows = [("1.wav", "Cello", "wrong", "Bark", EARLY), ("1.wav", "Gong", "wrong", "Cello", LATE)]
    assert made_of(tmp_path, *rows)["1.wav"] == ("Gong", "1", "correction")


def test_a_later_unsure_takes_back_what_was_said(tmp_path: Path) -> None:
    rows = [("1.wav", "Cello", "wrong", "Bark", EARLY), ("1.wav", "", "unsure", "Bark", LATE)]
    assert "1.wav" not in made_of(tmp_path, *rows)
    rows = [("1.wav", "", "unsure", "Bark", EARLY), ("1.wav", "", "right", "Bark", LATE)]
    assert made_of(tmp_path, *rows)["1.wav"] == ("Bark", "1", "correction")


def test_stale_and_unknown_ones_do_not_count_and_are_told(tmp_path: Path, told: Any) -> None:
    rows = [
        ("1.wav", "Gong", "wrong", "Cello", LATE),  # the list says Bark by now
        ("1.wav", "", "right", "Bark", EARLY),
        *((f"{number}.wav", "", "right", "Bark", EARLY) for number in range(10, 17)),
        ("3.wav", "", "right", "Cello", EARLY),
    ]
    found = made_of(tmp_path, *rows)
    counted = {"1.wav": ("Bark", "1", "correction"), "3.wav": ("Cello", "1", "correction")}
    assert found == {**AS_LISTED, **counted}
    changed = "Ignored 1 corrections for labels that the train list has changed since: 1.wav."
    assert changed in told.text
    assert "Ignored 7 corrections for clips that are not in the train list: 10.wav" in told.text
    assert "Applied 2 corrections: 2 right, 0 wrong, 0 unsure." in told.text


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        ("0.wav", "", "maybe", "Bark", EARLY),
        ("1.wav", "Theremin", "wrong", "Bark", EARLY),
        ("2.wav", "", "right", "Cello", "yesterday"),
        ("3.wav", "", "wrong", "Cello", ""),
        ("4.wav", "Gong", "wrong", "Gong", EARLY),
        ("5.wav", "", "right", "Gong", EARLY),
    ]
    with pytest.raises(EarmarkError) as caught:
        made_of(tmp_path, *rows)
    first, *told = str(caught.value).split("\n")
    assert str(tmp_path / "c.csv") in first
    assert [line.split(":")[0] for line in told] == [
        "- line 2, 0.wav",
        "- line 3, 1.wav",
        "- line 4, 2.wav",
        "- line 5, 3.wav",
        "- line 5, 3.wav",
        "- line 6, 4.wav",
    ]
    for line, words in zip(
        told,
        (
            ("'maybe'", "write right, wrong or unsure"),
            ("'Theremin'", "no class of the train list"),
            ("the time is 'yesterday'", "2026-11-27T14:05:00"),
            ("''", "no class of the train list"),
            ("the time is ''", "2026-11-27T14:05:00"),
            ("label and previous_label are both 'Gong'", "the decision right"),
        ),
        strict=True,
    ):
        for word in words:
            assert word in line
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize(
    ("decision", "label"), [("wrong", "Gong"), ("unsure", "")], ids=["moved", "unsure"]
)
@pytest.mark.parametrize("others", [0, 1])
def test_a_class_that_loses_its_last_verified_clip(
    tmp_path: Path, decision: str, label: str, others: int
) -> None:
    # With others there are unverified ones left, without there is no clip of the class at all.
    listed = [row for row in LIST if others or row[0] != "3.wav"]
    with pytest.raises(EarmarkError) as caught:
        made_of(tmp_path, ("2.wav", label, decision, "Cello", EARLY), listed=listed)
    for part in ("'Cello'", "1 such classes of 3", "mark the right"):
        assert part in str(caught.value)
    if others:
        rows = [
            ("2.wav", label, decision, "Cello", EARLY),
            ("3.wav", "", "right", "Cello", EARLY),
        ]
        assert made_of(tmp_path, *rows)["3.wav"] == ("Cello", "1", "correction")


def test_a_class_may_get_its_first_verified_clip_by_a_correction(tmp_path: Path) -> None:
    listed = [row if row[0] != "2.wav" else ("2.wav", "Cello", 0) for row in LIST]
    with pytest.raises(EarmarkError, match=r"'Cello'.*no usable verified clip"):
        made_of(tmp_path, listed=listed)
    found = made_of(tmp_path, ("5.wav", "Cello", "wrong", "Gong", EARLY), listed=listed)
    assert found["5.wav"] == ("Cello", "1", "correction")


def test_a_single_class_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match="All 2 train clips have the label 'Bark'"):
        made_of(tmp_path, listed=LIST[:2])


def test_labels_with_spaces_and_commas_can_be_corrected(tmp_path: Path, told: Any) -> None:
    listed = [("a.wav", "Chink, clink", 1), ("b.wav", "Dog/wolf", 1), ("c.wav", "Dog/wolf", 0)]
    row = ("c.wav", "Chink, clink", "wrong", "Dog/wolf", EARLY)
    found = made_of(tmp_path, row, listed=listed)
    assert found["c.wav"] == ("Chink, clink", "1", "correction")
    assert "look like lists" not in told.text


def test_classes_that_look_like_lists_of_labels_are_told(tmp_path: Path, told: Any) -> None:
    labels = ["Bark", "Bark,Dog", "Dog,Cat", "a,b", "b,a"]
    made_of(tmp_path, listed=[(f"{n}.wav", label, 1) for n, label in enumerate(labels)])
    assert "4 classes look like lists of labels (such as 'Bark,Dog', 'Dog,Cat', 'a,b', ...)" in (
        told.text
    )


def test_the_workflow_finds_the_corrections_beside_the_run(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], sound=False)
    fname, label, _ = next(row for row in made.train if not row[2])
    path = tmp_path / "run/corrections/set.csv"
    write_rows(path, corrections_file.COLUMNS, [(fname, "", "right", label, EARLY)])
    target = "results/set/labels.csv"
    code, text = snakemake(tmp_path / "run", target, overlay={"dataset": str(made.folder)})
    assert code == 0, text
    rows = {row["clip"]: row for row in read_rows(tmp_path / "run" / target)}
    assert (rows[fname]["verified"], rows[fname]["origin"]) == ("1", "correction")
    assert {row["origin"] for name, row in rows.items() if name != fname} == {"list"}
