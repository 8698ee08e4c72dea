"""How many GPUs there are, and which of them a job takes. Without torch, which starts slowly."""

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from earmark.runtime import locks

# Held until this process ends.
_CLAIMS: list[FileLock] = []


def count(driver: Path = Path("/proc/driver/nvidia/gpus")) -> int:
    """Number of NVIDIA GPUs on this machine that CUDA_VISIBLE_DEVICES leaves visible."""
    if driver.is_dir():
        installed = len(list(driver.iterdir()))
    elif program := shutil.which("nvidia-smi"):  # Windows, also Linux in it
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)
        installed = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    else:
        installed = 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return installed
    # As CUDA does it: what follows an invalid entry does not count.
    valid = itertools.takewhile(lambda name: name not in ("", "-1"), visible.split(","))
    return min(installed, len(list(valid)))


def claim(names: Sequence[str], folder: Path | None = None) -> int:
    """Return the index in ``names`` of a device that the fewest other processes have claimed.

    ``names`` tell devices apart on this machine, and ``folder`` is where all processes that share
    them keep lock files (one per user among the temporary files). A claim is a lock and ends with
    its process. No claim waits: with more processes than devices, several share one. Where files
    cannot be locked, the number of this process decides.
    """
    # Windows has no numbers of users, but temporary files of each.
    folder = folder or Path(tempfile.gettempdir()) / f"earmark_gpus_{getattr(os, 'getuid', int)()}"
    folder.mkdir(parents=True, exist_ok=True)
    for sharing_level in itertools.count():
        for index, name in enumerate(names):
            lock = locks.file_lock(folder / f"{name}.{sharing_level}.lock")
            with contextlib.suppress(Timeout):
                if not locks.acquire(lock, "jobs may share a GPU while others are free.", 0):
                    return os.getpid() % len(names)
                _CLAIMS.append(lock)
                return index
    raise AssertionError("some sharing level is always free")
