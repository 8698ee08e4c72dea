"""Locks that a killed Snakemake leaves in its working folder, cleared when the next one starts.

Snakemake notes in ``.snakemake/locks`` which files a run works on, and removes the note when it
ends; after SIGKILL or a power cut it stays, and every further run is refused until somebody calls
``--unlock``. A lock of the operating system, which ends with its process, tells the two apart.
"""

import atexit
import logging
import os
import platform
import shutil
import time
from pathlib import Path

from filelock import FileLock, Timeout

from earmark.runtime import outputs

log = logging.getLogger("earmark")

# Snakemake's notes on a small run.
ROOM_BYTES = 64 * 1024


def enter(state: Path) -> FileLock:
    """Note that this process runs Snakemake here, and clear what killed ones left behind.

    ``state`` is the folder ``.snakemake``. The note holds as long as the returned lock is kept.
    Nothing is cleared while another run is alive, or when one from another machine may be: not
    every shared file system tells machines about each other's locks. Raises EarmarkError when the
    folder cannot be written.
    """
    notes = state / "earmark_runs"
    note = notes / f"{platform.node()}.{os.getpid()}.{time.time_ns()}"
    try:
        notes.mkdir(parents=True, exist_ok=True)
        _try_room(notes)
        own = FileLock(note, timeout=0)
        own.acquire()
    except OSError as problem:
        raise outputs.unwritable(state.resolve(), problem) from problem
    atexit.register(_leave, own)
    others = [path for path in notes.iterdir() if path != Path(own.lock_file)]
    ended = [path for path in others if _has_ended(path)]
    locks = state / "locks"
    if not locks.is_dir() or not any(locks.iterdir()):
        # Whatever run of another machine it was, it holds nothing. One of this machine that is
        # alive may be about to.
        ended += [path for path in others if not _is_from_here(path)]
    elif len(ended) == len(others):
        log.warning("A run here was killed: its locks on output files are removed.")
        shutil.rmtree(locks)
    for path in ended:
        path.unlink(missing_ok=True)
    return own


def _try_room(folder: Path) -> None:
    """Raise OSError when there is no room for what Snakemake itself writes in its folder."""
    trial = folder / f"{platform.node()}.{os.getpid()}.trial"
    try:
        trial.write_bytes(bytes(ROOM_BYTES))
    finally:
        trial.unlink(missing_ok=True)


def _leave(own: FileLock) -> None:
    own.release()
    Path(own.lock_file).unlink(missing_ok=True)


def _is_from_here(note: Path) -> bool:
    return note.name.startswith(f"{platform.node()}.")


def _has_ended(note: Path) -> bool:
    if not _is_from_here(note):
        return False
    try:
        with FileLock(note, timeout=0):
            return True
    except Timeout:
        return False
