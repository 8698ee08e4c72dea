"""Full disks, folders that cannot be written, damaged files, two runs at once: one sentence each,
and the same command again gives what an undisturbed run gives.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

import bad_files
import pytest
from bad_files import KINDS
from corpus import Kind
from small_disk import mount, resize, unmount
from tiny import snakemake, start_snakemake
from tiny_run import Run

from earmark.runtime.errors import EarmarkError

SUBMISSION = "submission.csv"
FEATURES = Path("results/four/features/log_mel/train.h5")
MODEL = "results/four/models/cnn_logmel/seed1/fold0/weights.safetensors"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_sentence_tells_what_is_wrong(
    kind: Kind, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "earmark")
    try:
        kind.spoil(tmp_path)
        told = caplog.text
    except EarmarkError as problem:
        told = str(problem)
    assert kind.expected in told, told
    assert str(tmp_path) in told or kind.expected == "Lower the recipe's learning_rate"
    assert len(told.strip().splitlines()) == 1
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("name", bad_files.WRITERS)
def test_what_was_there_stays_when_the_disk_is_full(name: str, tmp_path: Path) -> None:
    with bad_files.small(tmp_path, bad_files.KILOBYTES):
        (tmp_path / name).write_bytes(b"before")
        with pytest.raises(EarmarkError, match="Free disk space"):
            bad_files.WRITERS[name](tmp_path / name)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_bytes() == b"before"


@pytest.mark.parametrize("name", bad_files.WRITERS)
def test_with_room_the_same_bytes_are_written_each_time(name: str, tmp_path: Path) -> None:
    for part in ("first", "second"):
        bad_files.WRITERS[name](tmp_path / part / name)
    first, second = ((tmp_path / part / name).read_bytes() for part in ("first", "second"))
    assert first == second


def test_a_reader_needs_no_lock(tmp_path: Path) -> None:
    # As a notebook that has the file open does, or a file system that has no locks.
    path = tmp_path / "latents.h5"
    bad_files.latents(path)
    held = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); "
    other = subprocess.Popen(
        [sys.executable, "-c", held + "print(flush=True); input()", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout
        other.stdout.readline()
        found = bad_files.store.read_vectors(path, bad_files.NAMES)
        bad_files.latents(path)
    finally:
        other.communicate(b"\n", timeout=30)
    assert found.shape == (60, 400)


def outcome(directory: Path) -> dict[str, bytes]:
    """All results but the times that jobs took."""
    files = [directory / SUBMISSION, *(directory / "results").rglob("*")]
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in files
        if path.is_file() and "benchmarks" not in path.parts and "tfevents" not in path.name
    }


def assert_as_undisturbed(directory: Path, finished: Run, *targets: str) -> None:
    """All that was made on the way to the targets has the bytes of the finished run."""
    expected, found = outcome(finished.directory), outcome(directory)
    assert found.keys() >= {*targets, MODEL}
    assert [path for path in found if found[path] != expected.get(path)] == []


def failed(directory: Path, finished: Run, *sentences: str) -> None:
    """A run fails, and its output tells these words, without a traceback."""
    code, text = snakemake(directory, SUBMISSION, overlay=finished.overlay)
    assert code != 0, text
    for sentence in sentences:
        assert sentence in text, text
    assert "Traceback" not in text, text
    assert "Logging error" not in text, text
    assert not list((directory).rglob(".*.tmp"))


def test_a_full_disk_then_a_damaged_file_then_the_same_bytes(finished: Run, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    if not mount(directory, "size=40k"):
        pytest.skip("no file system may be mounted here")
    try:
        failed(directory, finished, "trial cannot be written (No space left on device)")
        resize(directory, 300)
        failed(directory, finished, "checkpoint.pt cannot be written (No space left on device)")
        assert not (directory / SUBMISSION).exists()
        resize(directory, 20_000)
        content = (directory / FEATURES).read_bytes()
        facts = (directory / FEATURES).stat()
        (directory / FEATURES).write_bytes(bad_files.flipped(content))
        # As a failing disk does it, without a trace.
        os.utime(directory / FEATURES, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        failed(directory, finished, f"{FEATURES} is missing, damaged", "Delete it")
        (directory / FEATURES).unlink()
        code, text = snakemake(directory, SUBMISSION, overlay=finished.overlay)
        assert code == 0, text
        assert_as_undisturbed(directory, finished, SUBMISSION)
    finally:
        unmount(directory)


def test_a_folder_that_is_read_only_is_told_at_once(finished: Run, tmp_path: Path) -> None:
    with bad_files.read_only(tmp_path / "run"):
        # Started elsewhere: the overlay cannot be written here either.
        code, text = snakemake(
            tmp_path / "elsewhere",
            SUBMISSION,
            *("--directory", str(tmp_path / "run")),
            overlay=finished.overlay,
        )
    assert code != 0
    assert "cannot be written" in text, text
    assert "Traceback" not in text, text


def test_two_runs_in_one_folder_and_one_beside_them(finished: Run, tmp_path: Path) -> None:
    # All of the same data set.
    folders = [tmp_path / "one", tmp_path / "one", tmp_path / "other"]
    runs = [start_snakemake(each, MODEL, overlay=finished.overlay) for each in folders]
    *texts, beside = [run.communicate(timeout=900)[0] for run in runs]
    done = [run.returncode == 0 for run in runs]
    assert done[2], beside
    assert any(done[:2]), texts
    # If both start in the same instant, neither sees the other's locks: then trainings hand over.
    refused = ("cannot be locked", "Stopped by another process")
    for text, good in zip(texts, done, strict=False):
        assert good or (any(why in text for why in refused) and "Traceback" not in text), text
    for folder in folders[1:]:
        assert_as_undisturbed(folder, finished)
