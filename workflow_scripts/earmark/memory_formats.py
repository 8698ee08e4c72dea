"""The memory format in which a network trains fastest: probed once per machine, then remembered.

Contiguous and channels-last kernels differ in the last bits of their sums. So that a rerun on the
same machine gives the same result whatever the timer says, the first probe's choice is kept in the
user's cache folder (``$XDG_CACHE_HOME/earmark`` or ``~/.cache/earmark``), as other tuners do.
"""

import copy
import hashlib
import json
import logging
import math
import os
import platform
import time
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor, nn

from earmark.errors import EarmarkError
from earmark.hardware import Hardware
from earmark.outputs import whole_file

log = logging.getLogger("earmark")

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def arrange(module: nn.Module, batch: Tensor, hardware: Hardware, wanted: str = "auto") -> None:
    """Put the weights of ``module`` into the memory format for training steps on ``batch``.

    ``wanted`` can be auto (a probe of a few steps, or what it found before on this machine),
    contiguous or channels_last. Values of weights and the random state are left as they were.
    """
    name = _remembered(module, batch, hardware) if wanted == "auto" else wanted
    _arranged(module, name)


def _arranged(module: nn.Module, name: str) -> nn.Module:
    return module.to(memory_format=FORMATS[name])  # type: ignore[call-overload]


def _remembered(module: nn.Module, batch: Tensor, hardware: Hardware) -> str:
    """The choice of the first probe of this network, batch and machine."""
    place = Path(f"{_machine_and_task(module, batch, hardware)}.json")
    try:
        place = _cache_folder() / place
        place.parent.mkdir(parents=True, exist_ok=True)
        # Jobs that start together would probe together and could disagree: the others wait.
        with FileLock(place.with_suffix(".lock"), fallback_to_soft=False):
            name = _read(place)
            if name is None:
                name, milliseconds = _probe(module, batch, hardware)
                with whole_file(place) as temporary:
                    text = json.dumps({"memory_format": name, "milliseconds": milliseconds})
                    temporary.write_text(text + "\n", encoding="utf-8")
            else:
                log.info("Memory format %s, as probed before (%s).", name, place)
            return name
    except (OSError, RuntimeError, EarmarkError) as problem:  # RuntimeError: no home folder
        log.warning(
            "The probe of memory formats cannot be kept in %s (%s): a rerun may choose the other "
            "one and differ in the last bits. Write `memory_format: channels_last` (or contiguous) "
            "under `hardware` to fix it.",
            place.parent,
            problem,
        )
        return _probe(module, batch, hardware)[0]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "earmark" / "memory_formats"


def _read(place: Path) -> str | None:
    try:
        name = json.loads(place.read_text(encoding="utf-8"))["memory_format"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return name if name in FORMATS else None


def _machine_and_task(module: nn.Module, batch: Tensor, hardware: Hardware) -> str:
    """Hash of all that decides which format is faster."""
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


def _probe(
    module: nn.Module, batch: Tensor, hardware: Hardware, repeats: int = 5
) -> tuple[str, dict[str, float]]:
    """The faster format, and the shortest time of a training step in each, measured in turn."""
    milliseconds = dict.fromkeys(FORMATS, math.inf)
    with hardware.same_random_numbers():
        trials = {name: _arranged(copy.deepcopy(module), name).train() for name in FORMATS}
        for repeat in range(repeats + 1):
            for name, trial in trials.items():
                begin = time.perf_counter()
                with hardware.autocast():
                    loss = trial(batch).float().square().mean()
                loss.backward()
                trial.zero_grad()
                if hardware.device.type == "cuda":
                    torch.cuda.synchronize(hardware.device)
                if repeat > 0:  # the first step allocates and picks kernels
                    taken = 1000 * (time.perf_counter() - begin)
                    milliseconds[name] = min(milliseconds[name], taken)
    name = min(milliseconds, key=milliseconds.__getitem__)
    log.info(
        "Memory format %s: a step takes %.0f ms contiguous, %.0f ms channels_last.",
        name,
        milliseconds["contiguous"],
        milliseconds["channels_last"],
    )
    return name, milliseconds
