"""CSV files in and out: checked columns, no half-written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from earmark import csv_files
from earmark.outputs import whole_file


def read_table(
    path: str | Path, columns: Sequence[str], what: str, numbered: bool = False
) -> pd.DataFrame:
    """Read a CSV as text (no value is guessed to be a number or missing).

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    Blank lines are left out. With ``numbered``, the index is the line number in the file.
    Raises EarmarkError when the file is absent, unreadable or lacks a column.
    """
    found = csv_files.read(path, columns, what)
    index = pd.Index(found.lines) if numbered else pd.RangeIndex(len(found.rows))
    table = pd.DataFrame(found.rows, index, found.columns, dtype=str)
    # Other columns may have any name, and one twice: the first of them is kept.
    return table.loc[:, ~table.columns.duplicated()]


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV (no index, LF line ends) that appears only when it is whole."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def to_numbers(
    table: pd.DataFrame, kinds: Mapping[str, type], path: str | Path, what: str
) -> pd.DataFrame:
    """Return a table of ours, read from ``path``, with columns made int or float.

    Raises EarmarkError for what is not a number: somebody or something has changed the file.
    """
    try:
        return table.astype(dict(kinds))
    except ValueError as problem:
        raise EarmarkError(
            f"The {what} {path} is damaged ({problem}). Delete it; the next run makes it anew."
        ) from problem
