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

from earmark.dataset import layout
from earmark.planning import config, sources
from earmark.runtime.errors import EarmarkError

PARTS = ("train", "test")


class Planned:
    """A data set, and the results and the memory of the runs that are planned with it."""

    def __init__(self, base: Path, made: TinySet) -> None:
        self.made = made
        self.results, self.memory = base / "results/set", base / ".snakemake/earmark/set.json"

    def update(self, folder: Path | None = None, runs: bool = True) -> None:
        """What the main process does at each start; ``runs``: of a run, not of a dry run."""
        found = layout.find_layout(folder or self.made.folder)
        sources.update_index(found, self.results, self.memory)
        sources.link(found, self.results, is_main=True)
        if runs:
            sources.claim(found, self.memory)

    def state(self) -> dict[str, tuple[bytes, int]]:
        """Bytes and time of the indices."""
        paths = [self.results / f"index/{part}.csv" for part in PARTS]
        return {path.stem: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

    def rows(self, part: str) -> list[dict[str, str]]:
        return read_rows(self.results / f"index/{part}.csv")

    def clip(self, place: int = 0) -> Path:
        return self.made.audio_train / self.made.train[place][0]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """A folder that was looked at, long enough ago for its hashes to be remembered."""
    monkeypatch.setattr(sources, "SETTLED_SECONDS", -60.0)
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


def with_other_labels(planned: Planned) -> None:
    rows = [(fname, label, 1) for fname, label, _ in planned.made.train]
    write_rows(planned.made.train_list, TRAIN_HEADER, rows)


def without_memory(planned: Planned) -> None:
    planned.memory.unlink()


def nothing(planned: Planned) -> None:
    pass


@pytest.mark.parametrize(
    "change",
    [nothing, touched, with_hidden_and_unlisted_files, with_other_labels, without_memory],
    ids=lambda change: change.__name__,
)
def test_what_changes_no_clip_writes_nothing(planned: Planned, change: Any) -> None:
    before = planned.state()
    change(planned)
    planned.update()
    assert planned.state() == before


def test_a_remembered_clip_is_not_read_again(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = sources.index.hash_all

    def hash_all(folder: Path, files: Any) -> Any:
        read.extend(files)
        return real(folder, files)

    monkeypatch.setattr(sources.index, "hash_all", hash_all)
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
    for _ in range(2):  # a refusal is not remembered
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


def test_a_dry_run_makes_no_other_folder_the_owner(planned: Planned, tmp_path: Path) -> None:
    planned.update()
    before = planned.state()
    copy = tmp_path / "copy" / "set"
    shutil.copytree(planned.made.folder, copy)
    planned.update(copy, runs=False)
    (copy / "audio_test" / planned.made.test[0]).write_bytes(b"edited")
    with pytest.raises(EarmarkError, match="of the clips in"):
        planned.update(copy, runs=False)
    planned.update()
    assert planned.state() == before


def test_results_of_the_same_clips_by_another_name_are_told(planned: Planned, told: Any) -> None:
    planned.update()
    found = layout.find_layout(planned.made.folder)
    other = planned.results.with_name("renamed")
    sources.update_index(found, other, planned.memory.with_name("renamed.json"))
    assert "`name: set`" in told.text
    told.clear()
    sources.update_index(found, other, planned.memory.with_name("renamed.json"))
    assert told.text == ""


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
    monkeypatch.setattr(sources, "_stamp", lambda path: [path.stat().st_size, when, when])
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
        b"null",
        b"[" * 100_000,
        b'"text"',
        b'{"NAME": 5}',
        b'{"NAME": []}',
        b'{"NAME": [[SIZE, TIME]]}',
        b'{"NAME": [[SIZE, "soon"], "x"]}',
        b'{"NAME": [[SIZE], "x"]}',
        b'{"NAME": [SIZE, TIME]}',
        b'{"NAME": {"0": 1}}',
    ],
)
def test_a_damaged_memory_is_no_error(planned: Planned, content: bytes) -> None:
    before, facts = planned.state(), planned.clip().stat()
    for word, value in (
        (b"NAME", f"audio_train/{planned.clip().name}"),
        (b"SIZE", facts.st_size),
        (b"TIME", facts.st_mtime_ns),
    ):
        content = content.replace(word, str(value).encode())
    planned.memory.write_bytes(content)
    planned.update()
    assert planned.state() == before
    remembered = json.loads(planned.memory.read_text())
    names = {f"audio_train/{fname}" for fname, _, _ in planned.made.train}
    assert set(remembered) == names | {f"audio_test/{fname}" for fname in planned.made.test}


def test_a_memory_that_cannot_be_written_is_told_and_no_error(planned: Planned, told: Any) -> None:
    before = planned.state()
    planned.memory.unlink()
    planned.memory.mkdir()
    planned.update()
    assert planned.state() == before
    assert "Clips are compared anew at each start." in told.text
    planned.clip().write_bytes(b"other")
    planned.update()
    assert planned.rows("train")[0]["bytes"] == "5"


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


def test_what_is_odd_about_clips_is_told_when_they_change(planned: Planned, told: Any) -> None:
    (planned.made.audio_test / planned.made.test[0]).write_bytes(planned.clip().read_bytes())
    with_hidden_and_unlisted_files(planned)
    planned.update()
    assert "1 test clips have the same bytes as a train clip" in told.text
    assert told.text.count("2 files in") == 2
    told.clear()
    planned.update()
    assert told.text == ""


def test_the_link_leads_to_the_data_set_and_gives_it_one_path(tmp_path: Path) -> None:
    results = tmp_path / "results/set"
    found = []
    for name in ("one", "an/other"):
        made = make_set(tmp_path / name / "set", ["Cello"], truth=True, sound=False)
        own = layout.find_layout(made.folder)
        linked = sources.link(own, results, is_main=True)
        assert linked.train_list.samefile(made.train_list)
        assert linked.audio_test.samefile(made.audio_test)
        found.append(linked)
        # A job leaves it as it is.
        assert sources.link(layout.kaggle_layout(tmp_path / "x"), results, is_main=False)
        assert linked.train_list.samefile(made.train_list)
    assert found[0] == found[1]
    assert found[0].test_truth == results / "source/test_post_competition.csv"
    assert sources.link(layout.zenodo_layout(tmp_path), results, True).test_list is None
    # On another machine a job makes it where there is none.
    elsewhere = tmp_path / "elsewhere"
    assert sources.link(own, elsewhere, is_main=False).train_list.samefile(made.train_list)


def test_where_the_link_cannot_be_made_there_is_a_sentence(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello"], sound=False)
    own, results = layout.find_layout(made.folder), tmp_path / "results/set"
    (results / "source").mkdir(parents=True)
    with pytest.raises(EarmarkError, match=r"results/set/source cannot be written.*move away"):
        sources.link(own, results, is_main=True)
    assert [path.name for path in results.iterdir()] == ["source"]


def test_all_times_in_the_future_are_told_at_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_set(tmp_path / "set", ["Cello", "Bark"], truth=True, sound=False)
    (tmp_path / "corrections").mkdir()
    corrections = tmp_path / "corrections/set.csv"
    corrections.write_text("clip,label,decision,previous_label,time\n")
    source = config.source_of({"dataset": str(made.folder)})
    listed = sources.lists_of(source)
    assert made.test_list is not None
    names = {"train.csv", "sample_submission.csv", "test_post_competition.csv", "train_truth.csv"}
    assert {path.resolve() for path in listed} == {
        corrections,
        *(made.folder / name for name in names),
    }
    sources.check_times([*listed, tmp_path / "absent"])
    soon = time.time() + 10  # of a file server
    os.utime(made.train_list, (soon, soon))
    sources.check_times(listed)
    later = time.time() + 1000
    os.utime(made.test_list, (later, later))
    os.utime(corrections, (later, later))
    with pytest.raises(EarmarkError, match="lies in the future") as caught:
        sources.check_times(listed)
    for path in (made.test_list, "corrections/set.csv", "`touch`"):
        assert str(path) in str(caught.value)
    assert str(made.train_list) not in str(caught.value)


def test_without_corrections_there_is_no_such_list(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_set(tmp_path / "set", ["Cello"], sound=False)
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections/other.csv").touch()
    source = config.source_of({"dataset": str(made.folder)})
    assert sources.corrections_of(source) == []
    assert sources.lists_of(source) == [made.train_list, made.test_list]


def test_results_of_the_first_design_are_refused(tmp_path: Path) -> None:
    results = tmp_path / "results/set"
    sources.check_design(results)
    results.mkdir(parents=True)
    (results / "folds.csv").touch()
    sources.check_design(results)
    (results / "manifest.csv").touch()
    with pytest.raises(EarmarkError, match=r"before version 0\.2.*manifest\.csv.*name: another"):
        sources.check_design(results)


def test_a_file_where_a_folder_is_to_be(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    sources.check_folders("results", "logs")
    (tmp_path / "results").write_text("mine")
    with pytest.raises(EarmarkError, match=r"results cannot be written: a file has its name"):
        sources.check_folders("results", "logs")


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
    other = make_set(tmp_path / "other/set", ["Cello", "Bark"], sound=False, seed=1)
    note = tmp_path / "run/.snakemake/earmark/set.folder"
    note.parent.mkdir(exist_ok=True)
    note.write_text(str(made.folder))  # as a run does
    found = plan(tmp_path / "run", target, overlay={"dataset": str(other.folder)})
    assert found.code != 0
    assert f"are of the clips in {made.folder}, and {other.folder} has others" in found.text
    assert "Traceback" not in found.text
