"""Disks that become full: a file system of a few kilobytes, and a limit on files for all else."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory, mounted at ``path``; ``grow`` gives it another size."""

    def __init__(self, path: Path, kilobytes: int) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0755", "earmark")

    def grow(self, kilobytes: int) -> None:
        self._mount("-o", f"remount,size={kilobytes}k")

    def make_read_only(self) -> None:
        self._mount("-o", "remount,ro")

    def remove(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)

    def _mount(self, *options: str) -> None:
        command = ["mount", *options, str(self.path)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            told = getattr(problem, "stderr", "") or str(problem)
            pytest.skip(f"no file system can be mounted here: {told.strip()}")


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[SmallDisk]:
    """A small disk for the block. Skips the test where nothing can be mounted."""
    disk = SmallDisk(path, kilobytes)
    try:
        yield disk
    finally:
        disk.remove()


@contextmanager
def no_room_for_files_above(size: int) -> Iterator[None]:
    """Writes beyond ``size`` bytes of any file of this process fail, as on a full disk.

    Works without any privilege. Python ignores the signal that goes with it.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
