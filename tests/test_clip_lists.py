"""The lists of clips: every way to write them, every kind of bad one, and any bytes at all."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import bad_lists
import pandas as pd
import pytest
from corpus import Kind
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_set, read_rows

from earmark import clip_lists, csv_files, layout, scoring, tables, vocabulary
from earmark.errors import EarmarkError

HEADER = "fname,label,manually_verified\n"


def test_test_clips_keep_the_order_of_their_list(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=6, sound=False)
    assert made.test != sorted(made.test)
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == made.test
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / ".hidden").write_bytes(b"")
    (made.audio_test / "folder").mkdir()
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == sorted(made.test)


def read_list(tmp_path: Path, content: str | bytes) -> pd.DataFrame:
    path = tmp_path / "train.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return clip_lists.read_train_list(path)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "a.wav,Cello,1\nb.wav,Bark,0\n",
        "\ufeff" + HEADER + "a.wav,Cello,1\nb.wav,Bark,0\n",
        (HEADER + "a.wav,Cello,1\nb.wav,Bark,0\n").replace("\n", "\r\n"),
        '"fname","label","manually_verified"\n"a.wav","Cello","1"\n"b.wav","Bark","0"\n',
        HEADER + "a.wav,Cello,true\nb.wav,Bark,False\n",
        HEADER + "a.wav,Cello,TRUE\nb.wav,Bark,FALSE\n",
        HEADER + "a.wav,Cello,1.0\nb.wav,Bark,0.0\n",
        " fname , label ,manually_verified \n a.wav , Cello , 1 \n b.wav,Bark ,0\n",
        "license,manually_verified,label,fname\nby,1,Cello,a.wav\n,0,Bark,b.wav\n",
        HEADER + "a.wav,Cello,1\nb.wav,Bark,0",
        HEADER + "\na.wav,Cello,1\n\nb.wav,Bark,0\n\n",
    ],
    ids=[
        "plain",
        "BOM",
        "CRLF",
        "quotes",
        "true and False",
        "TRUE and FALSE",
        "1.0",
        "spaces",
        "other order",
        "no last line end",
        "empty lines",
    ],
)
def test_ways_to_write_a_train_list(tmp_path: Path, content: str) -> None:
    found = read_list(tmp_path, content)
    assert found.to_dict("list") == {
        "fname": ["a.wav", "b.wav"],
        "label": ["Cello", "Bark"],
        "verified": [1, 0],
    }


def test_labels_that_look_like_numbers_or_nothing_stay_text(tmp_path: Path) -> None:
    found = read_list(tmp_path, HEADER + "1.wav,007,1\n2.wav,NA,1\n3.wav,nan,0\n4.wav,1e3,1\n")
    assert found["label"].tolist() == ["007", "NA", "nan", "1e3"]


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ("a.wav,Cello,1\nb.wav,Bark,2\n", ("line 3", "'2'", "b.wav", "Write 1 or 0")),
        ("a.wav,Cello,yes\n", ("line 2", "'yes'", "Write 1 or 0")),
        ("a.wav,Cello,\n", ("line 2", "a.wav", "Write 1 or 0")),
        ("a.wav,Cello\n", ("line 2", "a.wav", "Write 1 or 0")),
        ("a.wav,Cello,1\nb.wav,,1\n", ("line 3", "b.wav", "no label", "Write its class")),
        ("a.wav,Cello,1\nb.wav\n", ("line 3", "b.wav", "no label", "Write its class")),
        ("a.wav,Double bass,1\n", ("line 2", "'Double bass'", "write 'Double_bass'")),
        ("../a.wav,Cello,1\n", ("line 2", "'../a.wav'", "without a folder")),
        ("/etc/passwd,Cello,1\n", ("line 2", "'/etc/passwd'", "without a folder")),
        ("audio_train/a.wav,Cello,1\n", ("line 2", "'audio_train/a.wav'", "without a folder")),
        ("..\\a.wav,Cello,1\n", ("line 2", "'..\\a.wav'", "without a folder")),
        ("..,Cello,1\n", ("line 2", "'..'", "without a folder")),
        (",Cello,1\n", ("line 2", "''", "name")),
        (
            "a.wav,Cello,1\nb.wav,Bark,1\na.wav,Cello,0\na.wav,Bark,0\n",
            ("a.wav", "more than once", "lines 2, 4, 5", "Keep one line"),
        ),
        ("", ("no rows", "List at least one clip")),
        # Line numbers are those that an editor shows.
        ("a.wav,Cello,1\n\n\nb.wav,Bark,2\n", ("line 5", "'2'", "b.wav")),
        ("a.wav,Cello,1\nb.wav,Bark,0,by\n", ("line 3", "should be fname,label")),
    ],
)
def test_bad_rows_of_a_train_list(tmp_path: Path, rows: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(EarmarkError) as caught:
        read_list(tmp_path, HEADER + rows)
    sentence = str(caught.value)
    assert str(tmp_path / "train.csv") in sentence
    for part in parts:
        assert part in sentence


def test_a_comma_too_many_on_every_line_does_not_move_the_columns(tmp_path: Path) -> None:
    found = read_list(tmp_path, HEADER + "a.wav,Cello,1,\nb.wav,Bark,0,\n")
    assert found["fname"].tolist() == ["a.wav", "b.wav"]
    assert found["label"].tolist() == ["Cello", "Bark"]
    assert found["verified"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ("cannot be read", "fname,label,manually_verified")),
        (HEADER.encode("utf-16"), ("UTF-8", "fname,label,manually_verified")),
        ((HEADER + "\xe9.wav,Cello,1\n").encode("latin-1"), ("UTF-8",)),
        (b"fname;label;manually_verified\na.wav;Cello;1\n", ("lacks the column 'fname'",)),
        (b"fname,label\na.wav,Cello\n", ("lacks the column 'manually_verified'", "fname, label")),
        (b"a.wav,Cello,1\nb.wav,Bark,0\n", ("lacks the column 'fname'", "first line should be")),
        (HEADER.encode() + b'"a.wav,Cello,1\n', ("cannot be read",)),
    ],
    ids=["empty", "UTF-16", "Latin-1", "semicolons", "column", "no header", "open quote"],
)
def test_train_lists_that_are_no_such_table(
    tmp_path: Path, content: bytes, parts: tuple[str, ...]
) -> None:
    with pytest.raises(EarmarkError) as caught:
        read_list(tmp_path, content)
    for part in (str(tmp_path / "train.csv"), *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("label\nCello\n", ("lacks the column 'fname'", "it has label")),
        ("fname,label\n", ("no rows", "List the clips to tag")),
        ("fname,label\n../a.wav,x\n", ("line 2", "'../a.wav'", "without a folder")),
        ("fname,label\na.wav,x\n,y\n", ("line 3", "''")),
        ("fname,label\na.wav,x\nb.wav,\na.wav,z\n", ("a.wav", "lines 2, 4", "Keep one line")),
        ("fname,label\na.wav,x\n\nb/c.wav,y\n", ("line 4", "'b/c.wav'")),
    ],
)
def test_bad_test_lists(tmp_path: Path, content: str, parts: tuple[str, ...]) -> None:
    made = make_set(tmp_path, ["Bark"], sound=False)
    assert made.test_list is not None
    made.test_list.write_text(content)
    with pytest.raises(EarmarkError) as caught:
        clip_lists.test_names(layout.find_layout(tmp_path))
    for part in (str(made.test_list), *parts):
        assert part in str(caught.value)


def test_no_test_clips_at_all(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Bark"], zenodo=True, test_clips=0, sound=False)
    with pytest.raises(EarmarkError, match=r"is empty\. Put the clips") as caught:
        clip_lists.test_names(layout.find_layout(tmp_path))
    assert str(made.audio_test) in str(caught.value)


def test_official_train_list(official: Path) -> None:
    found = clip_lists.read_train_list(official / "train.csv")
    rows = read_rows(official / "train.csv")
    assert found["fname"].tolist() == [row["fname"] for row in rows]
    assert found["label"].tolist() == [row["label"] for row in rows]
    assert (len(found), int(found["verified"].sum()), found["label"].nunique()) == (9473, 3710, 41)
    longer = clip_lists.read_train_list(official / "train_post_competition.csv")
    assert sorted(longer["fname"]) == sorted(found["fname"])


def test_official_test_list(official: Path) -> None:
    plain = layout.kaggle_layout(official)
    names = clip_lists.test_names(dataclasses.replace(plain, test_truth=Path("none")))
    assert names == [row["fname"] for row in read_rows(official / "sample_submission.csv")]
    assert len(names) == len(set(names)) == 9400


def outcome_of(made: object) -> str:
    """What a user gets for the lists of a data set: a sentence, or "works"."""
    try:
        found = layout.find_layout(made.folder)  # type: ignore[attr-defined]
        labels = layout.train_labels(found.train_list)
        train = clip_lists.read_train_list(found.train_list)
        assert sorted(set(train["label"])) == labels
        clip_lists.test_names(found)
        vocabulary.groups_of(labels, "two", vocabulary.find_scheme("two"))
        if found.test_truth:
            scoring.read_truth(found.test_truth)
    except EarmarkError as problem:
        return str(problem)
    return "works"


@pytest.mark.parametrize("kind", bad_lists.KINDS, ids=str)
def test_every_kind_of_list_gets_its_sentence(tmp_path: Path, kind: Kind) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], truth=True, sound=False)
    assert outcome_of(made) == "works"
    kind.spoil(made)
    assert kind.expected in outcome_of(made)


def test_what_works_gives_the_same_lists(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], truth=True, sound=False)
    before = clip_lists.read_train_list(made.train_list)
    ways = [kind for kind in bad_lists.KINDS if kind.expected == "works"]
    assert len(ways) >= 8
    content = made.train_list.read_bytes()
    for kind in ways:
        kind.spoil(made)
        after = clip_lists.read_train_list(made.train_list)
        if "name" not in kind.name:
            assert after["fname"].tolist() == before["fname"].tolist(), kind.name
        assert after["label"].tolist() == before["label"].tolist(), kind.name
        assert after["verified"].tolist() == before["verified"].tolist(), kind.name
        made.train_list.write_bytes(content)


# Pieces that a CSV trips over, and any others.
WORDS = ["fname", "label", "manually_verified", "a.wav", "Bark", "1", "0", "true", "NA", "../"]
SIGNS = [",", "\n", "\r\n", "\r", '"', '""', ";", "\t", " ", "\0", "\ufeff", "\u0301", "\x1a"]
PIECES = st.sampled_from([*WORDS, *SIGNS, ",", ",", ",", "\n", "\n"])
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=60).map("".join)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: (HEADER + text).encode("utf-8", "surrogatepass")),
)


def sentence_or_table(read: Callable[[], pd.DataFrame], path: Path) -> pd.DataFrame | None:
    """What ``read`` gives; None if it refuses the file in a sentence that names it."""
    try:
        return read()
    except EarmarkError as refusal:
        if str(path) in str(refusal) and str(refusal).endswith("."):
            return None
        raise


@given(content=CONTENTS)
def test_any_bytes_are_a_checked_list_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "train.csv"
    path.write_bytes(content)
    found = sentence_or_table(lambda: clip_lists.read_train_list(path), path)
    planned = sentence_or_table(lambda: pd.DataFrame({"x": layout.train_labels(path)}), path)
    # What planning refuses, the manifest refuses as well.
    assert found is None or planned is not None
    if found is None or planned is None:
        return
    assert sorted(set(found["label"])) == planned["x"].tolist()
    assert set(found["verified"]) <= {0, 1}
    assert found["fname"].is_unique
    assert len(found) > 0
    for name, label in zip(found["fname"], found["label"], strict=True):
        assert name
        assert len(label.split()) == 1
        assert not set(name) & set("/\\\0\n\r")


@given(content=CONTENTS)
def test_any_bytes_are_a_truth_and_a_test_list_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "truth.csv"
    path.write_bytes(content)
    truth = sentence_or_table(lambda: scoring.read_truth(path), path)
    assert truth is None or truth["fname"].is_unique
    sentence_or_table(lambda: tables.read_table(path, ("fname",), "test list", True), path)


# Control signs are refused in names and labels.
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=8)


@given(rows=ROWS)
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    tables.write_table(pd.DataFrame(rows, columns=["fname", "label", "third"]), path)
    found = csv_files.read(path, ("fname", "label"), "table")
    assert found.columns == ["fname", "label", "third"]
    assert found.rows == [row for row in rows if any(value.strip() for value in row)]
