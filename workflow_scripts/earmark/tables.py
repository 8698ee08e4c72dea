"""CSV files in and out: checked columns, no half-written files."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from earmark.errors import EarmarkError


def read_table(path: str | Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """Read a CSV as text (no value is guessed to be a number or missing).

    ``columns`` must all be there; others are kept. ``what`` names the file's role in messages.
    Raises EarmarkError when the file is absent, unreadable or lacks a column.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
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
    return table


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV (no index, LF line ends) that appears only when it is whole."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` on success and goes away on failure.

    Raises EarmarkError when the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except (PermissionError, FileExistsError, NotADirectoryError) as problem:
        raise EarmarkError(
            f"The output {path} cannot be written ({problem}). Make its folder writable, or run "
            f"in another folder with `snakemake --directory`."
        ) from problem
    finally:
        temporary.unlink(missing_ok=True)
