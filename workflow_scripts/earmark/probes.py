"""What trains a network fastest on this machine: probed once, then remembered.

Ways to compute the same thing differ in the last bits of their sums. So that a rerun on the same
machine gives the same result whatever the timer says, the first probe's answer is kept in the
user's cache folder (``$XDG_CACHE_HOME/earmark`` or ``~/.cache/earmark``), as other tuners do.
"""

import hashlib
import json
import logging
import math
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor, nn

from earmark.hardware import Hardware
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import whole_file

log = logging.getLogger("earmark")

# The fastest answer, and the milliseconds of each; None if the probe could not be made.
Finding = tuple[str, dict[str, float]] | None


@dataclass(frozen=True)
class Question:
    """What is asked: the name of it, the possible answers, the config line that settles it."""

    name: str
    answers: tuple[str, ...]
    remedy: str


def answer(
    question: Question,
    module: nn.Module,
    batch: Tensor,
    hardware: Hardware,
    probe: Callable[[], Finding],
) -> str | None:
    """What ``probe`` found for training steps of ``module`` on ``batch``, now or the first time.

    None, which is not kept, when it could not be made.
    """
    place = Path(f"{_machine_and_task(module, batch, hardware)}.json")
    try:
        place = _cache_folder() / f"{question.name}s" / place
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.with_suffix(".lock"), fallback_to_soft=False)
        lock.acquire()
    except (OSError, RuntimeError) as problem:  # RuntimeError: no home folder
        _warn_of(question, place, problem)
        found = probe()
        return None if found is None else found[0]
    # Jobs that start together would probe together and could disagree: the others wait.
    try:
        known = _read(question, place)
        if known is not None:
            words = question.name.replace("_", " ").capitalize()
            log.info("%s: %s, as probed before (%s).", words, known, place)
            return known
        found = probe()
        if found is None:
            return None
        name, milliseconds = found
        try:
            with whole_file(place) as temporary:
                text = json.dumps({question.name: name, "milliseconds": milliseconds})
                temporary.write_text(text + "\n", encoding="utf-8")
        except (OSError, EarmarkError) as problem:
            _warn_of(question, place, problem)
        return name
    finally:
        lock.release()


def _warn_of(question: Question, place: Path, problem: Exception) -> None:
    log.warning(
        "The probe of %ss cannot be kept in %s (%s): a rerun may choose another one and differ in "
        "the last bits. Write %s under `hardware` to fix it.",
        question.name.replace("_", " "),
        place.parent,
        problem,
        question.remedy,
    )


def milliseconds_of(
    steps: Mapping[str, Callable[[], object]], hardware: Hardware, repeats: int = 5
) -> dict[str, float]:
    """The shortest time of each step, measured in turn."""
    shortest = dict.fromkeys(steps, math.inf)
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            if hardware.device.type == "cuda":
                torch.cuda.synchronize(hardware.device)
            if repeat > 0:  # the first step allocates and picks kernels
                shortest[name] = min(shortest[name], 1000 * (time.perf_counter() - begin))
    return shortest


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "earmark"


def _read(question: Question, place: Path) -> str | None:
    try:
        name = json.loads(place.read_text(encoding="utf-8"))[question.name]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if name in question.answers else None


def _machine_and_task(module: nn.Module, batch: Tensor, hardware: Hardware) -> str:
    """Hash of all that decides which way is faster."""
    on_gpu = hardware.device.type == "cuda"
    told = [
        torch.cuda.get_device_name(hardware.device) if on_gpu else processor(),
        str(torch.__version__),
        torch.get_num_threads(),
        str(hardware.autocast_dtype),
        list(batch.shape),
        str(module),
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="ignore") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
