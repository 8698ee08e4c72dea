"""CSV files in and out: checked columns, no half-written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import csv_files
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file


def read_table(
    path: str | Path, columns: Sequence[str], what: str, numbers: Mapping[str, type] | None = None
) -> pd.DataFrame:
    """Read a CSV by ``csv_files.read``, with its checks and errors; cells are strings or numbers.

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    ``numbers`` maps columns, as far as they are there, to int or float. Raises EarmarkError for a
    cell of them that is not a number: the file was edited or damaged.
    """
    read = csv_files.read(path, columns, what)
    table = pd.DataFrame(read.rows, columns=read.columns, dtype=str)
    kinds = {name: kind for name, kind in (numbers or {}).items() if name in table.columns}
    try:
        return table.astype(kinds)
    except ValueError as problem:
        raise EarmarkError(
            f"The {what} {path} is damaged ({problem}). Delete it; the next run recreates it."
        ) from problem


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV (no index, LF line ends) that appears only when it is complete."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
