"""Numbers that are not finite: found before anything is saved, and told with their clips.

A loss or weight that is nan or infinite never comes back: training on would waste hours, and a
checkpoint of it would spoil every later run.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earmark.errors import EarmarkError

log = logging.getLogger("earmark")

# A sentence names so many clips; the log names all of them.
NAMED = 10


@dataclass(frozen=True)
class _Step:
    epoch: int
    step: int
    fnames: Sequence[str]
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

    def see(self, epoch: int, step: int, fnames: Sequence[str], loss: Tensor) -> None:
        """Note a step (counted from 1) and check the loss of the one before it.

        Raises EarmarkError with the names of the batch's clips when that is not finite.
        """
        before = self._latest
        copied = None
        value = loss.detach().to("cpu", non_blocking=True)
        if loss.is_cuda:
            copied = torch.cuda.Event()
            copied.record()
        self._latest = _Step(epoch, step, fnames, value, copied)
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
            f"{what}. Its clips are {listed(step.fnames)}: look at them in manifest.csv, or lower "
            f"the recipe's learning_rate ({self.learning_rate:g})."
        )


def check_clips(what: str, fnames: Sequence[str], values: np.ndarray, remedy: str) -> None:
    """Raise EarmarkError, with the clips' names, where ``values`` (n, ...) are not finite.

    ``what`` names the values, in the plural; ``remedy`` is a sentence about what to do.
    """
    fine = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not fine.all():
        bad = [fnames[place] for place in np.flatnonzero(~fine).tolist()]
        raise EarmarkError(
            f"The {what} of {len(bad)} of {len(values)} clips are not finite numbers: "
            f"{listed(bad)}. {remedy}"
        )


def listed(fnames: Sequence[str]) -> str:
    """Names for a sentence; of many, the first few, and all of them in the log."""
    if len(fnames) <= NAMED:
        return ", ".join(fnames)
    log.info("All %d clips meant below: %s", len(fnames), ", ".join(fnames))
    return f"{', '.join(fnames[:NAMED])} and {len(fnames) - NAMED} more (all are in the log)"


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
