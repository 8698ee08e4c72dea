"""CSV files in and out: checked columns, no half-written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import csv_files
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import whole_file


def read_table(path: str | Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """Read a CSV as text, with the strictness and the errors of ``csv_files.read``.

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    """
    found = csv_files.read(path, columns, what)
    return pd.DataFrame(found.rows, columns=found.columns, dtype=str)


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
