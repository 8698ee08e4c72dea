"""The manifest: one row per clip, with its list's facts, its sound's facts and its fold.

Columns: fname, path (relative to the data set's folder), split {train, test}, label (empty for
test clips), verified {0, 1}, fold (-1: never held out), seconds, sample_rate (Hz), channels, peak,
status {ok, empty, silent, broken, unreadable}, checksum (CRC-32 of the file).
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
    "peak",
    "status",
    "checksum",
)
NUMBERS = {
    **dict.fromkeys(("verified", "fold", "sample_rate", "channels"), int),
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
    return clips[(clips["split"] == "train") & (clips["status"] == "ok")]
