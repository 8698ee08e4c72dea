"""The manifest: one row per clip, with its list's facts, its sound's facts and its fold.

Columns: fname, path (relative to the data set's folder), split {train, test}, label (empty for
test clips), verified {0, 1}, fold (-1: never held out), seconds, sample_rate (Hz), channels, format
(container and samples, as libsndfile calls them), peak, status (see ``audio.STATUSES``), use (a
train clip is learned from, a test clip is heard, and not guessed as if silent), problem (in words),
checksum (CRC-32 of the file).
"""

from pathlib import Path

import pandas as pd

from earmark import tables

COLUMNS = (
    "fname",
    "path",
    "split",
    "label",
    "verified",
    "fold",
    "seconds",
    "sample_rate",
    "channels",
    "format",
    "peak",
    "status",
    "use",
    "problem",
    "checksum",
)
NUMBERS = {
    **dict.fromkeys(("verified", "fold", "sample_rate", "channels", "use"), int),
    **dict.fromkeys(("seconds", "peak"), float),
}


def read(path: str | Path) -> pd.DataFrame:
    """Read a manifest; numbers come back as numbers."""
    table = tables.read_table(path, COLUMNS, "manifest")
    return tables.to_numbers(table, NUMBERS, path, "manifest")


def write(clips: pd.DataFrame, path: str | Path) -> None:
    """Write a manifest."""
    rounded = clips.assign(seconds=clips["seconds"].round(6), peak=clips["peak"].round(6))
    tables.write_table(rounded, path)


def usable(clips: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the train clips that may be learned from."""
    return clips[(clips["split"] == "train") & (clips["use"] == 1)]
