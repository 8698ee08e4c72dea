"""The clips table: what each clip of a part is, by its sound alone. It has no labels.

Columns: clip, file (relative to the data set's folder), start, end (seconds; empty for a whole
file), seconds, sample_rate (Hz), channels, format (container and samples, as libsndfile calls
them), peak, status (see ``audio.STATUSES``), use (a train clip is learned from; a test clip is
heard, and not guessed as if silent), problem (in words).
"""

from pathlib import Path

import pandas as pd

from earmark.dataset import tables

COLUMNS = (
    "clip",
    "file",
    "start",
    "end",
    "seconds",
    "sample_rate",
    "channels",
    "format",
    "peak",
    "status",
    "use",
    "problem",
)
NUMBERS = {
    **dict.fromkeys(("sample_rate", "channels", "use"), int),
    **dict.fromkeys(("seconds", "peak"), float),
}


def read(path: str | Path) -> pd.DataFrame:
    """Read a clips table; numbers come back as numbers."""
    table = tables.read_table(path, COLUMNS, "table of clips")
    return tables.to_numbers(table, NUMBERS, path, "table of clips")


def write(clips: pd.DataFrame, path: str | Path) -> None:
    """Write a clips table."""
    rounded = clips.assign(seconds=clips["seconds"].round(6), peak=clips["peak"].round(6))
    tables.write_table(rounded, path)


def usable(clips: pd.DataFrame) -> pd.Series:
    """Names of the clips that may be learned from."""
    return clips.loc[clips["use"] == 1, "clip"]
