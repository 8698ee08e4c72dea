"""Tables as people read them: GitHub Markdown, written beside the CSV."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from earmark.dataset import tables
from earmark.runtime.outputs import whole_file

MISSING = "\N{EN DASH}"
# Cells are padded to a common width up to this many characters; prose would make rows of it.
PADDED = 32
# What Markdown would pass on as a tag or a character's name.
HTML = re.compile(r"<(?=[a-zA-Z/!?])|&(?=#?\w+;)")
NUMBERS = re.compile(r"[-+<]? ?\d[\d., ]*(to -?\d[\d.]*)?")


@dataclass(frozen=True)
class Section:
    """A table to be read: its title, remarks above it, and the decimals of its numbers."""

    title: str
    frame: pd.DataFrame
    digits: int = 3
    remarks: Sequence[str] = ()


class Column(NamedTuple):
    """A column as text; ``right``: it holds numbers and is aligned to the right."""

    heading: str
    cells: list[str]
    right: bool


def columns_of(frame: pd.DataFrame, digits: int = 3) -> list[Column]:
    """Return what a reader sees of ``frame``, without its index.

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
        columns.append(Column(_one_line(str(name).replace("_", " ")), cells, right))
    return columns


def table(frame: pd.DataFrame, digits: int = 3) -> str:
    """Return ``frame`` as a Markdown table, one line per row, with the text of ``columns_of``."""
    columns = []
    for column in columns_of(frame, digits):
        texts = [_escaped(text) for text in (column.heading, *column.cells)]
        width = max(3, *(min(PADDED, len(text)) for text in texts))
        texts.insert(1, "-" * (width - 1) + (":" if column.right else "-"))
        columns.append([text.rjust(width) if column.right else text.ljust(width) for text in texts])
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*columns, strict=True))


def section(shown: Section) -> str:
    """Return a heading, the remarks as a paragraph each, and the table."""
    return "\n".join(
        [
            f"## {shown.title}\n",
            *(f"{remark}\n" for remark in shown.remarks),
            table(shown.frame, shown.digits),
        ]
    )


def write_both(
    frame: pd.DataFrame, sections: Sequence[Section], csv: str | Path, markdown: str | Path
) -> None:
    """Write ``frame`` as CSV and ``sections``, which show the same, as Markdown."""
    tables.write_table(frame, csv)
    with whole_file(markdown) as temporary:
        text = "\n".join(section(shown) for shown in sections)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _cell(value: Any, digits: int) -> str:
    if pd.isna(value) or value == "":
        return MISSING
    # z: what rounds to zero has no sign.
    return f"{value:z.{digits}f}" if isinstance(value, float) else _one_line(str(value))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    # The backslash first: before a pipe it would undo the pipe's own.
    text = text.replace("\\", "\\\\").replace("|", "\\|")
    return HTML.sub(r"\\\g<0>", text)
