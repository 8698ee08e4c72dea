"""Output files that appear under their name only when they are whole and on the disk.

Whatever stops the writing (a full disk, a quota, a read-only folder, a kill) leaves the file that
was there before, or none.
"""

import contextlib
import errno
import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earmark.runtime.errors import EarmarkError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NAME_TAKEN = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}
# Only a write can fail like this, whatever file the error names.
SURELY_WRITING = NO_ROOM | {errno.EROFS}
# What file systems without such a thing answer to fsync.
NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
# So much is written before the disk is told to begin with it.
BEGIN_BYTES = 1 << 23


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` on success and goes away on failure.

    Temporary files of the same ``path`` that killed processes of this machine left behind go away
    too. Raises EarmarkError when ``path`` cannot be written; other errors of the block pass
    unchanged.
    """
    path = Path(path)
    # Jobs on several machines may share the folder, and know each other's processes by host only.
    begin = f".{path.name}.{socket.gethostname()}."
    temporary = path.with_name(f"{begin}{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path.parent, begin)
    except OSError as problem:
        raise unwritable(path, problem) from problem
    try:
        yield temporary
        _put_on_disk(temporary)
        os.replace(temporary, path)
    except OSError as problem:
        if problem.errno in SURELY_WRITING or str(temporary) in str(problem):
            raise unwritable(path, problem) from problem
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def unwritable(path: str | Path, problem: OSError) -> EarmarkError:
    """The error, to be raised, that says why ``path`` cannot be written and what to do."""
    if problem.errno in NO_ROOM:
        advice = "Make room there, then give the same command again"
    elif problem.errno in NAME_TAKEN:
        advice = (
            "Move away what has its name, or that of its folder, or run in another folder with "
            "`snakemake --directory`"
        )
    else:
        advice = "Make its folder writable, or run in another folder with `snakemake --directory`"
    return EarmarkError(f"The output {path} cannot be written ({_reason(problem)}). {advice}.")


def _reason(problem: OSError) -> str:
    """The system's words alone: libraries add file positions and addresses."""
    return os.strerror(problem.errno) if problem.errno else str(problem)


class Sink(io.FileIO):
    """A new file for libraries that do not survive a failing write: it keeps the first failure.

    On a full disk HDF5 crashes the process when it closes the file, and torch forgets the reason.
    So writes after the first failure seem to succeed, and ``check`` raises what had happened.
    The disk begins while more is written, so that less is left to wait for at the end.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "w+")
        self._failure: OSError | None = None
        self._begun = 0

    def check(self) -> None:
        """Raise the OSError of the first write that failed, if any has."""
        if self._failure:
            raise self._failure

    def write(self, content: Any) -> int:
        """Write all of ``content``, bytes or the like; return how many they are."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        while rest and not self._failure:
            try:
                # A disk that becomes full takes a part first.
                rest = rest[super().write(rest) :]
            except OSError as problem:
                self._keep(problem)
        self._begin(self.tell())
        return size

    def _begin(self, end: int) -> None:
        """Let the disk begin with what lies before ``end``, if that is much and the system can."""
        begin, size = self._begun, end - self._begun
        if size >= BEGIN_BYTES and hasattr(os, "posix_fadvise"):
            self._begun = end
            # Only advice. Linux writes such pages, and keeps what it has yet to write.
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.fileno(), begin, size, os.POSIX_FADV_DONTNEED)

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
        try:
            return super().truncate(size)
        except OSError as problem:
            self._keep(problem)
            return self.tell() if size is None else size

    def _keep(self, problem: OSError) -> None:
        self._failure = OSError(problem.errno, problem.strerror, str(self.name))


def _put_on_disk(path: Path) -> None:
    """Wait until the disk has the content.

    After a power cut a new name could else stand for an empty file. On network file systems this
    is also where a full disk shows.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in NO_SYNC:
            raise OSError(problem.errno, problem.strerror, str(path)) from problem
    finally:
        os.close(descriptor)


def _remove_stale(folder: Path, begin: str) -> None:
    """Remove the files ``begin``PID.tmp of processes that are no more, if allowed to."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            pid = name.removeprefix(begin).removesuffix(".tmp")
            if name == f"{begin}{pid}.tmp" and pid.isdecimal() and not _is_running(int(pid)):
                os.unlink(folder / name)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True
