"""Work on many items in several processes: results in order, few of them in memory at once.

Threads would wait for each other: a clip's transforms are many short calls, between which Python
runs one thread at a time. A process that a library crashes on a bad file is told as an error.
"""

import gc
import math
import mmap
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from earmark import interruption
from earmark.errors import EarmarkError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Handing over a task costs about a tenth of a short clip's work, so several items make one.
ITEMS_PER_TASK = 8
WAITING_TASKS = 3
# An array up to this size comes back through shared memory, a larger one through a pipe.
SLOT_BYTES = 1 << 20


@dataclass(frozen=True)
class _Placed:
    """An array that lies at the beginning of a slot."""

    slot: int
    shape: tuple[int, ...]
    dtype: np.dtype


def in_order(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """Yield ``work(item)`` for each of ``items``, in their order, from so many processes.

    An array is good until the next one is asked for; then its memory is used again.

    ``work`` must be a function of a module, or a ``functools.partial`` of one. With one process it
    is called here. What it raises is raised here; a process that ends otherwise, killed or crashed,
    raises EarmarkError.
    """
    if processes <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    size = max(1, min(ITEMS_PER_TASK, len(items) // (processes * WAITING_TASKS)))
    most = processes * WAITING_TASKS
    # Elsewhere processes do not share what was made before them.
    forks = sys.platform == "linux"
    slots = mmap.mmap(-1, most * size * SLOT_BYTES) if forks else None
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("fork" if forks else "spawn"),
        initializer=_start,
        initargs=(os.getpid(), work, slots),
    )
    waiting: deque[Future] = deque()
    begun = ended = 0
    try:
        for task in range(math.ceil(len(items) / size)):
            if len(waiting) == most:
                yield from _taken(slots, waiting.popleft())
                ended += size
            part = items[begun : begun + size]
            waiting.append(pool.submit(_do, task % most * size, part))
            begun += len(part)
        while waiting:
            yield from _taken(slots, waiting.popleft())
            ended += size
    except BrokenProcessPool as problem:
        raise EarmarkError(
            f"A process ended abruptly while it worked on one of {begun - ended} items, from "
            f"{items[ended]} to {items[begun - 1]}. If the memory was full, give fewer threads. "
            f"Else a file among these may crash a library: take it out of the lists."
        ) from problem
    finally:
        pool.shutdown(cancel_futures=True)


def _taken(slots: mmap.mmap | None, task: Future) -> Iterator[Any]:
    for result in task.result():
        if isinstance(result, _Placed):
            yield _view(slots, result)
        else:
            yield result


def _view(slots: mmap.mmap | None, placed: _Placed) -> np.ndarray:
    assert slots is not None
    return np.ndarray(placed.shape, placed.dtype, slots, placed.slot * SLOT_BYTES)


# What a process of a pool works with, set when it starts.
_work: Callable[[Any], Any]
_slots: mmap.mmap | None = None


def _start(owner: int, work: Callable[[Any], Any], slots: mmap.mmap | None) -> None:
    global _work, _slots
    _work, _slots = work, slots
    # What came from the owner stays: looking through it for garbage would be in vain.
    gc.freeze()
    # On Ctrl-C the owner ends, and its processes with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interruption.follow_pool(owner)


def _do(slot: int, items: Sequence[Any]) -> list[Any]:
    return [_put(slot + place, _work(item)) for place, item in enumerate(items)]


def _put(slot: int, result: Any) -> Any:
    if not isinstance(result, np.ndarray) or _slots is None or result.nbytes > SLOT_BYTES:
        return result
    placed = _Placed(slot, result.shape, result.dtype)
    _view(_slots, placed)[...] = result
    return placed
