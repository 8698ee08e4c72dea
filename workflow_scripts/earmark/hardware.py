"""Device, precision and threads of a training or prediction job."""

import logging
import os
import random
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from earmark.runtime import gpus
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")


@dataclass(frozen=True)
class Hardware:
    """Where a job computes. ``autocast_dtype`` is None for plain float32.

    ``compile_networks``: whether networks are compiled before they are trained; "auto": if that
    pays.
    """

    device: torch.device
    autocast_dtype: torch.dtype | None
    compile_networks: bool | Literal["auto"] = False

    def autocast(self) -> AbstractContextManager[None]:
        """Context in which convolutions and matrix products run in the reduced precision."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)

    def same_random_numbers(self) -> AbstractContextManager[None]:
        """Context after which torch draws what it would have drawn without it."""
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])


def prepare(threads: int, seed: int, machine: Mapping[str, Any]) -> Hardware:
    """Set threads and seeds and choose device and precision by the config's ``hardware``.

    ``device``: auto, cpu or cuda. ``precision``: auto (bfloat16 where the hardware has it),
    bfloat16 or float32. ``compile``: auto, true or false. Raises EarmarkError when cuda is asked
    for and absent.
    """
    device, precision = machine["device"], machine["precision"]
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
    chosen = torch.device("cpu")
    if use_cuda:
        chosen = torch.device("cuda", _own_gpu())
        torch.cuda.set_device(chosen)
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        reduced = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        reduced = cpu_has_bfloat16()
    wanted = precision == "bfloat16" or (precision == "auto" and reduced)
    found = Hardware(chosen, torch.bfloat16 if wanted else None, machine["compile"])
    log.info(
        "Computing on %s with %d threads in %s.",
        torch.cuda.get_device_name() if use_cuda else "the processor",
        torch.get_num_threads(),
        "bfloat16 autocast" if wanted else "float32",
    )
    return found


def _own_gpu() -> int:
    """Number of the visible GPU that this process computes on, until it ends."""
    count = torch.cuda.device_count()
    if count == 1:
        return 0
    names = [str(torch.cuda.get_device_properties(number).uuid) for number in range(count)]
    taken = gpus.claim(names)
    log.info("Taking GPU %d of %d.", taken, count)
    return taken


def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    # Emulated bfloat16 is slower than float32: only instructions count.
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:
            words = set(file.read().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})
