"""Work on many items in several processes: results in order, few of them in memory at once.

Processes and not threads: computing a feature makes many short calls, and threads would wait for
the GIL between them. If a library crashes on a bad file, only the worker process ends.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from earmark.runtime import interruption
from earmark.runtime.errors import EarmarkError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Sending a task costs about a tenth of a short clip's work, so a task has several items.
ITEMS_PER_TASK = 8
TASKS_PER_PROCESS = 2


def parallel_map(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """Yield ``work(item)`` for each of ``items``, in their order, computed by ``processes``.

    ``work`` must be a function of a module, or a ``functools.partial`` of one. With one process it
    is called here. What it raises is raised here; a process that ends otherwise, killed or crashed,
    raises EarmarkError.
    """
    if processes <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    # ``map`` starts all that it gets, and keeps results until they are taken: it gets the items in
    # parts, and the next part while one is worked on.
    size = max(1, min(ITEMS_PER_TASK, len(items) // (2 * processes)))
    part = size * processes * TASKS_PER_PROCESS
    pool = ProcessPoolExecutor(processes, initializer=_start, initargs=(os.getpid(), work))
    parts: deque[Iterator[Result]] = deque()
    done = 0
    try:
        for begin in range(0, len(items), part):
            parts.append(pool.map(_do, items[begin : begin + part], chunksize=size))
            if len(parts) > 1:
                yield from parts.popleft()
                done += part
        yield from parts.popleft()
    except BrokenProcessPool as problem:
        suspects = items[done : done + 2 * part]
        raise EarmarkError(
            f"A process ended abruptly while it worked on one of {len(suspects)} items, from "
            f"{suspects[0]} to {suspects[-1]}. If the memory was full, use fewer threads. "
            f"Otherwise one of these files may crash a library: remove it from the lists."
        ) from problem
    finally:
        pool.shutdown(cancel_futures=True)


# The function of a worker process, set when it starts: sent once, not with each task.
_work: Callable[[Any], Any]


def _start(owner: int, work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    # On Ctrl-C the owner ends, and its processes with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interruption.stop_with_process(owner)


def _do(item: Any) -> Any:
    return _work(item)
