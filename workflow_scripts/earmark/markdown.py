"""Tables as GitHub Markdown, written beside their CSV."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from earmark import tables

MISSING = "\N{EN DASH}"
# Cells are padded to a common width up to this many characters; prose would make rows of it.
PADDED = 32
NUMBERS = re.compile(r"[-+<]? ?\d[\d., ]*")


def table(frame: pd.DataFrame, digits: int = 3) -> str:
    """Return ``frame`` as a Markdown table, one line per row, without its index.

    Whole-number columns are written as they are, other numbers with ``digits`` decimals, missing
    values as an en dash. Columns of numbers, also as text, are right aligned. Underscores in
    column names become spaces.
    """
    columns = []
    for position, name in enumerate(frame.columns):
        cells = [_cell(value, digits) for value in frame.iloc[:, position]]
        known = [cell for cell in cells if cell != MISSING]
        numeric = pd.api.types.is_numeric_dtype(frame.dtypes.iloc[position])
        right = numeric or (bool(known) and all(NUMBERS.fullmatch(cell) for cell in known))
        heading = _escaped(str(name).replace("_", " "))
        width = max(3, *(min(PADDED, len(cell)) for cell in [heading, *cells]))
        rule = "-" * (width - 1) + (":" if right else "-")
        columns.append(
            [cell.rjust(width) if right else cell.ljust(width) for cell in [heading, rule, *cells]]
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*columns, strict=True))


def section(title: str, frame: pd.DataFrame, digits: int = 3, remarks: Iterable[str] = ()) -> str:
    """Return a heading, the remarks as a paragraph each, and the table."""
    return "\n".join(
        [f"## {title}\n", *(f"{remark}\n" for remark in remarks), table(frame, digits)]
    )


def write_both(
    frame: pd.DataFrame, sections: Sequence[str], csv: str | Path, markdown: str | Path
) -> None:
    """Write ``frame`` as CSV and ``sections``, which show the same, as Markdown."""
    tables.write_table(frame, csv)
    with tables.whole_file(markdown) as temporary:
        temporary.write_text("\n".join(sections), encoding="utf-8", newline="\n")


def _cell(value: Any, digits: int) -> str:
    if pd.isna(value) or value == "":
        return MISSING
    # z: what rounds to zero has no sign.
    return f"{value:z.{digits}f}" if isinstance(value, float) else _escaped(str(value))


def _escaped(text: str) -> str:
    # The backslash first: before a pipe it would undo the pipe's own.
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
