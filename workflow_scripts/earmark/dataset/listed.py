"""The train clips as the lists say: index/listed.csv, written with the index.

Columns: clip, label, verified (0 or 1), recording (what the clip is cut from; never empty), fold
(the official one, a whole number of 0 or more; empty if it has none).
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from earmark.dataset import csv_files
from earmark.dataset.clip_lists import Clip
from earmark.runtime.errors import EarmarkError


class Row(NamedTuple):
    """A train clip. ``fold`` is -1 if it has no official fold."""

    clip: str
    label: str
    verified: int
    recording: str
    fold: int = -1


COLUMNS = Row._fields


def rows_of(clips: Iterable[Clip]) -> list[Row]:
    """The rows of clips as listed."""
    return [
        Row(clip.clip, clip.label, clip.verified, clip.recording, int(clip.fold or -1))
        for clip in clips
    ]


def to_csv_text(rows: Iterable[Row]) -> str:
    """The CSV of the rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*row[:4], row.fold if row.fold >= 0 else ""] for row in rows)
    return text.getvalue()


def read(path: str | Path) -> list[Row]:
    """Read listed.csv."""
    table = csv_files.read(path, COLUMNS, "table of train clips")
    cells = zip(*map(table.column, COLUMNS), strict=True)
    try:
        return [
            Row(clip, label, int(verified), recording, int(fold or -1))
            for clip, label, verified, recording, fold in cells
        ]
    except ValueError as problem:
        raise EarmarkError(
            f"The table of train clips {path} is damaged ({problem}). Delete it; the next run "
            f"recreates it."
        ) from problem
