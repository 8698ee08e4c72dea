"""File systems without locks: told once, and the work goes on."""

import errno
import fcntl
import os
from pathlib import Path

import pytest
from archive_server import Server, assert_complete, get
from filelock import Timeout

from earmark.runtime import gpus, locks

# How file systems say it; the last is the kernel's own ENOTSUPP, which Python has no name for.
# Of files of others that may be read only, Python says EPERM.
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO, errno.EPERM, 524)


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("number", NO_LOCKS)
def test_where_files_cannot_be_locked_one_warning_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    refuse(monkeypatch, number)
    entered = 0
    for name in ("one.lock", "other.lock"):
        with locks.locked(tmp_path / name, "run it once."):
            entered += 1
    assert entered == 2
    assert caplog.text.count("Files cannot be locked in") == 1
    assert str(tmp_path) in caplog.text
    assert "run it once." in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_or_read_only_stays_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(OSError, match=os.strerror(number)):
        locks.acquire(locks.file_lock(tmp_path / "lock"), "run it once.")


def test_a_folder_that_cannot_be_made_stays_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"directory|exists"):
        locks.acquire(locks.file_lock(tmp_path / "file" / "lock"), "run it once.")


def test_a_lock_that_another_holds_is_no_missing_one(tmp_path: Path) -> None:
    with locks.locked(tmp_path / "lock", "run it once."):
        other = locks.file_lock(tmp_path / "lock")
        with pytest.raises(Timeout):
            locks.acquire(other, "run it once.", 0)
    assert locks.acquire(other, "run it once.", 0)
    other.release()


def test_without_locks_jobs_still_spread_over_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(monkeypatch, errno.ENOLCK)
    taken = []
    for process in (100, 101, 102, 103):
        monkeypatch.setattr(os, "getpid", lambda number=process: number)
        taken.append(gpus.claim(["a", "b"], tmp_path))
    assert sorted(taken) == [0, 0, 1, 1]
    assert "Files cannot be locked" in caplog.text


@pytest.mark.usefixtures("small_chunks")
def test_without_locks_a_data_set_is_fetched(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse(monkeypatch, 524)
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert "Files cannot be locked" in caplog.text
