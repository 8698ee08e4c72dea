"""Resume points of training: written whole, tied to what made them, held by one process.

A checkpoint lies beside a job's declared outputs (Snakemake deletes those when a job fails) and is
removed when the job is done. It holds tensors and plain values only.
"""

import contextlib
import hashlib
import json
import logging
import os
import platform
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import SURELY_WRITING, FailSafeFile, unwritable, whole_file

log = logging.getLogger("earmark")

# Files below this size are compared by content, larger ones by size and time.
SMALL_BYTES = 16 * 2**20


def fingerprint(plain: Any, files: Sequence[str | Path]) -> str:
    """Hash of settings (JSON values) and input files: a resumed run must have the same."""
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name in files:
        path = Path(name)
        facts = path.stat()
        if facts.st_size <= SMALL_BYTES:
            digest.update(path.read_bytes())
        else:
            digest.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()


def content_hash(path: str | Path) -> str:
    """Hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


class Checkpoint:
    """One resume point. Use it within ``held`` so that no other process trains the same model.

    ``patience_seconds``: how long to wait for another process that trains it to save and stop.
    """

    def __init__(self, path: str | Path, fingerprint: str, patience_seconds: float = 600.0) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint
        self.patience_seconds = patience_seconds
        self._wish = self.path.with_suffix(".wanted")
        self._holder = self.path.with_suffix(".holder")
        self._next_look = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block; on success remove the checkpoint.

        Who holds it already was left behind by a killed run, here or on another machine of a
        cluster: that one is asked to save and stop, and waited for. Raises EarmarkError when it
        does not within ``patience_seconds``.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise unwritable(self.path, problem) from problem
        lock = FileLock(self.path.with_suffix(".lock"), fallback_to_soft=False)
        with self._acquired(lock):
            # Told to others as well as may be: if it matters that nothing can be written, `save`
            # says so.
            with contextlib.suppress(OSError):
                self._holder.write_text(_this_process(), encoding="utf-8")
            self._wish.unlink(missing_ok=True)
            yield
            if not self._wish.exists():  # who waits can still use it
                self.path.unlink(missing_ok=True)
            self._holder.unlink(missing_ok=True)
            Path(lock.lock_file).unlink(missing_ok=True)

    @contextmanager
    def _acquired(self, lock: FileLock) -> Iterator[None]:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            self._take_over(lock)
        except OSError as problem:
            if problem.errno in SURELY_WRITING:
                raise unwritable(lock.lock_file, problem) from problem
            log.warning(
                "Files cannot be locked in %s (%s): see to it that no two runs train the same "
                "model at once.",
                self.path.parent,
                problem,
            )
        try:
            yield
        finally:
            lock.release()

    def _take_over(self, lock: FileLock) -> None:
        log.warning(
            "Another process (%s) is training %s: waiting for it to save and stop.",
            self.holder(),
            self.path.parent,
        )
        deadline = time.monotonic() + self.patience_seconds
        while not lock.is_locked:
            # Again and again: a holder that has only just begun removes the wish of runs before it.
            try:
                self._wish.write_text(_this_process(), encoding="utf-8")
            except OSError as problem:
                raise unwritable(self._wish, problem) from problem
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=min(2.0, self.patience_seconds), poll_interval=0.2)
            if not lock.is_locked and time.monotonic() > deadline:
                raise EarmarkError(
                    f"Another process ({self.holder()}) is training {self.path.parent} (it holds "
                    f"{lock.lock_file}) and has not stopped for {self.patience_seconds:.0f} s. "
                    f"End it, then run again."
                )

    def holder(self) -> str:
        """Host and process id of who holds the lock."""
        try:
            return self._holder.read_text(encoding="utf-8")
        except OSError:
            return "unknown"

    def wanted(self) -> bool:
        """Whether another process waits for the lock. Looks at the file system once a second."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + 1.0
        return self._wish.exists()

    def save(self, state: dict[str, Any]) -> None:
        """Write ``state`` so that a kill at any moment leaves the old or the new one."""
        with whole_file(self.path) as temporary, FailSafeFile(temporary) as file:
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
            log.info("The checkpoint %s is of other code, settings or data: not used.", self.path)
            return None
        return state


def beside(output: str | Path, plain: Any, files: Iterable[str | Path]) -> Checkpoint:
    """The checkpoint of the job that writes ``output``, tied to settings and input files."""
    return Checkpoint(Path(output).with_name("checkpoint.pt"), fingerprint(plain, list(files)))


def _this_process() -> str:
    return f"{platform.node()}, process {os.getpid()}"
