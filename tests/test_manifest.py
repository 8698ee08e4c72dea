"""The manifest: checked lists, checked clips, folds; every bad input has its sentence."""

import dataclasses
import logging
import math
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from tiny import RATE, TinySet, make_set, read_rows, tone, write_rows

from earmark import clip_lists, folds, inspection, layout, manifest
from earmark.errors import EarmarkError

HEADER = "fname,label,manually_verified\n"


def build(
    made: TinySet, bad_clips: str = "stop", seed: int = 1, fold_count: int = 3
) -> pd.DataFrame:
    return inspection.build(layout.find_layout(made.folder), fold_count, seed, bad_clips, threads=2)


def sentence_of(made: TinySet, bad_clips: str = "stop") -> str:
    with pytest.raises(EarmarkError) as caught:
        build(made, bad_clips)
    return str(caught.value)


@pytest.mark.parametrize("zenodo", [False, True])
def test_manifest_of_a_small_set(tmp_path: Path, zenodo: bool) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], zenodo=zenodo, empty_test_clips=1)
    table = build(made)
    assert tuple(table.columns) == manifest.COLUMNS
    train, test = table[table["split"] == "train"], table[table["split"] == "test"]
    assert list(train[["fname", "label", "verified"]].itertuples(index=False, name=None)) == (
        made.train
    )
    assert test["fname"].tolist() == made.test
    assert len(table) == len(train) + len(test)
    assert set(test["label"]) == {""}
    assert set(test["verified"]) == {0}
    assert set(test["fold"]) == {-1}
    for row in table.itertuples():
        path = made.folder / row.path
        assert path.name == row.fname
        assert row.checksum == f"{zlib.crc32(path.read_bytes()):08x}"
        samples, rate = soundfile.read(path)
        assert (row.sample_rate, row.channels) == (rate, 1)
        assert row.seconds == pytest.approx(len(samples) / RATE)
        assert row.peak == pytest.approx(max(abs(samples), default=0.0))
        assert row.status == ("ok" if len(samples) else "empty")
    assert (table["status"] == "empty").sum() == 1


def test_a_written_manifest_reads_back_the_same(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "NA"], empty_test_clips=1)
    table = build(made)
    manifest.write(table, tmp_path / "manifest.csv")
    again = manifest.read(tmp_path / "manifest.csv")
    exact = [name for name in manifest.COLUMNS if name not in ("seconds", "peak")]
    assert again[exact].to_dict("list") == table[exact].to_dict("list")
    for name in ("seconds", "peak"):
        assert np.allclose(again[name], table[name], atol=1e-6)


def test_the_truth_is_not_opened(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (tmp_path / "test_post_competition.csv").write_bytes(b"\xff\xfe\x00 no CSV")
    (tmp_path / "train_truth.csv").write_bytes(b"\xff\xfe\x00 no CSV")
    found = layout.find_layout(tmp_path)
    assert found.test_truth is not None
    assert clip_lists.test_names(found) == made.test
    assert len(build(made)) == len(made.train) + len(made.test)


def test_the_manifest_does_not_depend_on_truth_or_the_sample_labels(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], truth=True)
    before = build(made)
    (tmp_path / "test_post_competition.csv").unlink()
    (tmp_path / "train_truth.csv").unlink()
    assert made.test_list is not None
    write_rows(made.test_list, ("fname",), [(name,) for name in made.test])
    assert build(made).equals(before)


def test_test_clips_keep_the_order_of_their_list(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=6, sound=False)
    assert made.test != sorted(made.test)
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == made.test
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / ".hidden").write_bytes(b"")
    (made.audio_test / "folder").mkdir()
    assert clip_lists.test_names(layout.find_layout(tmp_path)) == sorted(made.test)


def test_the_same_seed_draws_the_same_folds_and_another_seed_others(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=12)
    first = build(made, seed=1)["fold"].tolist()
    assert build(made, seed=1)["fold"].tolist() == first
    assert build(made, seed=2)["fold"].tolist() != first


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


def test_a_clip_that_is_both_trained_on_and_tested(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    assert made.test_list is not None
    both = made.train[0][0]
    write_rows(made.test_list, ("fname", "label"), [(name, "") for name in [*made.test, both]])
    sentence = sentence_of(made)
    for part in (both, str(made.train_list), "never trained on", "remove it"):
        assert part in sentence


def test_a_train_clip_that_is_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    for fname, _, _ in made.train[2:4]:
        (made.audio_train / fname).unlink()
    sentence = sentence_of(made, "skip")
    for part in (
        f"2 of {len(made.train) + len(made.test)} listed clips are absent",
        str(made.audio_train / made.train[2][0]),
        str(made.train_list),
        "Put the files there, or remove their lines",
    ):
        assert part in sentence


def test_a_test_clip_that_is_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (made.audio_test / made.test[1]).unlink()
    (made.audio_test / made.test[1]).mkdir()  # a folder of that name is no clip
    sentence = sentence_of(made)
    for part in ("1 of", str(made.audio_test / made.test[1]), str(made.test_list)):
        assert part in sentence


def test_unreadable_audio_stops_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    made = make_set(tmp_path, ["Cello", "Bark"])
    bad = [made.audio_train / made.train[1][0], made.audio_test / made.test[0]]
    for path in bad:
        path.write_text("I am no audio.")
    sentence = sentence_of(made)
    for part in (f"2 of {len(made.train) + len(made.test)} clips", str(bad[0]), "unreadable"):
        assert part in sentence
    assert "Replace them, or write `bad_clips: skip`" in sentence
    for path in bad:
        assert str(path) in caplog.text


def test_unreadable_audio_can_be_skipped_and_nothing_is_lost(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    unverified = next(fname for fname, _, verified in made.train if not verified)
    (made.audio_train / unverified).write_text("I am no audio.")
    samples = tone(200.0)
    samples[5] = np.nan
    soundfile.write(made.audio_test / made.test[0], samples, RATE, "FLOAT")
    table = build(made, "skip").set_index("fname")
    assert len(table) == len(made.train) + len(made.test)
    assert table.loc[unverified, "status"] == "unreadable"
    assert table.loc[unverified, "fold"] == -1
    assert table.loc[made.test[0], "status"] == "broken"
    assert (table["status"] == "ok").sum() == len(table) - 2


@pytest.mark.parametrize("damage", ["unverify", "empty", "unreadable"])
def test_a_class_without_a_usable_verified_clip(tmp_path: Path, damage: str) -> None:
    made = make_set(tmp_path, ["Cello", "Bark", "Oboe"])
    rows = []
    for fname, label, verified in made.train:
        flag = 0 if label == "Oboe" and damage == "unverify" else verified
        rows.append((fname, label, flag))
        if label == "Oboe" and verified and damage == "unreadable":
            (made.audio_train / fname).write_text("I am no audio.")
        if label == "Oboe" and verified and damage == "empty":
            soundfile.write(made.audio_train / fname, np.zeros(0), RATE, "PCM_16")
    write_rows(made.train_list, ("fname", "label", "manually_verified"), rows)
    sentence = sentence_of(made, "skip")
    for part in ("'Oboe'", str(made.train_list), "manually_verified 1", "1 such classes of 3"):
        assert part in sentence
    assert "mark the right ones with 1" in sentence


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
