"""The memory format in which a network trains fastest: contiguous or channels-last."""

import copy
import logging

import torch
from torch import Tensor, nn

from earmark import probes
from earmark.hardware import Hardware

log = logging.getLogger("earmark")

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
QUESTION = probes.Question(
    "memory_format", tuple(FORMATS), "`memory_format: channels_last` (or contiguous)"
)


def arrange(module: nn.Module, batch: Tensor, hardware: Hardware, wanted: str = "auto") -> None:
    """Put the weights of ``module`` into the memory format for training steps on ``batch``.

    ``wanted`` can be auto (a probe of a few steps, or what it found before on this machine),
    contiguous or channels_last. Values of weights and the random state are left as they were.
    """
    name: str | None = wanted
    if wanted == "auto":
        name = probes.answer(
            QUESTION, module, batch, hardware, lambda: _probe(module, batch, hardware)
        )
    assert name is not None
    _arranged(module, name)


def _arranged(module: nn.Module, name: str) -> nn.Module:
    return module.to(memory_format=FORMATS[name])  # type: ignore[call-overload]


def _probe(module: nn.Module, batch: Tensor, hardware: Hardware) -> tuple[str, dict[str, float]]:
    """The faster format, and the time of a training step in each."""

    def step(trial: nn.Module) -> None:
        with hardware.autocast():
            loss = trial(batch).float().square().mean()
        loss.backward()
        trial.zero_grad()

    with hardware.same_random_numbers():
        trials = {name: _arranged(copy.deepcopy(module), name).train() for name in FORMATS}
        steps = {name: lambda trial=trial: step(trial) for name, trial in trials.items()}
        milliseconds = probes.milliseconds_of(steps, hardware)
    name = min(milliseconds, key=milliseconds.__getitem__)
    log.info(
        "Memory format %s: a step takes %.0f ms contiguous, %.0f ms channels_last.",
        name,
        milliseconds["contiguous"],
        milliseconds["channels_last"],
    )
    return name, milliseconds
