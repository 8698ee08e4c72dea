"""Work on many items in several processes: results in order, few of them in memory at once.

Processes and not threads: computing a feature makes many short calls, and threads would wait for
the GIL between them. If a library crashes on a bad file, only the worker process ends.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from earmark.runtime import interruption
from earmark.runtime.errors import EarmarkError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Sending a task costs about a tenth of a short clip's work, so a task has several items.
ITEMS_PER_TASK = 8
TASKS_PER_PROCESS = 2
# Windows waits for no more at a time.
MOST_PROCESSES = 61 if os.name == "nt" else 1 << 20


def parallel_map(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    processes: int,
    items_per_task: int | None = None,
) -> Iterator[Result]:
    """Yield ``work(item)`` for each of ``items``, in their order, computed by ``processes``.

    ``work`` must be a function of a module, or a ``functools.partial`` of one. With one process it
    is called here. What it raises is raised here; a process that ends otherwise, killed or crashed,
    raises EarmarkError. Items are taken as they are needed, a few tasks of ``items_per_task`` (by
    default as many as suit their number) ahead of the results.
    """
    known = len(items) if isinstance(items, Sized) else None
    if processes <= 1 or known in (0, 1):
        yield from map(work, items)
        return
    size = items_per_task or max(1, min(ITEMS_PER_TASK, (known or 0) // (2 * processes)))
    processes = min(processes, MOST_PROCESSES)
    pool = ProcessPoolExecutor(processes, initializer=_start, initargs=(os.getpid(), work))
    waiting: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    rest = iter(items)
    try:
        while task := list(islice(rest, size)):
            waiting.append((task, pool.submit(_do, task)))
            if len(waiting) == 2 * TASKS_PER_PROCESS * processes:
                yield from waiting[0][1].result()
                waiting.popleft()
        while waiting:
            yield from waiting[0][1].result()
            waiting.popleft()
    except BrokenProcessPool as problem:
        suspects = [item for task, _ in waiting for item in task]
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


def _do(task: list[Any]) -> list[Any]:
    return [_work(item) for item in task]
