"""Checkpoints of training: written atomically, valid only for the same settings and data, locked.

A checkpoint lies beside a job's declared outputs (Snakemake deletes those when a job fails) and is
removed when the job is done. It has tensors and plain values only.
"""

import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from earmark.runtime import locks
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import FailSafeFile, atomic_file, write_error

log = logging.getLogger("earmark")

WITHOUT_LOCKS = "make sure that no two runs train the same model at once."


class Checkpoint:
    """One training's checkpoint, to be used within ``locked``: one process trains a model.

    ``fingerprint`` stands for settings, code and data: a checkpoint with another one is not loaded.
    ``patience_seconds``: how long to wait for another process that trains the model.
    """

    def __init__(self, path: str | Path, fingerprint: str, patience_seconds: float = 600.0) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint
        self.patience_seconds = patience_seconds

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the checkpoint for the block; on success remove it.

        Raises EarmarkError when another process does not release the lock in time.
        """
        lock = locks.file_lock(self.path.with_suffix(".lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire(lock)
        except OSError as problem:
            raise write_error(lock.lock_file, problem) from problem
        try:
            yield
            self.path.unlink(missing_ok=True)
            locks.remove(lock)
        finally:
            lock.release()

    def _acquire(self, lock: FileLock) -> None:
        try:
            locks.acquire(lock, WITHOUT_LOCKS, 0)
        except Timeout:
            log.warning(
                "Another process is training %s, perhaps a job of an earlier run, here or on "
                "another machine: waiting for it for up to %.0f s.",
                self.path.parent,
                self.patience_seconds,
            )
            try:
                locks.acquire(lock, WITHOUT_LOCKS, self.patience_seconds, 0.2)
            except Timeout:
                raise EarmarkError(
                    f"Another process is still training {self.path.parent}: it holds "
                    f"{lock.lock_file}. Wait until it is done, or end it (it saves its progress), "
                    f"then run again."
                ) from None

    def save(self, state: dict[str, Any]) -> None:
        """Write ``state`` so that a kill at any moment leaves the old or the new one."""
        with atomic_file(self.path) as temporary, FailSafeFile(temporary) as file:
            torch.save({"fingerprint": self.fingerprint, **state}, file)
            file.check()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state; None (and a log line) if there is none that fits."""
        if not self.path.exists():
            return None
        try:
            # torch does not look at its file's checksums.
            with zipfile.ZipFile(self.path) as parts:
                if damaged := parts.testzip():
                    raise ValueError(f"the checksum of {damaged} is wrong")
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as problem:  # a damaged file must not stop the run that can redo it
            log.warning("The checkpoint %s is damaged (%s): starting over.", self.path, problem)
            return None
        if state.pop("fingerprint", None) != self.fingerprint:
            log.info("Ignored the checkpoint %s of other code, settings or data.", self.path)
            return None
        return state
