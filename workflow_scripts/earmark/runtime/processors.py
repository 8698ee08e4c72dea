"""How many processors this process may use, and which. Without torch, which starts slowly."""

import math
import os
import platform
from pathlib import Path


def available_processors(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Number of processors that this process may use, which containers and clusters limit.

    It is that of the processors it is bound to or, where that is less, the quota of its container
    (Linux, control groups of version 2; a quota of 1.5 counts as 2).
    """
    bindable = hasattr(os, "sched_getaffinity")  # not on macOS
    bound = len(os.sched_getaffinity(0)) if bindable else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
    except (OSError, ValueError):
        return bound
    return bound if quota == "max" else min(bound, math.ceil(int(quota) / int(period)))


def processor_name() -> str:
    """The processor's name, as far as the system has it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="ignore").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
