"""Training is stopped where it is no longer finite, before anything of it is saved.

A loss or weight that is nan or infinite never comes back: training on would waste hours, and a
checkpoint of it would spoil every later run.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from earmark.features.finite import listed
from earmark.runtime.errors import EarmarkError


@dataclass(frozen=True)
class _Step:
    epoch: int
    step: int
    clips: Sequence[str]
    loss: Tensor
    copied: "torch.cuda.Event | None"


class LossWatch:
    """Looks at the loss of every training step, one step later.

    A GPU computes behind the program's back: to wait for the step before, and not for the one just
    begun, leaves it with work to do. ``learning_rate`` is the recipe's, for the sentence.
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._latest: _Step | None = None

    def see(self, epoch: int, step: int, clips: Sequence[str], loss: Tensor) -> None:
        """Note a step (counted from 1) and check the loss of the one before it.

        Raises EarmarkError with the names of the batch's clips when that is not finite.
        """
        before = self._latest
        copied = None
        value = loss.detach().to("cpu", non_blocking=True)
        if loss.is_cuda:
            copied = torch.cuda.Event()
            copied.record()
        self._latest = _Step(epoch, step, clips, value, copied)
        self._check(before)

    def settle(self, state: Mapping[str, Any]) -> None:
        """Check the latest step too, and all that it led to, before ``state`` is saved.

        A step with a finite loss can still have infinite gradients. Raises EarmarkError.
        """
        self._check(self._latest)
        if all(_is_finite(tensor) for tensor in _tensors(state)):
            return
        if self._latest is None:
            raise EarmarkError(
                "The weights are not finite numbers before the first step. Delete the weights that "
                "training starts from; the next run makes them anew."
            )
        at = f"epoch {self._latest.epoch}, step {self._latest.step}"
        raise self._error(f"The weights after {at} are not finite numbers", self._latest)

    def _check(self, step: _Step | None) -> None:
        if step is None:
            return
        if step.copied is not None:
            step.copied.synchronize()
        loss = step.loss.item()
        if not math.isfinite(loss):
            raise self._error(f"The loss of epoch {step.epoch}, step {step.step} is {loss}", step)

    def _error(self, what: str, step: _Step) -> EarmarkError:
        return EarmarkError(
            f"{what}. Its clips are {listed(step.clips)}: look at them in clips/train.csv, or "
            f"lower the recipe's learning_rate ({self.learning_rate:g})."
        )


def _is_finite(tensor: Tensor) -> bool:
    # A sum takes a quarter of the time, and only what is not finite, or nearly so, spoils it.
    return math.isfinite(tensor.sum().item()) or bool(torch.isfinite(tensor).all())


def _tensors(state: Any) -> Iterator[Tensor]:
    """All tensors of floating numbers in nested mappings and sequences."""
    if isinstance(state, Tensor):
        if state.is_floating_point():
            yield state
    elif isinstance(state, Mapping):
        yield from _all_of(state.values())
    elif isinstance(state, list | tuple):
        yield from _all_of(state)


def _all_of(parts: Iterable[Any]) -> Iterator[Tensor]:
    for part in parts:
        yield from _tensors(part)
