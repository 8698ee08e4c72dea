"""Device, precision, memory format and threads of a training or prediction job."""

import logging
import math
import random
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from earmark.runtime import gpus, processors
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Hardware:
    """Where and how a job computes.

    ``autocast_dtype`` is None for plain float32. ``memory_format``: contiguous or channels_last.
    ``compile_from_clips``: networks that learn from so many clips or more, each counted once an
    epoch, are compiled first.
    """

    device: torch.device
    autocast_dtype: torch.dtype | None
    memory_format: str = "channels_last"
    compile_from_clips: float = math.inf

    def move(self, module: nn.Module) -> None:
        """Put the weights of ``module`` onto the device, in the memory format.

        That is the order in memory of two-dimensional convolutions' weights, and so of what they
        compute; other weights have but one.
        """
        module.to(self.device, memory_format=MEMORY_FORMATS[self.memory_format])  # type: ignore[call-overload]

    def autocast(self) -> AbstractContextManager[None]:
        """Context in which convolutions and matrix products run in the reduced precision."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)

    def same_random_numbers(self) -> AbstractContextManager[None]:
        """Context after which torch draws what it would have drawn without it."""
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])

    def numerics(self) -> dict[str, Any]:
        """What rounding depends on, as plain values: a training goes on only with the same."""
        return {
            "device": self.device.type,
            "threads": torch.get_num_threads(),
            "precision": "float32" if self.autocast_dtype is None else "bfloat16",
            "memory_format": self.memory_format,
            "compile_from_clips": str(self.compile_from_clips),
        }

    def facts(self) -> dict[str, Any]:
        """What results depend on, in plain values, to be written beside them."""
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        else:
            name = processors.processor_name()
        known = {"device_name": name, **self.numerics()}
        # Whether a network was compiled is told by itself.
        del known["compile_from_clips"]
        return known


def prepare(
    threads: int, seed: int, machine: Mapping[str, Any], predicting: bool = False
) -> Hardware:
    """Set threads and seeds and choose device and precision by the config's ``hardware``.

    ``device``: auto, cpu or cuda. ``precision``: auto, bfloat16 or float32; auto is bfloat16 where
    the hardware has it, but float32 for ``predicting``. ``memory_format``, ``compile``,
    ``compile_from_clips``: see ``Hardware`` and ``compiled_from``. There are no more threads than
    processors that the job may use. Raises EarmarkError when cuda is asked for and absent.
    """
    device, precision = machine["device"], machine["precision"]
    torch.set_num_threads(max(1, min(threads, processors.available_processors())))
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
    wanted = precision == "bfloat16" or (precision == "auto" and reduced and not predicting)
    found = Hardware(
        chosen,
        torch.bfloat16 if wanted else None,
        machine["memory_format"],
        compiled_from(machine, use_cuda),
    )
    log.info(
        "Computing on %s with %d threads in %s.",
        torch.cuda.get_device_name() if use_cuda else "the processor",
        torch.get_num_threads(),
        "bfloat16 autocast" if wanted else "float32",
    )
    return found


def for_predicting(hardware: Hardware, machine: Mapping[str, Any]) -> Hardware:
    """The same in the precision in which a job predicts: see ``prepare``."""
    return (
        hardware if machine["precision"] == "bfloat16" else replace(hardware, autocast_dtype=None)
    )


def compiled_from(machine: Mapping[str, Any], on_gpu: bool) -> float:
    """Number of clips from which a training compiles its network, by the config's ``hardware``.

    ``compile``: true (all do), false (none does) or auto (on a GPU those that learn from
    ``compile_from_clips`` or more, on a processor none).
    """
    if machine["compile"] == "auto":
        return machine["compile_from_clips"] if on_gpu else math.inf
    return 0 if machine["compile"] else math.inf


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
