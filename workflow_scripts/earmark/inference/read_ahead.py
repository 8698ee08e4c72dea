"""Batches prepared by a thread, ahead of the steps that use them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    prepare: Callable[[Item], Result],
    parts: Iterable[Item],
    device: torch.device,
    tensors: Callable[[Result], Sequence[Tensor]],
    ahead: int = 2,
) -> Iterator[Result]:
    """Yield ``prepare(part)`` in order while a thread already prepares the next ones.

    On a GPU the thread has a stream of its own: in the one of the training steps its copies would
    wait behind all steps that are queued there. ``tensors`` names those of a result that lie on the
    device.
    """
    lane = _GpuLane(device, tensors) if device.type == "cuda" else _Lane[Result]()
    with ThreadPoolExecutor(1) as reader:
        waiting: deque[Future[Result]] = deque()
        for part in parts:
            waiting.append(reader.submit(lane.prepared, prepare, part))
            if len(waiting) > ahead:
                yield lane.handed_over(waiting.popleft().result())
        while waiting:
            yield lane.handed_over(waiting.popleft().result())


class _Lane(Generic[Result]):
    """On a processor there is nothing to keep apart."""

    def prepared(self, prepare: Callable[[Item], Result], part: Item) -> Result:
        return prepare(part)

    def handed_over(self, result: Result) -> Result:
        return result


class _GpuLane(_Lane[Result]):
    """The reader's stream."""

    def __init__(self, device: torch.device, tensors: Callable[[Result], Sequence[Tensor]]) -> None:
        self._device, self._tensors = device, tensors
        self._stream = torch.cuda.Stream(device)
        # What the batches are made from may still be on its way there.
        self._stream.wait_stream(torch.cuda.current_stream(device))

    def prepared(self, prepare: Callable[[Item], Result], part: Item) -> Result:
        with torch.cuda.stream(self._stream):
            result = prepare(part)
        self._stream.synchronize()
        return result

    def handed_over(self, result: Result) -> Result:
        # Else the reader could reuse their memory while a step still reads it.
        for tensor in self._tensors(result):
            tensor.record_stream(torch.cuda.current_stream(self._device))
        return result
