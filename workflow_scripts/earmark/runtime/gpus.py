"""How many GPUs there are, and which of them a job takes. Without torch, which starts slowly."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

# Held until this process ends.
_CLAIMS: list[FileLock] = []


def count(driver: Path = Path("/proc/driver/nvidia/gpus")) -> int:
    """Number of NVIDIA GPUs on this machine that CUDA_VISIBLE_DEVICES leaves visible."""
    installed = len(list(driver.iterdir())) if driver.is_dir() else 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return installed
    # As CUDA does it: what follows an invalid entry does not count.
    named = itertools.takewhile(lambda name: name not in ("", "-1"), visible.split(","))
    return min(installed, len(list(named)))


def claim(names: Sequence[str], folder: Path | None = None) -> int:
    """Return the index in ``names`` of a device that the fewest other processes have claimed.

    ``names`` tell devices apart on this machine, and ``folder`` is where all processes that share
    them look (one per user among the temporary files). A claim is a locked file, so it ends with
    its process, however that ends. No job waits: with more jobs than devices, several share one.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"earmark_gpus_{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    for layer in itertools.count():
        for index, name in enumerate(names):
            lock = FileLock(folder / f"{name}.{layer}.lock", timeout=0)
            with contextlib.suppress(Timeout):
                lock.acquire()
                _CLAIMS.append(lock)
                return index
    raise AssertionError("some layer is always free")
