"""The manifest: checked lists, checked clips, folds; every bad input has its sentence."""

import dataclasses
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import default_config, make_set, read_rows

from earmark import clip_lists, folds, inspection, layout, manifest
from earmark.errors import EarmarkError

HEADER = "fname,label,manually_verified\n"


def test_a_written_manifest_reads_back_the_same(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "NA"], empty_test_clips=1)
    policy = default_config()["clips"]
    table = inspection.build(layout.find_layout(made.folder), 3, 1, policy, threads=2)
    manifest.write(table, tmp_path / "manifest.csv")
    again = manifest.read(tmp_path / "manifest.csv")
    exact = [name for name in manifest.COLUMNS if name not in ("seconds", "peak")]
    assert again[exact].to_dict("list") == table[exact].to_dict("list")
    for name in ("seconds", "peak"):
        assert np.allclose(again[name], table[name], atol=1e-6)


def test_test_clips_keep_the_order_of_their_list(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=6, sound=False)
    assert made.test != sorted(made.test)
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == made.test
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / ".hidden").write_bytes(b"")
    (made.audio_test / "folder").mkdir()
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == sorted(made.test)


STRATA = st.lists(
    st.tuples(st.sampled_from(["Bark", "Cello", "Bus", "Gong"]), st.integers(0, 1)), max_size=80
)


@given(clips=STRATA, fold_count=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_folds_are_even_in_every_stratum_and_in_all(
    clips: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    labels, verified = [label for label, _ in clips], [flag for _, flag in clips]
    drawn = folds.draw(labels, verified, fold_count, np.random.default_rng(seed))
    assert len(drawn) == len(clips)
    sizes = Counter(clips)
    counts: dict[tuple[str, int], Counter[int]] = {key: Counter() for key in sizes}
    for key, fold in zip(clips, drawn.tolist(), strict=True):
        counts[key][fold] += 1
    for key, found in counts.items():
        if key[1] == 1 and sizes[key] == 1:
            assert found == {-1: 1}
        else:
            assert set(found) <= set(range(fold_count))
            dealt = [found[fold] for fold in range(fold_count)]
            assert max(dealt) - min(dealt) <= 1
    everywhere = Counter(fold for fold in drawn.tolist() if fold >= 0)
    dealt = [everywhere[fold] for fold in range(fold_count)]
    assert max(dealt) - min(dealt) <= 1


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
    # Either is fine: to read what the header names, or to ask for its columns.
    try:
        found = read_list(tmp_path, HEADER + "a.wav,Cello,1,\nb.wav,Bark,0,\n")
        told = " ".join(found["fname"]) + " " + " ".join(found["label"])
    except EarmarkError as problem:
        told = str(problem)
    assert told == "a.wav b.wav Cello Bark" or HEADER.strip() in told


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


def test_official_folds(official: Path) -> None:
    found = clip_lists.read_train_list(official / "train.csv")
    drawn = folds.draw(
        found["label"].tolist(), found["verified"].tolist(), 5, np.random.default_rng(1)
    )
    sizes = Counter(drawn.tolist())
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert set(sizes.values()) <= {math.floor(9473 / 5), math.ceil(9473 / 5)}
    for label, part in found.assign(fold=drawn).query("verified == 1").groupby("label"):
        assert part["fold"].nunique() == 5, label


def test_official_test_list(official: Path) -> None:
    plain = layout.kaggle_layout(official)
    names = clip_lists.test_names(dataclasses.replace(plain, test_truth=Path("none")))
    assert names == [row["fname"] for row in read_rows(official / "sample_submission.csv")]
    assert len(names) == len(set(names)) == 9400
