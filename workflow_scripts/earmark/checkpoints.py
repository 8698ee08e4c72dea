"""Resume points of training: written whole, tied to what made them, held by one process.

A checkpoint lies beside a job's declared outputs (Snakemake deletes those when a job fails) and is
removed when the job is done. It holds tensors and plain values only.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from earmark.errors import EarmarkError
from earmark.tables import whole_file

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


class Checkpoint:
    """One resume point. Use it within ``held`` so that no other process trains the same model."""

    def __init__(self, path: str | Path, fingerprint: str) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block; on success remove the checkpoint.

        Raises EarmarkError when another process holds it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self.path.with_suffix(".lock")
        with open(lock_path, "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # One that is just done may have removed the file that we opened: that is no lock.
                held = os.path.samestat(os.fstat(lock.fileno()), os.stat(lock_path))
            except (BlockingIOError, FileNotFoundError):
                held = False
            if not held:
                raise EarmarkError(
                    f"Another process is training {self.path.parent} (it holds {lock_path}), "
                    f"perhaps one that a killed run left behind. Wait for it or end it, then run "
                    f"again."
                )
            yield
            self.path.unlink(missing_ok=True)
            lock_path.unlink(missing_ok=True)

    def save(self, state: dict[str, Any]) -> None:
        """Write ``state`` so that a kill at any moment leaves the old or the new one."""
        with whole_file(self.path) as temporary, open(temporary, "wb") as file:
            torch.save({"fingerprint": self.fingerprint, **state}, file)
            file.flush()
            os.fsync(file.fileno())

    def load(self) -> dict[str, Any] | None:
        """Return the saved state; None (and a log line) if there is none that fits."""
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as problem:  # a damaged file must not stop the run that can redo it
            log.warning("The checkpoint %s is damaged (%s): starting over.", self.path, problem)
            return None
        if state.pop("fingerprint", None) != self.fingerprint:
            log.info("The checkpoint %s is of other code, settings or data: not used.", self.path)
            return None
        return state
