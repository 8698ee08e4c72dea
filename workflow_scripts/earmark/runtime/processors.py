"""How many processors this process may use, and which. Without torch, which starts slowly."""

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available_processors(system: Path = Path("/")) -> int:
    """Number of processors that this process may use, which containers and clusters limit.

    It is that of the processors it is bound to or, where that is less, the quota of its control
    group or of one above (Linux, version 2; a quota of 1.5 counts as 2). ``system`` is where proc
    and sys lie.
    """
    bindable = hasattr(os, "sched_getaffinity")  # not on macOS
    bound = len(os.sched_getaffinity(0)) if bindable else os.cpu_count() or 1
    return min([bound, *_quotas(system)])


def _quotas(system: Path) -> Iterator[int]:
    try:
        lines = (system / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        if not line.startswith("0::/"):  # groups of version 1
            continue
        group = PurePosixPath(line.removeprefix("0::/"))
        for each in (group, *group.parents):
            try:
                quota, period = (system / "sys/fs/cgroup" / each / "cpu.max").read_text().split()
            except (OSError, ValueError):  # the root of all groups has none
                continue
            if quota != "max":
                yield math.ceil(int(quota) / int(period))


def processor_name() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="ignore") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
