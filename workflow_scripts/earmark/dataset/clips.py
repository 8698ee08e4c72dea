"""The clips table: length, format and status of each clip of a part. It has no labels.

Columns: clip, file (relative to the data set's folder), start, end (seconds; empty for a whole
file), seconds, sample_rate (Hz), channels, format (container and samples, as libsndfile calls
them), peak, status (see ``audio.STATUSES``), use (1: a train clip is learned from; a test clip is
not predicted as if it were silent), problem (in words).
"""

from pathlib import Path

import pandas as pd

from earmark.dataset import tables

COLUMNS = (
    *("clip", "file", "start", "end", "seconds", "sample_rate", "channels", "format", "peak"),
    *("status", "use", "problem"),
)
NUMBERS = {"seconds": float, "sample_rate": int, "channels": int, "peak": float, "use": int}


def read(path: str | Path) -> pd.DataFrame:
    """Read a clips table; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of clips", NUMBERS)


def write(clips: pd.DataFrame, path: str | Path) -> None:
    """Write a clips table."""
    tables.write_table(clips.round({"seconds": 6, "peak": 6}), path)


def usable(clips: pd.DataFrame) -> pd.Series:
    """Names of the clips that may be learned from."""
    return clips.loc[clips["use"] == 1, "clip"]
