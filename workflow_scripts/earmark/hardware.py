"""Device, precision and memory format of a training or prediction job."""

import copy
import logging
import math
import os
import random
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from earmark.errors import EarmarkError

log = logging.getLogger("earmark")

# A format must be this much faster to be preferred: near ties go one way, so that the choice, and
# with it every bit of the result, does not hang on timer noise.
CLEARLY_FASTER = 1.15


@dataclass(frozen=True)
class Hardware:
    """Where a job computes. ``autocast_dtype`` is None for plain float32."""

    device: torch.device
    autocast_dtype: torch.dtype | None

    def autocast(self) -> AbstractContextManager[None]:
        """Context in which convolutions and matrix products run in the reduced precision."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)


def prepare(threads: int, seed: int, device: str = "auto", precision: str = "auto") -> Hardware:
    """Set threads and seeds and choose device and precision.

    ``device``: auto, cpu or cuda. ``precision``: auto (bfloat16 where the hardware has it),
    bfloat16 or float32. Raises EarmarkError when cuda is asked for and absent.
    """
    available = os.cpu_count() or 1
    torch.set_num_threads(max(1, min(threads, available)))
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  libraries below us may use the old generator
    torch.manual_seed(seed)
    if device == "cuda" and not torch.cuda.is_available():
        raise EarmarkError(
            "The config says `device: cuda`, but torch finds no usable GPU. Write `device: auto` "
            "or `device: cpu`, or check the driver with nvidia-smi."
        )
    use_cuda = device != "cpu" and torch.cuda.is_available()
    chosen = torch.device("cuda" if use_cuda else "cpu")
    if use_cuda:
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        reduced = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        reduced = _cpu_has_bfloat16()
    wanted = precision == "bfloat16" or (precision == "auto" and reduced)
    found = Hardware(chosen, torch.bfloat16 if wanted else None)
    log.info(
        "Computing on %s with %d threads in %s.",
        torch.cuda.get_device_name() if use_cuda else "the processor",
        torch.get_num_threads(),
        "bfloat16 autocast" if wanted else "float32",
    )
    return found


def _cpu_has_bfloat16() -> bool:
    # Emulated bfloat16 is slower than float32: only instructions count.
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:
            words = set(file.read().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def choose_memory_format(
    module: nn.Module, batch: Tensor, hardware: Hardware, wanted: str = "auto"
) -> torch.memory_format:
    """Return the faster memory format for training steps of ``module`` on ``batch``.

    ``wanted`` can be auto (a probe of a few steps), contiguous or channels_last. The module's
    weights and the random state are left as they were.
    """
    formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    if wanted != "auto":
        return formats[wanted]
    with torch.random.fork_rng():
        seconds = _step_seconds(module, batch, hardware, formats)
    faster = seconds["channels_last"] * CLEARLY_FASTER < seconds["contiguous"]
    name = "channels_last" if faster else "contiguous"
    log.info(
        "Memory format %s: a step takes %.0f ms contiguous, %.0f ms channels_last.",
        name,
        1000 * seconds["contiguous"],
        1000 * seconds["channels_last"],
    )
    return formats[name]


def arranged(module: nn.Module, memory_format: torch.memory_format) -> nn.Module:
    """Return ``module`` itself with its weights in the memory format."""
    return module.to(memory_format=memory_format)  # type: ignore[call-overload]


def _step_seconds(
    module: nn.Module,
    batch: Tensor,
    hardware: Hardware,
    formats: dict[str, torch.memory_format],
    repeats: int = 5,
) -> dict[str, float]:
    """Shortest time of a training step in each format, measured in turn."""
    trials = {
        name: arranged(copy.deepcopy(module), memory_format).train()
        for name, memory_format in formats.items()
    }
    seconds = dict.fromkeys(formats, math.inf)
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
                seconds[name] = min(seconds[name], time.perf_counter() - begin)
    return seconds
