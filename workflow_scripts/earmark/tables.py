"""CSV files in and out: checked columns, no half-written files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from earmark.errors import EarmarkError
from earmark.outputs import whole_file


def read_table(
    path: str | Path, columns: Sequence[str], what: str, numbered: bool = False
) -> pd.DataFrame:
    """Read a CSV as text (no value is guessed to be a number or missing).

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    Blank lines are left out. With ``numbered``, the index is the line number in the file.
    Raises EarmarkError when the file is absent, unreadable or lacks a column.
    """
    path = Path(path)
    try:
        table = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
            skip_blank_lines=False,
        )
    except FileNotFoundError:
        raise EarmarkError(f"The {what} {path} does not exist.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as problem:
        raise EarmarkError(
            f"The {what} {path} cannot be read as a CSV file in UTF-8: {str(problem).strip()}. "
            f"Its first line should be {','.join(columns)}."
        ) from problem
    table.columns = [str(name).strip() for name in table.columns]
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise EarmarkError(
            f"The {what} {path} lacks the column '{missing[0]}'; it has "
            f"{', '.join(table.columns)}. Its first line should be {','.join(columns)}."
        )
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table[(table != "").any(axis=1)]
    return table if numbered else table.reset_index(drop=True)


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
