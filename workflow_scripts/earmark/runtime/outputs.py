"""Output files that appear under their name only when they are complete and on the disk.

Whatever stops the writing (a full disk, a quota, a read-only folder, a kill) leaves the file that
was there before, or none.
"""

import contextlib
import errno
import glob
import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from earmark.runtime.errors import EarmarkError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Only a write can fail like this, whatever file the error names.
WRITE_ERRNOS = NO_ROOM | {errno.EROFS}
# Errors of fsync on file systems that do not support it.
NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` on success and goes away on failure.

    Temporary files of the same ``path`` that killed processes of this machine left behind go away
    too. Raises EarmarkError when ``path`` cannot be written; other errors of the block pass
    unchanged.
    """
    path = Path(path)
    # Jobs on several machines may share the folder, and know each other's processes by host only.
    prefix = f".{path.name}.{socket.gethostname()}."
    temporary = path.with_name(f"{prefix}{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path.parent, prefix)
    except OSError as problem:
        raise write_error(path, problem) from problem
    try:
        yield temporary
        _fsync(temporary)
        os.replace(temporary, path)
    except OSError as problem:
        if problem.errno in WRITE_ERRNOS or str(temporary) in str(problem):
            raise write_error(path, problem) from problem
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write a file in UTF-8, with the bytes of odd file names, by ``atomic_file``."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def check_kept(path: Path) -> None:
    """Raise EarmarkError if a file of people's work lies below results/."""
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath("results")):
        raise EarmarkError(
            f"The corrections {path} are below results/, which may be deleted at any time; "
            f"people's work must not be. Write another place, for example in corrections/."
        )


def check_folder(path: str | Path) -> None:
    """Raise EarmarkError if ``path``, or a folder above it, is a file or a link to no folder."""
    if obstacle := _obstacle(Path(path)):
        raise EarmarkError(obstacle)


def _obstacle(path: Path) -> str:
    """What keeps the folder ``path`` from being one, or nothing."""
    for folder in reversed([path, *path.parents]):
        if not os.path.lexists(folder) or os.path.isdir(folder):
            continue
        if folder.is_symlink():
            return (
                f"{folder} is a link to {os.readlink(folder)}, where there is no folder. Mount its "
                f"disk or make that folder, or remove the link."
            )
        return f"{folder} is a file, but should be a folder. Move it elsewhere."
    return ""


def write_error(path: str | Path, problem: OSError) -> EarmarkError:
    """The error, to be raised, that says why ``path`` cannot be written and what to do."""
    if obstacle := _obstacle(Path(path).parent):
        return EarmarkError(f"The output {path} cannot be written. {obstacle}")
    if problem.errno in NO_ROOM:
        advice = "Free disk space there, then run the same command again"
    else:
        advice = (
            "Make its folder writable, remove the file or folder of that name if there is one, or "
            "write to another folder: `snakemake --directory`, or `-o` of `earmark`"
        )
    # The system's message alone: libraries add file positions and addresses.
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    return EarmarkError(f"The output {path} cannot be written ({reason}). {advice}.")


class FailSafeFile(io.FileIO):
    """A new file for libraries that do not survive a failed write: it keeps the first error.

    On a full disk HDF5 crashes the process when it closes the file, and torch loses the reason.
    So writes after the first failure seem to succeed, and ``check`` raises the error.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "w+")
        self._failure: OSError | None = None

    def check(self) -> None:
        """Raise the OSError of the first failed write, if there was one."""
        if self._failure:
            raise self._failure

    def write(self, content: Any) -> int:
        """Write all of ``content``, bytes or the like; return the number of bytes."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        with self._keeping_failure():
            while rest and not self._failure:
                # A disk that becomes full takes a part first.
                rest = rest[super().write(rest) :]
        return size

    def readinto(self, buffer: Any) -> int:
        """Fill all of ``buffer``: behind the end there are zeros, as in a file with holes."""
        view = memoryview(buffer).cast("B")
        size = len(view)
        while view and (count := super().readinto(view)):
            view = view[count:]
        view[:] = bytes(len(view))
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the size, as far as the disk allows."""
        with self._keeping_failure():
            return super().truncate(size)
        return self.tell() if size is None else size

    @contextmanager
    def _keeping_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            self._failure = OSError(problem.errno, problem.strerror, str(self.name))


def _fsync(path: Path) -> None:
    """Wait until the content is on the disk.

    Otherwise the file could be empty after a power cut. On network file systems this is also where
    a full disk is noticed.
    """
    try:
        # Windows syncs no file that is open for reading alone.
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    except OSError as problem:
        if problem.errno not in NO_SYNC:
            raise OSError(problem.errno, problem.strerror, str(path)) from problem


def _remove_stale(folder: Path, prefix: str) -> None:
    """Remove the files ``prefix``PID.tmp of processes that have ended, if permitted."""
    for path in folder.glob(f"{glob.escape(prefix)}*.tmp"):
        pid = path.name.removeprefix(prefix).removesuffix(".tmp")
        with contextlib.suppress(OSError):
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                path.unlink()
