"""The lists of a data set: what people write is read as meant, or refused with a sentence."""

import codecs
import csv
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

from earmark.dataset import clip_lists, guessing, index
from earmark.dataset.clip_lists import Clip
from earmark.dataset.layout import CHALLENGE_COLUMNS, ClipList
from earmark.evaluation import truth
from earmark.planning import clip_index, data_source
from earmark.runtime.errors import EarmarkError

HEADER = "fname,label,manually_verified\n"


def use(made: TinySet) -> None:
    """What the product does with a data set's folder and lists, in its order."""
    source = data_source.source_of({"dataset": str(made.folder)})
    assert source.clips
    base = made.folder.parent
    clip_index.update(source.layout, base / "results", base, source.clips)
    assert [(clip.clip, clip.label, clip.verified) for clip in source.clips.train] == made.train
    assert source.labels == sorted({label for _, label, _ in made.train})
    assert [clip.clip for clip in source.clips.test] == made.test
    # Each clip's file was found.
    for part in ("train", "test") if made.test else ("train",):
        assert all(row["hash"] for row in read_rows(base / f"results/index/{part}.csv"))
    if source.layout.test_truth:
        truth.read_test(source.layout.test_truth, source.labels)


@pytest.mark.parametrize("kind", bad_lists.KINDS, ids=str)
def test_every_kind_of_the_corpus(tmp_path: Path, kind: Kind) -> None:
    made = make_set(tmp_path / "set", ["Bark", "Cello"], test_clips=7, sound=False)
    kind.spoil(made)
    if kind.expected == bad_lists.WORKS:
        use(made)
        return
    with pytest.raises(EarmarkError) as caught:
        use(made)
    sentence = str(caught.value)
    assert kind.expected in sentence
    assert all(len(line) < 800 and line.isprintable() for line in sentence.split("\n"))


def test_the_corpus_is_large_and_its_names_differ() -> None:
    names = [kind.name for kind in bad_lists.KINDS]
    assert len(set(names)) == len(names) >= 50


def train_list(path: Path) -> pd.DataFrame:
    """The clips of a train list, none of whose files are there."""
    clips = clip_lists.read(ClipList(path.parent, path, CHALLENGE_COLUMNS))
    return pd.DataFrame(clips, columns=Clip._fields)[["clip", "label", "verified"]]


def read_list(tmp_path: Path, content: str) -> pd.DataFrame:
    (tmp_path / "train.csv").write_text(content, encoding="utf-8", newline="")
    return train_list(tmp_path / "train.csv")


def names_of_test_clips(folder: Path) -> list[str]:
    """The test clips of a folder."""
    return [clip.clip for clip in index.read_lists(guessing.layout_of(folder)).test]


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
        "clip": ["a.wav", "b.wav"],
        "label": ["Cello", "Bark"],
        "verified": [1, 0],
    }


def test_labels_that_look_like_numbers_or_nothing_stay_text(tmp_path: Path) -> None:
    found = read_list(tmp_path, HEADER + "1.wav,007,1\n2.wav,NA,1\n3.wav,nan,0\n4.wav,1e3,1\n")
    assert found["label"].tolist() == ["007", "NA", "nan", "1e3"]


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (
            "a.wav,Cello\nb.wav\n",
            ("- line 2: manually_verified is ''", "- line 3: there is no label"),
        ),
        ("a//b.wav,Cello,1\n", ("- line 2: the file name is 'a//b.wav', and",)),
        ("a/../../b.wav,Cello,1\na/,Cello,1\n", ("- line 2: the file name", "- line 3: the file")),
        # Line numbers are those that an editor shows; a cell may have several lines.
        ("a.wav,Cello,1\n\n\nb.wav,Bark,2\n", ("- line 5: manually_verified is '2'",)),
        (
            '"b\n.wav",Bark,1\nc.wav,,1\n',
            ("- line 2: the file name", "- line 4: there is no label"),
        ),
        ("".join(f"{n}.wav,Bark,?{n}\n" for n in range(13)), ("- line 11: ", "- and 3 more")),
        # What several rows have is told once.
        ("".join(f"{n}.wav,Bark,?\n" for n in range(13)), ("- line 2 and 12 more: manually_",)),
    ],
)
def test_all_bad_rows_are_reported(tmp_path: Path, rows: str, problems: tuple[str, ...]) -> None:
    with pytest.raises(EarmarkError) as caught:
        read_list(tmp_path, HEADER + rows)
    first, *others = str(caught.value).split("\n")
    assert first == f"The list of clips {tmp_path / 'train.csv'} cannot be used."
    assert len(others) == (11 if "?12" in rows else len(problems))
    for problem, line in zip(problems, others[-len(problems) :], strict=True):
        assert line.startswith(problem)


def test_no_test_clips_at_all(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Bark"], zenodo=True, test_clips=0, sound=False)
    with pytest.raises(EarmarkError, match=r"is empty\. Put the clips") as caught:
        names_of_test_clips(tmp_path)
    assert str(made.audio_test) in str(caught.value)


def test_labels_that_are_as_different_as_need_be(tmp_path: Path) -> None:
    labels = ["None", "nan", "007", "7", "m²", "犬", "ヤギ", "क", "x" * 100, "a'b", "{x}", "=1+1"]
    labels += ["Double bass", "Chink, clink", "Wind/rain", 'a "b"', "Dog", "Dog, big", "Dog big"]
    quoted = [label.replace('"', '""') for label in labels]
    rows = "".join(f'{number}.wav,"{label}",1\n' for number, label in enumerate(quoted))
    found = read_list(tmp_path, HEADER + rows)
    assert found["label"].tolist() == labels


@pytest.mark.parametrize("cell", ["Bark;", "; Bark", "Bark|", "Bark;Bark", "Bark ; Bark;"])
def test_separators_around_one_label_are_left_out(tmp_path: Path, cell: str) -> None:
    found = read_list(tmp_path, HEADER + f"a.wav,{cell},1\nb.wav,Bark,1\n")
    assert found["label"].tolist() == ["Bark", "Bark"]


@pytest.mark.parametrize("cell", ["Bark;Dog", "Bark; Dog", "Bark|Dog", "Bark | Dog;Cat|"])
def test_a_cell_with_several_labels_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(EarmarkError, match=r"line 2: the cell .* lists [23] labels") as caught:
        read_list(tmp_path, HEADER + f"a.wav,{cell},1\n")
    assert cell in str(caught.value)
    with pytest.raises(EarmarkError, match="there is no label"):
        read_list(tmp_path, HEADER + "a.wav,; |,1\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bark", "BARK"),
        ("Öse", "O\u0308se"),
        ("Straße", "STRASSE"),
        ("カ", "\uff76"),
        ("a\u200bb", "ab"),
        ("Double bass", "Double_bass"),
        ("Double bass", "Double  bass"),
        ("Double bass", "double\u00a0bass"),
    ],
)
def test_labels_that_a_reader_takes_for_one(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(EarmarkError, match=r"- line 4: the label .* differs from .* only"):
        read_list(tmp_path, HEADER + f"a.wav,{one},1\nb.wav,{one},0\nc.wav,{other},1\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("what", ["train.csv", "sample_submission.csv", "audio_test", "."])
def test_what_may_not_be_read(tmp_path: Path, what: str) -> None:
    made = make_set(tmp_path / "set", ["Bark", "Cello"], sound=False)
    (made.folder / what).chmod(0)
    try:
        with pytest.raises(EarmarkError, match="Permission denied"):
            use(made)
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
        with pytest.raises(EarmarkError, match="has control characters"):
            names_of_test_clips(tmp_path)
        os.unlink(path)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_set(tmp_path / "set", ["Bark"], sound=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_source.source_of({"dataset": "~/set"}).layout.train.table == made.train_list


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
    assert all(line.isprintable() and len(line) < 1200 for line in sentence.split("\n"))
    return None


def is_inside(name: str) -> bool:
    """Whether a name leads to a file below its folder, and has no line breaks."""
    lines = re.fullmatch(r"[^\\\0\n\r]+", name)
    return bool(lines) and not {"", ".", ".."} & set(name.split("/"))


def is_one_label(label: str) -> bool:
    return bool(re.fullmatch(r"[^\0-\x1f;|]{1,100}", label)) and label == label.strip()


@given(content=GARBLED)
@settings(max_examples=500)
@example(content=b'fname,label,manually_verified\na.wav,Bark,1,"\r\n')
def test_garbled_train_lists_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    path = scratch.folder / "train.csv"
    path.write_bytes(content)
    found = tried(lambda: train_list(path))
    if not isinstance(found, pd.DataFrame):
        return
    assert found["clip"].is_unique
    assert set(found["verified"]) <= {0, 1}
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    for fname, label in zip(found["clip"], found["label"], strict=True):
        assert is_inside(fname)
        assert is_one_label(label)
        # Nothing is made up.
        assert fname.replace('"', '""') in text or fname in text
        assert label in text or label.replace('"', '""') in text
    # Nothing is lost either: without quotes, each line that is not blank is a row.
    if '"' not in text:
        written = [line for line in re.split(r"[\r\n]", text) if line.strip(",;\t ").strip()]
        assert len(found) == len(written) - 1


@given(content=GARBLED)
@settings(max_examples=200)
def test_garbled_test_lists_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    assert scratch.test_list is not None
    scratch.test_list.write_bytes(content)
    listed = ClipList(scratch.audio_test, scratch.test_list, {"file": "fname"})
    clips = tried(lambda: clip_lists.read(listed, labels=False))
    if isinstance(clips, list):
        names = [clip.clip for clip in clips]
        assert len(set(names)) == len(names)
        assert all(is_inside(name) for name in names)


@given(content=GARBLED)
@settings(max_examples=200)
def test_garbled_truths_are_read_well_or_refused(scratch: TinySet, content: bytes) -> None:
    path = scratch.folder / "truth.csv"
    path.write_bytes(content)
    found = tried(lambda: truth.read_test(path, ["Bark"]))
    if isinstance(found, pd.DataFrame):
        assert found["clip"].is_unique
        assert set(found["usage"]) <= {"", "public", "private"}
        assert all(map(is_one_label, found["label"]))


def plain_text(least: int, *without: str) -> st.SearchStrategy[str]:
    signs = st.characters(
        exclude_categories=("C", "Z"), exclude_characters=",\ufeff" + "".join(without)
    )
    return st.text(signs, min_size=least, max_size=20)


PARTS = plain_text(1, "/", "\\").filter(lambda name: name not in (".", ".."))
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
ROWS = st.lists(
    st.tuples(
        NAMES, plain_text(1, ";", "|"), st.sampled_from(["0", "1", "true", "FALSE"]), plain_text(0)
    ),
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
    found = train_list(path)
    flags = {"0": 0, "1": 1, "true": 1, "FALSE": 0}
    assert list(found.itertuples(index=False, name=None)) == [
        (fname, label, flags[verified]) for fname, label, verified, _ in rows
    ]


def test_test_clips_keep_the_order_of_their_list(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=6, sound=False)
    assert made.test != sorted(made.test)
    assert names_of_test_clips(tmp_path) == made.test
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / ".hidden").write_bytes(b"")
    (made.audio_test / "folder").mkdir()
    (made.audio_test / "folder/x.wav").write_bytes(b"")
    found = names_of_test_clips(tmp_path)
    assert found == sorted([*made.test, "folder/x.wav"])


def test_official_train_list(official: Path) -> None:
    found = train_list(official / "train.csv")
    rows = read_rows(official / "train.csv")
    assert found["clip"].tolist() == [row["fname"] for row in rows]
    assert found["label"].tolist() == [row["label"] for row in rows]
    assert (len(found), int(found["verified"].sum()), found["label"].nunique()) == (9473, 3710, 41)
    longer = train_list(official / "train_post_competition.csv")
    assert sorted(longer["clip"]) == sorted(found["clip"])


def test_official_test_list(official: Path) -> None:
    listed = ClipList(official, official / "sample_submission.csv", {"file": "fname"})
    names = [clip.clip for clip in clip_lists.read(listed, labels=False)]
    assert names == [row["fname"] for row in read_rows(official / "sample_submission.csv")]
    assert len(names) == len(set(names)) == 9400
