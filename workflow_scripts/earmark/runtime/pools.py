"""Work on many items in several processes: results in order, few of them in memory at once.

Threads would wait for each other: a clip's transforms are many short calls, between which Python
runs one thread at a time. A process that a library crashes on a bad file is told as an error.
"""

import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from earmark.runtime import interruption
from earmark.runtime.errors import EarmarkError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Handing over a task costs about a tenth of a short clip's work, so several items make one.
ITEMS_PER_TASK = 8
WAITING_TASKS = 3


def in_order(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """Yield ``work(item)`` for each of ``items``, in their order, from so many processes.

    ``work`` must be a function of a module, or a ``functools.partial`` of one. With one process it
    is called here. What it raises is raised here; a process that ends otherwise, killed or crashed,
    raises EarmarkError.
    """
    if processes <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    size = max(1, min(ITEMS_PER_TASK, len(items) // (processes * WAITING_TASKS)))
    # Elsewhere processes do not share what was made before them.
    method = "fork" if sys.platform == "linux" else "spawn"
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context(method),
        initializer=_start,
        initargs=(os.getpid(), work),
    )
    waiting: deque[Future[list[Result]]] = deque()
    begun = ended = 0
    try:
        while begun < len(items) or waiting:
            while begun < len(items) and len(waiting) < processes * WAITING_TASKS:
                part = items[begun : begun + size]
                waiting.append(pool.submit(_do, part))
                begun += len(part)
            yield from waiting.popleft().result()
            ended += size
    except BrokenProcessPool as problem:
        raise EarmarkError(
            f"A process ended abruptly while it worked on one of {begun - ended} items, from "
            f"{items[ended]} to {items[begun - 1]}. If the memory was full, give fewer threads. "
            f"Else a file among these may crash a library: take it out of the lists."
        ) from problem
    finally:
        pool.shutdown(cancel_futures=True)


# What a process of a pool works with, set when it starts.
_work: Callable[[Any], Any]


def _start(owner: int, work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    # What came from the owner stays: looking through it for garbage would be in vain.
    gc.freeze()
    # On Ctrl-C the owner ends, and its processes with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interruption.follow_pool(owner)


def _do(items: Sequence[Any]) -> list[Any]:
    return [_work(item) for item in items]
