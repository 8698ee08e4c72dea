"""Progress of long work, on the terminal and in the log."""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

log = logging.getLogger("earmark")
Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 60.0


def track(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Pass ``items`` on, with a bar on a terminal and a log line at each tenth."""
    from tqdm import tqdm

    step = max(1, total // 10)
    # disable=None: only where standard error is a terminal.
    bar = tqdm(items, total=total, desc=what, leave=False, disable=None)
    for count, item in enumerate(bar, start=1):
        yield item
        if count % step == 0 or count == total:
            log.info("%d of %d %s", count, total, what)


def is_for_terminal(record: logging.LogRecord) -> bool:
    """Whether a log line is shown on the terminal too: warnings, and the progress of epochs."""
    return record.levelno >= logging.WARNING or getattr(record, "terminal", False)


class EpochLog:
    """Logs, at most once a minute, the progress of a training and how long it will take at most.

    ``name`` says which training it is; ``done`` of its ``total`` epochs were done by earlier runs.
    """

    def __init__(self, name: str, total: int, done: int = 0) -> None:
        self.name, self.total = name, total
        self._done_before = done
        self._start = self._last_line = time.monotonic()

    def done(self, epochs: int) -> None:
        """Log the progress after so many ``epochs``, if the last line is old enough."""
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        per_epoch = (now - self._start) / max(1, epochs - self._done_before)
        log.info(
            "%s: epoch %d of %d, at most %s left",
            self.name,
            epochs,
            self.total,
            timedelta(seconds=round(per_epoch * (self.total - epochs))),
            extra={"terminal": True},
        )
