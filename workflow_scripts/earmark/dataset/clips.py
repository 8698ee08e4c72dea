"""The clips table: length, format and status of each clip of a part. It has no labels.

Columns: clip, file (relative to the data set's folder), start, end (seconds; empty for a whole
file), seconds, sample_rate (Hz), channels, format (container and samples, as libsndfile calls
them), peak, status (see ``audio.STATUSES``), use (1: a train clip is learned from; a test clip is
not predicted as if it were silent), problem (in words).
"""

import math
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from earmark.dataset import tables

COLUMNS = (
    *("clip", "file", "start", "end", "seconds", "sample_rate", "channels", "format", "peak"),
    *("status", "use", "problem"),
)
NUMBERS = {"seconds": float, "sample_rate": int, "channels": int, "peak": float, "use": int}


class Place(NamedTuple):
    """Where a clip is: its file, and from when to when in seconds."""

    file: str
    start: float = 0.0
    end: float = math.inf

    def __str__(self) -> str:
        is_part = self.start > 0 or self.end < math.inf
        return f"{self.file} ({self.start} s to {self.end} s)" if is_part else self.file


def places(table: pd.DataFrame, folder: Path) -> list[Place]:
    """The places of the clips of an index or a clips table, whose files are in ``folder``."""
    rows = zip(table["file"], table["start"], table["end"], strict=True)
    return [
        Place(str(folder / file), float(start or 0), float(end or "inf"))
        for file, start, end in rows
    ]


def read(path: str | Path) -> pd.DataFrame:
    """Read a clips table; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of clips", NUMBERS)


def write(clips: pd.DataFrame, path: str | Path) -> None:
    """Write a clips table."""
    tables.write_table(clips.round({"seconds": 6, "peak": 6}), path)


def usable(clips: pd.DataFrame) -> pd.Series:
    """Names of the clips that may be learned from."""
    return clips.loc[clips["use"] == 1, "clip"]
