"""The index of a user's folder, written while planning: it changes only if a clip does."""

import hashlib
import json
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tiny import TRAIN_HEADER, TinySet, make_set, plan, read_rows, write_rows

from earmark.dataset import guessing
from earmark.planning import clip_index, data_source
from earmark.planning.data_source import Source
from earmark.runtime.errors import EarmarkError

TABLES = ("train", "test", "listed")


class Planned:
    """A data set, and the results and the cache of the runs that are planned with it."""

    def __init__(self, base: Path, made: TinySet) -> None:
        self.made = made
        self.results, self.cache = base / "results/set", base / ".snakemake/earmark/set.json"

    def update(self, folder: Path | None = None, dry_run: bool = False) -> None:
        """What the main process does at each start, and when a run begins."""
        found = guessing.layout_of(folder or self.made.folder)
        clip_index.update(found, self.results, self.cache.parent)
        data_source.linked_layout(Source("set", "folder", found, []), self.results, True)
        if not dry_run:
            clip_index.note_owner(found.folder, self.results, self.cache.parent)

    def state(self) -> dict[str, tuple[bytes, int]]:
        """Bytes and time of the index's tables."""
        paths = [self.results / f"index/{part}.csv" for part in TABLES]
        return {path.stem: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

    def rows(self, part: str) -> list[dict[str, str]]:
        return read_rows(self.results / f"index/{part}.csv")

    def clip(self, place: int = 0) -> Path:
        return self.made.audio_train / self.made.train[place][0]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """A folder that was looked at, long enough ago for its hashes to be remembered."""
    monkeypatch.setattr(clip_index, "CACHED_FROM_SECONDS", -60.0)
    made = make_set(tmp_path / "set", ["Cello", "Bark"])
    found = Planned(tmp_path, made)
    found.update()
    for path in (found.results / "index").iterdir():
        os.utime(path, ns=(10**18, 10**18))  # any writing would show
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


def touched(planned: Planned) -> None:
    for path in planned.made.folder.rglob("*"):
        os.utime(path, ns=(2 * 10**17, 2 * 10**17))


def with_hidden_and_unlisted_files(planned: Planned) -> None:
    for name in (".hidden.wav", "zz.wav", "folder/zz.wav", ".folder/zz.wav"):
        for audio in (planned.made.audio_train, planned.made.audio_test):
            (audio / name).parent.mkdir(exist_ok=True)
            (audio / name).write_bytes(b"more")


def without_cache(planned: Planned) -> None:
    planned.cache.unlink()


def nothing(planned: Planned) -> None:
    pass


@pytest.mark.parametrize(
    "change",
    [nothing, touched, with_hidden_and_unlisted_files, without_cache],
    ids=lambda change: change.__name__,
)
def test_what_changes_no_clip_writes_nothing(planned: Planned, change: Any) -> None:
    before = planned.state()
    change(planned)
    planned.update()
    assert planned.state() == before


def test_other_labels_change_what_the_lists_say_alone(planned: Planned) -> None:
    before = planned.state()
    rows = [(fname, "Bark", 1) for fname, _, _ in planned.made.train]
    write_rows(planned.made.train_list, TRAIN_HEADER, rows)
    planned.update()
    after = planned.state()
    assert {name for name in TABLES if after[name] != before[name]} == {"listed"}
    found = [(row["clip"], row["label"], int(row["verified"])) for row in planned.rows("listed")]
    assert found == rows


def test_without_test_clips_their_table_goes(planned: Planned) -> None:
    made = planned.made
    assert made.test_list
    made.test_list.unlink()
    shutil.rmtree(made.audio_test)
    planned.update()
    assert {path.name for path in (planned.results / "index").iterdir()} == {
        "train.csv",
        "listed.csv",
    }


def test_an_unchanged_clip_is_not_read_again(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = clip_index.index.hash_all

    def hash_all(folder: Path, files: Any) -> Any:
        read.extend(files)
        return real(folder, files)

    monkeypatch.setattr(clip_index.index, "hash_all", hash_all)
    planned.update()
    assert read == []
    os.utime(planned.clip(3))
    planned.update()
    assert read == [f"audio_train/{planned.clip(3).name}"]


@pytest.mark.parametrize("with_times", [True, False])
@pytest.mark.parametrize("first_is_deleted", [True, False])
def test_a_copied_or_moved_folder_writes_nothing(
    planned: Planned, tmp_path: Path, with_times: bool, first_is_deleted: bool
) -> None:
    before = planned.state()
    copy = tmp_path / "elsewhere" / "set"
    shutil.copytree(
        planned.made.folder, copy, copy_function=shutil.copy2 if with_times else shutil.copyfile
    )
    if first_is_deleted:
        shutil.rmtree(planned.made.folder)
    planned.update(copy)
    assert planned.state() == before
    assert (planned.results / "source").resolve() == copy
    # From now on the copy is the folder of these results, and its edits count.
    (copy / "audio_train" / planned.clip().name).write_bytes(b"other")
    planned.update(copy)
    assert planned.state()["train"] != before["train"]
    assert planned.state()["test"] == before["test"]


def test_a_folder_that_was_moved_and_then_edited(planned: Planned, tmp_path: Path) -> None:
    moved = planned.made.folder.rename(tmp_path / "moved")
    (moved / "audio_train" / planned.clip().name).write_bytes(b"other")
    planned.update(moved)
    assert planned.rows("train")[0]["bytes"] == "5"


def test_another_folder_of_the_same_name_is_refused(planned: Planned, tmp_path: Path) -> None:
    before = planned.state()
    other = make_set(tmp_path / "other" / "set", ["Cello", "Bark"], seed=1)
    for _ in range(2):  # a refusal changes nothing
        with pytest.raises(EarmarkError) as caught:
            planned.update(other.folder)
        for part in (planned.made.folder, other.folder, planned.results, "name: another_name"):
            assert str(part) in str(caught.value)
        assert planned.state() == before
    planned.update()
    assert planned.state() == before
    # Without results there is nothing to mix up.
    shutil.rmtree(planned.results)
    planned.update(other.folder)
    assert [row["clip"] for row in planned.rows("test")] == other.test


def test_a_dry_run_with_a_copy_leaves_the_results_with_their_owner(
    planned: Planned, tmp_path: Path
) -> None:
    shutil.copytree(planned.made.folder, tmp_path / "copy/set")
    planned.update(tmp_path / "copy/set", dry_run=True)
    planned.clip().write_bytes(b"other")
    planned.update()
    assert planned.rows("train")[0]["bytes"] == "5"


def test_a_changed_clip_changes_its_row_alone(planned: Planned) -> None:
    before, rows = planned.state(), planned.rows("train")
    planned.clip(2).write_bytes(b"other")
    planned.update()
    changed = [new for new, row in zip(planned.rows("train"), rows, strict=True) if new != row]
    assert [row["clip"] for row in changed] == [planned.clip(2).name]
    assert changed[0]["bytes"] == "5"
    assert planned.state()["test"] == before["test"]


def test_there_and_back_gives_the_first_bytes(planned: Planned) -> None:
    first, content = planned.state()["train"][0], planned.clip().read_bytes()
    planned.clip().write_bytes(content[::-1])
    planned.update()
    assert planned.state()["train"][0] != first
    planned.clip().write_bytes(content)
    planned.update()
    assert planned.state()["train"][0] == first


def exchange(path: Path, content: bytes) -> None:
    """Other content of the same size and time of modification, as archives may give it."""
    facts = path.stat()
    assert len(content) == facts.st_size
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert path.stat().st_mtime_ns == facts.st_mtime_ns


def hash_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def test_other_content_of_the_same_size_and_time_is_noticed(planned: Planned) -> None:
    content = bytes(planned.clip().stat().st_size)
    exchange(planned.clip(), content)
    planned.update()
    assert planned.rows("train")[0]["hash"] == hash_of(content)


@pytest.mark.parametrize("ahead_seconds", [0, 86_400])
def test_a_clip_that_changes_within_its_time_stamp_is_noticed(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, ahead_seconds: float
) -> None:
    monkeypatch.undo()
    when = time.time_ns() + int(ahead_seconds * 1e9)
    # A clock of coarse ticks: all that is written here is of one time.
    monkeypatch.setattr(clip_index, "_stamp", lambda path: (os.stat(path).st_size, when, "same"))
    for sign in (b"a", b"b", b"c"):
        planned.clip().write_bytes(sign * 100)
        planned.update()
        assert planned.rows("train")[0]["hash"] == hash_of(sign * 100)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b'[{"audio_train/x.wav": "1 2',
        b'{"a.wav": 1}',
        b"[" * 99_999,
    ],
)
def test_a_damaged_cache_is_no_error(planned: Planned, content: bytes) -> None:
    before = planned.state()
    planned.cache.write_bytes(content)
    planned.update()
    assert planned.state() == before
    names = {f"audio_train/{fname}" for fname, _, _ in planned.made.train}
    names |= {f"audio_test/{fname}" for fname in planned.made.test}
    assert set(json.loads(planned.cache.read_text())) == names


def test_an_index_that_was_deleted_or_changed_is_written_anew(planned: Planned) -> None:
    before = {part: content for part, (content, _) in planned.state().items()}
    for content in (None, b"", b"\xff\xfe", before["train"][:-20]):
        path = planned.results / "index/train.csv"
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        planned.update()
        assert {part: content for part, (content, _) in planned.state().items()} == before


def test_two_folders_at_different_paths_give_equal_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("one", "an/other"):
        made = make_set(tmp_path / name / "set", ["Cello", "Bark"], empty_test_clips=1)
        (made.audio_train / made.train[0][0]).unlink()
        planned = Planned(tmp_path / name, made)
        planned.update()
        found.append({part: content for part, (content, _) in planned.state().items()})
    assert found[0] == found[1]
    assert str(tmp_path).encode() not in found[0]["train"]


def test_copies_are_told_each_time_and_unlisted_files_when_clips_change(
    planned: Planned, told: Any
) -> None:
    (planned.made.audio_test / planned.made.test[0]).write_bytes(planned.clip().read_bytes())
    with_hidden_and_unlisted_files(planned)
    planned.update()
    assert "1 test clips have the same content as a train clip" in told.text
    assert told.text.count("2 files in") == 2
    told.clear()
    planned.update()
    assert "1 test clips have the same content as a train clip" in told.text
    assert "2 files in" not in told.text


def test_labels_of_another_list_are_refused_too(planned: Planned, tmp_path: Path) -> None:
    shutil.copytree(planned.made.folder, tmp_path / "copy/set")
    rows = [(fname, "Bark", verified) for fname, _, verified in planned.made.train]
    write_rows(tmp_path / "copy/set/train.csv", TRAIN_HEADER, rows)
    with pytest.raises(EarmarkError, match="different clips or labels"):
        planned.update(tmp_path / "copy/set")


def test_a_dry_run_of_snakemake_writes_the_index_and_a_refusal_is_its_sentence(
    tmp_path: Path,
) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], sound=False)
    overlay = {"dataset": str(made.folder)}
    target = "results/set/clips/train.csv"
    found = plan(tmp_path / "run", target, overlay=overlay)
    assert found.code == 0, found.text
    assert found.counts == {"inspect_clips": 1}
    rows = read_rows(tmp_path / "run/results/set/index/train.csv")
    assert [row["clip"] for row in rows] == [fname for fname, _, _ in made.train]
    # As a run would.
    clip_index.note_owner(made.folder, Path("results/set"), tmp_path / "run" / clip_index.CACHE)
    other = make_set(tmp_path / "other/set", ["Cello", "Bark"], sound=False, seed=1)
    found = plan(tmp_path / "run", target, overlay={"dataset": str(other.folder)})
    assert found.code != 0
    assert f"from the clips in {made.folder}, but {other.folder} contains different" in found.text
    assert "Traceback" not in found.text


def test_the_sounds_to_tag_are_all_sound_files_below_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_index, "CACHED_FROM_SECONDS", -60.0)
    folder, results = tmp_path / "heard", tmp_path / "results/set"
    for name in ("b.wav", "sub/Ä, 1.FLAC", "sub/deep/a.mp3", ".hidden.wav", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    cache = tmp_path / "cache"
    clip_index.update_sounds(folder, results, cache)
    table = results / "index/sounds.csv"
    rows = read_rows(table)
    assert [row["clip"] for row in rows] == ["b.wav", "sub/deep/a.mp3", "sub/Ä, 1.FLAC"]
    for row in rows:
        content = f"content of {row['clip']}".encode()
        hashed = hashlib.blake2b(content, digest_size=16).hexdigest()
        assert (row["file"], row["start"], row["end"]) == (row["clip"], "", "")
        assert (row["bytes"], row["hash"]) == (str(len(content)), hashed)
    # Neither files that are no sounds nor a copy elsewhere change a thing; nothing is read again.
    os.utime(table, ns=(10**18, 10**18))
    (folder / "more.txt").write_text("x")
    with monkeypatch.context() as patched:
        patched.setattr(clip_index.index, "hash_all", lambda folder, files: [] if not files else 1)
        clip_index.update_sounds(folder, results, cache)
    shutil.copytree(folder, tmp_path / "copy")
    clip_index.update_sounds(tmp_path / "copy", results, cache)
    assert table.stat().st_mtime_ns == 10**18
    # Another folder takes the first one's place.
    (tmp_path / "other").mkdir()
    (tmp_path / "other/c.ogg").write_text("c")
    clip_index.update_sounds(tmp_path / "other", results, cache)
    assert [row["clip"] for row in read_rows(table)] == ["c.ogg"]


@pytest.mark.parametrize("name", ["notes.txt", "a\nb.wav", os.fsdecode(b"\xff.wav")])
def test_sounds_that_are_none_and_names_that_tables_cannot_hold(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(EarmarkError, match=r"no sound files|1 files.*Rename"):
        clip_index.update_sounds(tmp_path, tmp_path / "results/set", tmp_path / "cache")
