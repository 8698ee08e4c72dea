"""The index of clips: which clips there are, in which files, and what is in those."""

import hashlib
import logging
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tiny import TRAIN_HEADER, TinySet, make_set, read_rows, write_rows

from earmark.dataset import guessing, index, survey
from earmark.dataset.clip_lists import Clip
from earmark.runtime.errors import EarmarkError


def rows_of(made: TinySet) -> index.Index:
    return index.build(guessing.layout_of(made.folder))


def content_hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def list_train(made: TinySet, *names: str) -> None:
    """Give the first train clips other names in the list."""
    rows = [(name, *row[1:]) for name, row in zip(names, made.train, strict=False)]
    write_rows(made.train_list, TRAIN_HEADER, rows + made.train[len(rows) :])


def rows_in(path: Path) -> list[index.Row]:
    """An index read back."""
    return [
        index.Row(**{**row, "bytes": int(row["bytes"]) if row["bytes"] else None})  # type: ignore[arg-type]
        for row in read_rows(path)
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


@pytest.mark.parametrize("zenodo", [False, True])
def test_index_of_a_small_set(tmp_path: Path, zenodo: bool) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], zenodo=zenodo, empty_test_clips=1)
    found = rows_of(made)
    assert [row.clip for row in found.train] == [fname for fname, _, _ in made.train]
    assert [row.clip for row in found.test] == made.test
    paths = {name: tmp_path / "index" / f"{name}.csv" for name in (*index.PARTS, "listed")}
    index.write(found, paths)
    for part, audio in (("train", made.audio_train), ("test", made.audio_test)):
        assert rows_in(paths[part]) == getattr(found, part)
        for row in read_rows(paths[part]):
            content = (audio / row["clip"]).read_bytes()
            assert (made.folder / row["file"]).samefile(audio / row["clip"])
            assert row == {
                "clip": row["clip"],
                "file": f"{audio.name}/{row['clip']}",
                "start": "",
                "end": "",
                "bytes": str(len(content)),
                "hash": content_hash(content),
            }
    assert read_rows(paths["listed"]) == [
        {"clip": fname, "label": label, "verified": str(flag), "recording": fname, "fold": ""}
        for fname, label, flag in made.train
    ]


def test_truths_and_sample_labels_do_not_count(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], truth=True)
    before = rows_of(made)
    (tmp_path / "test_post_competition.csv").write_bytes(b"\xff\xfe\x00 no CSV")
    (tmp_path / "train_truth.csv").unlink()
    assert made.test_list is not None
    write_rows(made.test_list, ("fname",), [(name,) for name in made.test])
    assert rows_of(made) == before


def test_absent_clips_have_neither_bytes_nor_hash(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"])
    names = [fname for fname, _, _ in made.train]
    (made.audio_train / names[0]).unlink()
    (made.audio_train / names[1]).unlink()
    (made.audio_train / names[1]).mkdir()  # a folder of that name is no clip
    (made.audio_train / names[2]).unlink()
    (made.audio_train / names[2]).symlink_to(tmp_path / "nowhere.wav")
    found = rows_of(made)
    assert {(row.bytes, row.hash) for row in found.train[:3]} == {(None, "")}
    assert all(row.hash for row in found.train[3:])
    index.write(found, {name: tmp_path / f"{name}.csv" for name in found.texts()})
    assert rows_in(tmp_path / "train.csv") == found.train
    assert [row["bytes"] for row in read_rows(tmp_path / "train.csv")[:3]] == ["", "", ""]


def test_a_clip_that_is_both_trained_on_and_tested(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], sound=False)
    assert made.test_list is not None
    both = made.train[0][0]
    write_rows(made.test_list, ("fname", "label"), [(name, "") for name in [*made.test, both]])
    with pytest.raises(EarmarkError) as caught:
        rows_of(made)
    for part in (both, str(made.train_list), "never trained on", "remove it"):
        assert part in str(caught.value)


@pytest.mark.parametrize(("listed", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_spelled_in_either_way(tmp_path: Path, listed: str, there: str) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    name = "D\u00e4nen/B\u00e4r.wav"
    on_disk, in_list = unicodedata.normalize(there, name), unicodedata.normalize(listed, name)
    assert on_disk != in_list
    (made.audio_train / on_disk).parent.mkdir()
    (made.audio_train / made.train[0][0]).rename(made.audio_train / on_disk)
    list_train(made, in_list)
    row = rows_of(made).train[0]
    assert (row.clip, row.file) == (in_list, f"audio_train/{on_disk}")
    assert row.hash == content_hash((made.audio_train / on_disk).read_bytes())


def test_two_files_that_differ_by_their_accents_alone_are_two_clips(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    both = [unicodedata.normalize(form, "B\u00e4r.wav") for form in ("NFC", "NFD")]
    for (fname, _, _), name in zip(made.train, both, strict=False):
        (made.audio_train / fname).rename(made.audio_train / name)
    if len({*both} & {path.name for path in made.audio_train.iterdir()}) < 2:
        pytest.skip("the file system takes them for one")
    list_train(made, *both)
    assert [row.file for row in rows_of(made).train[:2]] == [f"audio_train/{n}" for n in both]


def test_clips_in_sub_folders(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], zenodo=True)
    deep = made.audio_train / "Hunde, laut" / "2018"
    deep.mkdir(parents=True)
    (made.audio_train / made.train[0][0]).rename(deep / "1.wav")
    list_train(made, "Hunde, laut/2018/1.wav")
    for folder in ("b", "b/c", ".hidden"):
        (made.audio_test / folder).mkdir()
        (made.audio_test / folder / "x.wav").write_bytes(folder.encode())
    (made.audio_test / "a link").symlink_to(deep)
    (deep / "a circle").symlink_to(made.audio_train)
    found = rows_of(made)
    row = found.train[0]
    assert row.clip == "Hunde, laut/2018/1.wav"
    assert row.file == "FSDKaggle2018.audio_train/Hunde, laut/2018/1.wav"
    assert row.bytes == (deep / "1.wav").stat().st_size
    # The circle leads to the train clips too, each of them once.
    beyond = {f"a link/a circle/{fname}" for fname, _, _ in made.train[1:]}
    wanted = sorted({*made.test, "b/x.wav", "b/c/x.wav", "a link/1.wav", *beyond})
    assert [row.clip for row in found.test] == wanted
    by_clip = {row.clip: row for row in found.test}
    assert by_clip["b/c/x.wav"].hash == content_hash(b"b/c")


def test_of_two_names_of_one_folder_the_first_counts(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello"], zenodo=True, test_clips=0)
    for number in range(20):
        real, link = (("a", "b"), ("b", "a"))[number % 2]
        (made.audio_test / f"{number:02}{real}").mkdir()
        (made.audio_test / f"{number:02}{real}/x.wav").write_bytes(b"x")
        (made.audio_test / f"{number:02}{link}").symlink_to(f"{number:02}{real}")
    wanted = [f"{number:02}a/x.wav" for number in range(20)]
    assert [row.clip for row in rows_of(made).test] == wanted


def test_test_clips_with_the_bytes_of_train_clips_are_told(tmp_path: Path, told: Any) -> None:
    # Empty clips are all alike, and no leak; nor are absent ones.
    made = make_set(tmp_path, ["Cello", "Bark"], empty_test_clips=2)
    (made.audio_train / made.train[1][0]).unlink()
    (made.audio_test / made.test[1]).unlink()
    index.warn_of_copies(rows_of(made))
    assert told.text == ""
    first = made.audio_train / made.train[0][0]
    (made.audio_test / made.test[0]).write_bytes(first.read_bytes())
    index.warn_of_copies(rows_of(made))
    assert "1 test clips have the same content as a train clip" in told.text
    assert f"(audio_train/{first.name} and audio_test/{made.test[0]})" in told.text


def test_parts_are_copies_only_of_the_same_part(told: Any) -> None:
    def part(name: str, start: str, end: str) -> index.Row:
        return index.Row(f"{name}#{start}-{end}", name, start, end, 9, "same")

    train = [part("a.wav", "0", "2"), index.Row("b.wav", "b.wav", "", "", 9, "same")]
    others = [part("c.wav", "2", "4"), part("a.wav", "0", "1")]
    index.warn_of_copies(index.Index(train, others, []))
    assert told.text == ""
    copies = [part(f"{n}.wav", "0", "2") for n in range(5)]
    index.warn_of_copies(index.Index(train, copies, []))
    assert "5 test clips have the same content" in told.text
    assert "(a.wav and 0.wav, a.wav and 1.wav, a.wav and 2.wav, ...)" in told.text


def test_recordings_of_train_and_test_clips_are_told(told: Any) -> None:
    def clips(recordings: dict[str, str]) -> list[Clip]:
        return [Clip(name, name, "", "", "", 1, of, "") for name, of in recordings.items()]

    train = clips({"a.wav": "a.wav", "b#0-1": "b", "c#0-1": "c"})
    others = clips({"d.wav": "d.wav", "e#1-2": "e"})
    index.warn_of_shared_recordings(index.Listed(train, others))
    assert told.text == ""
    others = clips({"b#1-2": "b", "b#3-4": "b", "c#5-6": "c", "e#0-1": "e"})
    index.warn_of_shared_recordings(index.Listed(train, others))
    assert "3 test clips come from 2 recordings" in told.text
    assert "(such as b, c)" in told.text


def test_classes_of_test_clips_in_another_spelling_are_told(tmp_path: Path, told: Any) -> None:
    for name in ("train/Cat/1.wav", "train/Owl/2.wav", "train/Dog/3.wav", "test/Cat/4.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    layout = guessing.layout_of(tmp_path)
    index.warn_of_spelling(index.read_lists(layout))
    assert told.text == ""
    (tmp_path / "test/Cat").rename(tmp_path / "test/cat")
    index.warn_of_spelling(index.read_lists(layout))
    assert "'cat' for 'Cat'" in told.text
    problems = survey.survey(layout).problems
    found = problems[problems["kind"].str.contains("spelling")]
    assert found[["clip", "stops"]].to_numpy().tolist() == [["test/cat/4.wav", 0]]


def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    assert index.hash_all(tmp_path, ["pipe.wav", "zero.wav"]) == [(None, "")] * 2


def test_files_in_no_list_are_told_and_hidden_ones_are_not(tmp_path: Path, told: Any) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (made.audio_train / ".hidden").write_bytes(b"")
    (made.audio_train / "folder").mkdir()
    index.warn_of_unlisted(guessing.layout_of(made.folder), rows_of(made))
    assert told.text == ""
    (made.audio_train / "folder/zz.wav").write_bytes(b"more")
    (made.audio_train / "zz.wav").write_bytes(b"more")
    found = rows_of(made)
    assert [row.clip for row in found.train] == [fname for fname, _, _ in made.train]
    index.warn_of_unlisted(guessing.layout_of(made.folder), found)
    assert f"2 files in {made.audio_train} are in no list and are not used" in told.text
    assert "such as folder/zz.wav" in told.text
