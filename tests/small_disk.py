"""Support for tests of full and read-only disks: a small tmpfs, or what comes closest to it.

Root may mount one. For others the limit of a file's size, which the system keeps in the same way,
stands in for the disk's.
"""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(folder: Path, *options: str) -> bool:
    """Mount a tmpfs at ``folder`` (it is made), if that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def resize(folder: Path, kilobytes: int) -> None:
    """Give the tmpfs at ``folder`` another size, and all that is in it stays."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


def unmount(folder: Path) -> None:
    # Lazily: what a failed test has left open must not keep it.
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def small(folder: Path, kilobytes: int) -> Iterator[bool]:
    """For the block ``folder`` is a disk of that size; False: no file may be larger than that."""
    if mount(folder, f"size={kilobytes}k"):
        try:
            yield True
        finally:
            unmount(folder)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, hard))
    try:
        yield False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """For the block nothing can be written to ``folder``, which is empty."""
    if mount(folder, "ro"):
        try:
            yield
        finally:
            unmount(folder)
        return
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere, and no file system may be mounted here")
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)
