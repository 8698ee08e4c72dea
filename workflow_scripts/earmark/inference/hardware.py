"""Device, precision, memory format and threads of a training or prediction job."""

import logging
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from earmark.runtime import gpus, processors
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Hardware:
    """Where and how a job computes.

    ``precision`` is the config's: auto, bfloat16 or float32; ``autocast_dtype`` is None for plain
    float32. ``memory_format``: contiguous or channels_last. ``compile_from_clips``: networks that
    learn from so many clips or more, each counted once an epoch, are compiled first.
    """

    device: torch.device
    autocast_dtype: torch.dtype | None
    memory_format: str = "channels_last"
    compile_from_clips: float = math.inf
    precision: str = "auto"

    def move(self, module: nn.Module) -> None:
        """Put the weights of ``module`` onto the device, in the memory format.

        The memory format is the order in memory of two-dimensional convolutions' weights and
        outputs; other weights have only one.
        """
        module.to(self.device, memory_format=MEMORY_FORMATS[self.memory_format])  # type: ignore[call-overload]

    def autocast(self) -> AbstractContextManager[None]:
        """Context in which convolutions and matrix products run in the reduced precision."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)

    def for_predicting(self) -> "Hardware":
        """The same, but bfloat16 only if the config says so (``precision: auto`` is float32)."""
        return self if self.precision == "bfloat16" else replace(self, autocast_dtype=None)

    def precision_used(self) -> str:
        """bfloat16, float32, or TF32: a GPU's float32 with less precise matrix products."""
        if self.autocast_dtype is not None:
            return "bfloat16"
        return "TF32" if self.device.type == "cuda" and self.precision != "float32" else "float32"

    def numerics(self) -> dict[str, Any]:
        """The settings that rounding depends on, for JSON."""
        return {
            "device": self.device.type,
            "threads": torch.get_num_threads(),
            "precision": self.precision_used(),
            "memory_format": self.memory_format,
        }

    def device_name(self) -> str:
        """The model of the GPU or CPU."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return processors.processor_name()


def choose_hardware(
    threads: int, seed: int, settings: Mapping[str, Any], predicting: bool = False
) -> Hardware:
    """Set threads and seed, and choose device and precision by the config's ``hardware``.

    ``device``: auto (a GPU with CUDA if there is one), cpu, cuda or mps. ``precision``: auto is
    bfloat16 where the hardware has it, but float32 for ``predicting`` and on mps; on a GPU with
    CUDA that is TF32, unless the config says float32. ``compile``, ``compile_from_clips``: see
    ``compiled_from``. There are no more threads than CPU cores that the job may use. Raises
    EarmarkError when cuda or mps is set and not available.
    """
    torch.set_num_threads(max(1, min(threads, processors.available_processors())))
    torch.manual_seed(seed)
    check_device(settings["device"])
    use_cuda = settings["device"] in ("auto", "cuda") and torch.cuda.is_available()
    if use_cuda:
        device = torch.device("cuda", _own_gpu())
        torch.cuda.set_device(device)
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        torch.backends.cuda.matmul.allow_tf32 = settings["precision"] != "float32"
        torch.backends.cudnn.allow_tf32 = settings["precision"] != "float32"
    elif settings["device"] == "mps":
        device, has_bfloat16 = torch.device("mps"), False
    else:
        device, has_bfloat16 = torch.device("cpu"), cpu_has_bfloat16()
    precision = settings["precision"]
    reduced = precision == "bfloat16" or (precision == "auto" and has_bfloat16)
    hardware = Hardware(
        device,
        torch.bfloat16 if reduced else None,
        settings["memory_format"],
        compiled_from(settings, use_cuda),
        precision,
    )
    if predicting:
        hardware = hardware.for_predicting()
    log.info(
        "Computing on %s with %d threads in %s.",
        hardware.device_name(),
        torch.get_num_threads(),
        hardware.precision_used(),
    )
    return hardware


def check_device(device: str) -> None:
    """Raise EarmarkError for a device that torch does not find."""
    found = ["auto", "cpu"]
    if device not in found:
        found += ["cuda"] if torch.cuda.is_available() else []
        found += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        found += ["mps"] if torch.backends.mps.is_available() else []
    if device not in found:
        raise EarmarkError(
            f"The device is set to '{device}', but torch finds only {', '.join(found)} here. Set "
            f"one of these, or check the driver of the GPU, as by nvidia-smi."
        )


def compiled_from(settings: Mapping[str, Any], on_gpu: bool) -> float:
    """Number of clips from which a training compiles its network, by the config's ``hardware``.

    ``compile``: true (all do), false (none does) or auto (on a GPU those that learn from
    ``compile_from_clips`` or more, on the CPU none).
    """
    if settings["compile"] == "auto":
        return settings["compile_from_clips"] if on_gpu else math.inf
    return 0 if settings["compile"] else math.inf


def _own_gpu() -> int:
    """Index of the visible GPU that this process uses until it ends."""
    count = torch.cuda.device_count()
    if count == 1:
        return 0
    names = [str(torch.cuda.get_device_properties(number).uuid) for number in range(count)]
    taken = gpus.claim(names)
    log.info("Taking GPU %d of %d.", taken, count)
    return taken


def cpu_has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16."""
    # Emulated bfloat16 is slower than float32: only instructions count.
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:
            words = set(file.read().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})
