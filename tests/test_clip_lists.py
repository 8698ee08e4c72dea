"""The lists of a data set: what people write is read as meant, or refused with a sentence."""

import csv
import dataclasses
import io
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import bad_lists
import pandas as pd
import pytest
from corpus import Kind
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import TinySet, make_set, read_rows

from earmark.dataset import clip_lists, layout
from earmark.evaluation import scoring
from earmark.labels import class_groups
from earmark.planning import clip_index, data_source
from earmark.runtime.errors import EarmarkError

HEADER = "fname,label,manually_verified\n"


def judge(made: TinySet) -> None:
    """What the product does with a data set's folder and lists, in its order."""
    source = data_source.source_of({"dataset": str(made.folder)})
    base = made.folder.parent
    clip_index.update(source.layout, base / "results", base)
    class_groups.groups_of(source.labels, "two", class_groups.SCHEMES["two"])
    found = clip_lists.read_train_list(source.layout.train_list)
    assert list(found.itertuples(index=False, name=None)) == made.train
    assert source.labels == sorted({label for _, label, _ in made.train})
    assert clip_lists.test_names(source.layout) == made.test
    if source.layout.test_truth:
        scoring.read_truth(source.layout.test_truth)


@pytest.mark.parametrize("kind", bad_lists.KINDS, ids=str)
def test_every_kind_of_the_corpus(tmp_path: Path, kind: Kind) -> None:
    made = make_set(tmp_path / "set", ["Bark", "Cello"], test_clips=7, sound=False)
    kind.spoil(made)
    if kind.expected == bad_lists.WORKS:
        judge(made)
        return
    with pytest.raises(EarmarkError) as caught:
        judge(made)
    sentence = str(caught.value)
    assert kind.expected in sentence
    assert len(sentence) < 800
    assert sentence.isprintable()


def test_the_corpus_is_large_and_its_names_differ() -> None:
    names = [kind.name for kind in bad_lists.KINDS]
    assert len(set(names)) == len(names) >= 50


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
        ("../a.wav,Cello,1\n", ("line 2", "'../a.wav'", "path below the audio folder")),
        ("/etc/passwd,Cello,1\n", ("line 2", "'/etc/passwd'", "path below the audio folder")),
        ("a//b.wav,Cello,1\n", ("line 2", "'a//b.wav'", "path below the audio folder")),
        ("a/./b.wav,Cello,1\n", ("line 2", "'a/./b.wav'", "path below the audio folder")),
        ("a/../../b.wav,Cello,1\n", ("line 2", "'a/../../b.wav'", "path below the audio folder")),
        ("a/,Cello,1\n", ("line 2", "'a/'", "path below the audio folder")),
        ("..\\a.wav,Cello,1\n", ("line 2", "'..\\a.wav'", "path below the audio folder")),
        ("..,Cello,1\n", ("line 2", "'..'", "path below the audio folder")),
        (",Cello,1\n", ("line 2", "''", "name")),
        (
            "a.wav,Cello,1\nb.wav,Bark,1\na.wav,Cello,0\na.wav,Bark,0\n",
            ("a.wav", "more than once", "lines 2, 4, 5", "Keep one line"),
        ),
        ("", ("no rows", "List at least one clip")),
        # Line numbers are those that an editor shows.
        ("a.wav,Cello,1\n\n\nb.wav,Bark,2\n", ("line 5", "'2'", "b.wav")),
        ("a.wav,Cello,1\nb.wav,Bark,0,by\n", ("line 3", "should be fname,label")),
        # A cell of several lines counts as they do.
        ('a.wav,"Cel\nlo",1\n', ("line 2", "'Cel\\nlo' with a space")),
        ('a.wav,Cello,1\n"b\n.wav",Bark,1\nc.wav,,1\n', ("line 3", "'b\\n.wav'")),
    ],
)
def test_bad_rows_of_a_train_list(tmp_path: Path, rows: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(EarmarkError) as caught:
        read_list(tmp_path, HEADER + rows)
    sentence = str(caught.value)
    assert str(tmp_path / "train.csv") in sentence
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ("cannot be read", "fname,label,manually_verified")),
        (HEADER.encode("utf-16"), ("UTF-8", "save it as 'CSV UTF-8")),
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
        ("fname,label\n../a.wav,x\n", ("line 2", "'../a.wav'", "path below the audio folder")),
        ("fname,label\na.wav,x\n,y\n", ("line 3", "''")),
        ("fname,label\na.wav,x\nb.wav,\na.wav,z\n", ("a.wav", "lines 2, 4", "Keep one line")),
        ("fname,label\na.wav,x\n\nb//c.wav,y\n", ("line 4", "'b//c.wav'")),
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


def test_labels_that_are_as_different_as_need_be(tmp_path: Path) -> None:
    labels = ["None", "nan", "007", "7", "m²", "犬", "ヤギ", "क", "x" * 100, "a'b", "{x}", "=1+1"]
    rows = "".join(f"{number}.wav,{label},1\n" for number, label in enumerate(labels))
    found = read_list(tmp_path, HEADER + rows)
    assert found["label"].tolist() == labels
    assert clip_lists.train_labels(tmp_path / "train.csv") == sorted(labels)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bark", "BARK"),
        ("Öse", "O\u0308se"),
        ("Straße", "STRASSE"),
        ("カ", "\uff76"),
        ("a\u200bb", "ab"),
    ],
)
def test_labels_that_a_reader_takes_for_one(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(EarmarkError, match=r"\(line 2\).*\(line 4\), which differ only"):
        read_list(tmp_path, HEADER + f"a.wav,{one},1\nb.wav,{one},0\nc.wav,{other},1\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("what", ["train.csv", "sample_submission.csv", "audio_test", "."])
def test_what_may_not_be_read(tmp_path: Path, what: str) -> None:
    made = make_set(tmp_path / "set", ["Bark", "Cello"], sound=False)
    (made.folder / what).chmod(0)
    try:
        with pytest.raises(EarmarkError, match="Permission denied"):
            judge(made)
    finally:
        (made.folder / what).chmod(0o700)


def test_names_on_disk_that_no_list_can_hold(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Bark"], zenodo=True, sound=False)
    for name in (b"a\nb.wav", b"caf\xe9.wav"):
        path = os.fsencode(made.audio_test) + b"/" + name
        try:
            open(path, "wb").close()
        except OSError:
            pytest.skip("the file system takes no such names")
        with pytest.raises(EarmarkError, match="Rename the file"):
            clip_lists.test_names(layout.find_layout(tmp_path))
        os.unlink(path)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_set(tmp_path / "set", ["Bark"], sound=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_source.source_of({"dataset": "~/set"}).layout.train_list == made.train_list


# What a list is made of, whole and broken.
PIECES = st.sampled_from(
    [
        *(
            "fname",
            "label",
            "manually_verified",
            "usage",
            HEADER,
            "a.wav",
            "b.wav",
            "../x.wav",
            "/",
        ),
        *("Bark", "bark", "Cello", "1", "0", "true", "Public", "Ignored", "None", "\ufeff"),
        *(
            ",",
            ",",
            ",",
            "\n",
            "\n",
            "\r\n",
            "\r",
            '"',
            '""',
            ";",
            "\t",
            " ",
            "\\",
            "#",
            "\0",
            "\x85",
        ),
    ]
)
GARBLED = st.one_of(
    st.binary(max_size=200),
    st.lists(PIECES, max_size=30).map("".join).map(str.encode),
    st.lists(PIECES, max_size=30).map(lambda pieces: (HEADER + "".join(pieces)).encode()),
    st.text(max_size=80).map(lambda text: (HEADER + "a.wav,Bark,1\n" + text).encode()),
    st.tuples(st.integers(0, 60), st.binary(max_size=8)).map(
        lambda cut: (HEADER + "a.wav,Bark,1\nb.wav,Cello,0\n").encode()[: cut[0]] + cut[1]
    ),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> TinySet:
    return make_set(tmp_path_factory.mktemp("garbled") / "set", ["Bark"], sound=False)


def tried(read: Callable[[], object]) -> object:
    """What ``read`` gives, or None where it has a sentence that a terminal can show."""
    try:
        return read()
    except EarmarkError as problem:
        sentence = str(problem)
    assert sentence.isprintable()
    assert len(sentence) < 1200
    return None


def is_inside(name: str) -> bool:
    """Whether a name leads to a file below its folder, and has no line breaks."""
    lines = re.fullmatch(r"[^\\\0\n\r]+", name)
    return bool(lines) and not {"", ".", ".."} & set(name.split("/"))


@given(content=GARBLED)
@settings(max_examples=500)
@example(content=b'fname,label,manually_verified\na.wav,Bark,1,"\r\n')
def test_garbled_train_lists_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    path = scratch.folder / "train.csv"
    path.write_bytes(content)
    found = tried(lambda: clip_lists.read_train_list(path))
    labels = tried(lambda: clip_lists.train_labels(path))
    if not isinstance(found, pd.DataFrame):
        assert labels is None
        return
    assert sorted(set(found["label"])) == labels
    assert list(found.columns) == ["fname", "label", "verified"]
    assert len(found) >= 1
    assert found["fname"].is_unique
    assert set(found["verified"]) <= {0, 1}
    text = content.decode("utf-8-sig")
    for fname, label in zip(found["fname"], found["label"], strict=True):
        assert is_inside(fname)
        assert re.fullmatch(r"[^\s,]+", label)
        # Nothing is made up.
        assert fname.replace('"', '""') in text or fname in text
        assert label in text or label.replace('"', '""') in text
    # Nothing is lost either: without quotes, each line that is not blank is a row.
    if '"' not in text:
        written = [line for line in re.split(r"[\r\n]", text) if line.replace(",", "").strip()]
        assert len(found) == len(written) - 1


@given(content=GARBLED)
@settings(max_examples=200)
def test_garbled_test_lists_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    assert scratch.test_list is not None
    scratch.test_list.write_bytes(content)
    found = layout.kaggle_layout(scratch.folder)
    names = tried(lambda: clip_lists.test_names(found))
    if isinstance(names, list):
        assert len(set(names)) == len(names) >= 1
        assert all(is_inside(name) for name in names)


@given(content=GARBLED)
@settings(max_examples=200)
def test_garbled_truths_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    path = scratch.folder / "truth.csv"
    path.write_bytes(content)
    truth = tried(lambda: scoring.read_truth(path))
    if isinstance(truth, pd.DataFrame):
        assert truth["clip"].is_unique
        assert set(truth["usage"]) <= {"", "Public", "Private"}
        assert all(re.fullmatch(r"[^\s,]+", label) for label in truth["label"])


def plain_text(least: int, *without: str) -> st.SearchStrategy[str]:
    signs = st.characters(
        exclude_categories=("C", "Z"), exclude_characters=",\ufeff" + "".join(without)
    )
    return st.text(signs, min_size=least, max_size=20)


PARTS = plain_text(1, "/", "\\").filter(lambda name: name not in (".", ".."))
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
ROWS = st.lists(
    st.tuples(NAMES, plain_text(1), st.sampled_from(["0", "1", "true", "FALSE"]), plain_text(0)),
    min_size=1,
    max_size=8,
    unique_by=(lambda row: row[0], lambda row: unicodedata.normalize("NFKD", row[1]).casefold()),
)


@given(
    rows=ROWS,
    order=st.permutations(["fname", "label", "manually_verified", "by, whom"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    bom=st.booleans(),
)
def test_a_list_in_any_dialect_is_read_as_it_was_meant(
    scratch: TinySet,
    rows: list[tuple[str, str, str, str]],
    order: list[str],
    line_end: str,
    quoting: int,
    bom: bool,
) -> None:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, order, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    for row in rows:
        writer.writerow(
            dict(zip(("fname", "label", "manually_verified", "by, whom"), row, strict=True))
        )
    path = scratch.folder / "train.csv"
    path.write_bytes(("\ufeff" * bom + sink.getvalue()).encode())
    found = clip_lists.read_train_list(path)
    flags = {"0": 0, "1": 1, "true": 1, "FALSE": 0}
    assert list(found.itertuples(index=False, name=None)) == [
        (fname, label, flags[verified]) for fname, label, verified, _ in rows
    ]


def test_test_clips_keep_the_order_of_their_list(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=6, sound=False)
    assert made.test != sorted(made.test)
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == made.test
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / ".hidden").write_bytes(b"")
    (made.audio_test / "folder").mkdir()
    (made.audio_test / "folder/x.wav").write_bytes(b"")
    found = clip_lists.test_names(layout.find_layout(tmp_path))
    assert found == sorted([*made.test, "folder/x.wav"])


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
