"""CSV files in and out: checked columns, no half-written files."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from earmark import csv_files
from earmark.errors import EarmarkError


def read_table(path: str | Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """Read a CSV as text, with the strictness and the errors of ``csv_files.read``.

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    """
    found = csv_files.read(path, columns, what)
    return pd.DataFrame(found.rows, columns=found.columns, dtype=str)


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV (no index, LF line ends) that appears only when it is whole."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


# A full disk or quota, and a file system that is read-only: wherever the write failed.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


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
        raise _unwritable(path, problem) from problem
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as problem:
        if problem.errno in NO_ROOM or str(temporary) in str(problem):
            raise _unwritable(path, problem) from problem
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


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


def _unwritable(path: Path, problem: OSError) -> EarmarkError:
    return EarmarkError(
        f"The output {path} cannot be written ({problem}). Make room for it and its folder "
        f"writable, or run in another folder with `snakemake --directory`."
    )
