"""How far long work is, on the terminal and in the log."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

log = logging.getLogger("earmark")
Item = TypeVar("Item")

# Where the trainings of a run tell each other how long they will take.
FOLDER = Path(".snakemake/earmark/progress")
# One line a minute on the terminal, of the training that will take longest.
SECONDS_BETWEEN_LINES = 60.0
# Whoever has not told anything for so long has ended, or takes long enough to be told apart.
SECONDS_TO_FORGET = 1800.0


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


def is_for_screen(line: logging.LogRecord) -> bool:
    """Whether a log line is meant for the terminal as well, though it warns of nothing."""
    return getattr(line, "screen", False)


class Epochs:
    """Tells on the terminal how far a training is and how long it will take at most.

    Of several trainings of one run only the one that will take longest tells it, and at most once
    a minute. ``name`` says which training it is; ``done`` of its ``total`` epochs were done before.
    """

    def __init__(self, name: str, total: int, done: int = 0, folder: Path = FOLDER) -> None:
        self.name, self.total = name, total
        self._first, self._begin = done, time.monotonic()
        self._told = self._begin
        self._note = folder / str(os.getpid())

    def __enter__(self) -> "Epochs":
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._note.unlink()

    def done(self, epochs: int) -> None:
        """Note that so many epochs are done, and tell it if it is this training's turn."""
        now = time.monotonic()
        left = (now - self._begin) / max(1, epochs - self._first) * (self.total - epochs)
        longest = self._is_longest(time.time() + left)
        if longest and now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            log.info(
                "%s: epoch %d of %d, at most %s left",
                self.name,
                epochs,
                self.total,
                in_words(left),
                extra={"screen": True},
            )

    def _is_longest(self, end: float) -> bool:
        """Tell the others when this training will end; whether it is the last of them."""
        try:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(str(end), encoding="ascii")
            ends = [_end_in(note) for note in self._note.parent.iterdir()]
        except OSError:
            return True
        return end >= max(ends, default=end)


def _end_in(note: Path) -> float:
    try:
        old = time.time() - note.stat().st_mtime > SECONDS_TO_FORGET
        return 0.0 if old else float(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def in_words(seconds: float) -> str:
    """A time as a reader wants it: 40 s, 12 min, 3 h 5 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
