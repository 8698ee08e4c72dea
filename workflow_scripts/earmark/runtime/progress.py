"""How far long work is, on the terminal and in the log."""

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

log = logging.getLogger("earmark")
Item = TypeVar("Item")


def track(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Pass ``items`` on with a bar on a terminal, or else a log line at each tenth."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, leave=False)
        return
    step = max(1, total // 10)
    for count, item in enumerate(items, start=1):
        yield item
        if count % step == 0 or count == total:
            log.info("%d of %d %s", count, total, what)
