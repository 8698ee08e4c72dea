"""Locks on files, which some file systems lack: those of networks and containers."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from earmark.runtime.outputs import WRITE_ERRNOS

log = logging.getLogger("earmark")


def file_lock(path: Path) -> FileLock:
    """A lock that ends with its process; never one that is a file, which a kill leaves behind."""
    return FileLock(path, fallback_to_soft=False)


def acquire(lock: FileLock, advice: str, timeout: float = -1, poll_seconds: float = 0.05) -> bool:
    """Acquire ``lock``; return False, with one warning, where files cannot be locked.

    ``advice`` says in the warning what to look after then. Raises Timeout after ``timeout`` seconds
    (negative: never), and OSError where the folder cannot be made, is full or read-only.
    """
    try:
        lock.acquire(timeout, poll_interval=poll_seconds)
    except Timeout:
        raise
    except OSError as problem:
        folder = Path(lock.lock_file).parent
        if problem.errno in WRITE_ERRNOS or not folder.is_dir():
            raise
        _warn(folder, str(problem), advice)
        return False
    return True


def remove(lock: FileLock) -> None:
    """Remove the file of a lock that is held; Windows does so itself when it is released."""
    with contextlib.suppress(PermissionError):
        Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def locked(path: Path, advice: str, timeout: float = -1) -> Iterator[FileLock]:
    """Hold the lock ``path`` for the block, where files can be locked; as ``acquire``."""
    lock = file_lock(path)
    acquire(lock, advice, timeout)
    try:
        yield lock
    finally:
        lock.release()


@cache
def _warn(folder: Path, problem: str, advice: str) -> None:
    """Warn once in each process: every training asks for its locks."""
    log.warning("Files cannot be locked in %s (%s): %s", folder, problem, advice)
