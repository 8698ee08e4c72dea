"""CSV files as people and programs write them: read strictly, so that nothing is lost silently.

The one reader of all tables. It needs the standard library alone, so that planning stays fast.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from earmark.runtime.errors import EarmarkError, shown

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SAVE_AS = "In a spreadsheet, save it as 'CSV UTF-8 (comma delimited)'."


class Table(NamedTuple):
    """A table of text: each of ``rows`` has a cell for each of ``columns``.

    ``lines`` are the numbers of the lines on which the rows begin, as an editor shows them.
    """

    columns: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The cells of a column; empty ones if there is no such column."""
        if name not in self.columns:
            return [""] * len(self.rows)
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def read(path: str | Path, columns: Sequence[str], what: str, by_hand: bool = False) -> Table:
    """Read a CSV file in UTF-8 as text: no value is guessed to be a number or missing.

    ``columns`` must all be there; others are kept, but for those without a name. ``what`` is the
    file's role in messages. Blank lines are left out, and cells that a line lacks are empty. Files
    written ``by_hand`` may have spaces around their cells, which go.
    Raises EarmarkError when the file is absent or unreadable, lacks a column or names one twice,
    and when a line has more cells than there are columns or seems to be hidden in a quoted cell.
    """
    name = f"The {what} {path}"
    first_line = f"Its first line should be {','.join(columns)}."
    records = _records(_text(Path(path), name), name, by_hand)
    _, header = next(records, (0, None))
    if header is None:
        raise EarmarkError(f"{name} cannot be read as a CSV file: it is empty. {first_line}")
    header = [cell.strip() for cell in header]
    _check_header(header, columns, name, first_line)
    width = len(header)
    kept = [index for index, column in enumerate(header) if column]
    table = Table([header[index] for index in kept], [], [])
    for line, cells in records:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise EarmarkError(
                f"{name}, line {line}, has {len(cells)} cells under {width} columns, so that "
                f"nobody knows which is which. Put a cell that has commas in quotes. {first_line}"
            )
        if by_hand:
            cells = [cell.strip() for cell in cells]
        cells += [""] * (width - len(cells))
        table.rows.append([cells[index] for index in kept])
        table.lines.append(line)
    return table


def _text(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise EarmarkError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise EarmarkError(f"{name} is a folder. Put a CSV file in its place.") from None
    except OSError as problem:
        raise EarmarkError(
            f"{name} cannot be read ({problem.strerror}). Allow yourself to read it."
        ) from problem
    cannot = f"{name} cannot be read as a CSV file in UTF-8"
    if content.startswith(UTF16):
        raise EarmarkError(f"{cannot}: it is in UTF-16. {SAVE_AS}")
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise EarmarkError(
            f"{cannot}: line {line} has a zero byte, so it is damaged or no text. {SAVE_AS}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        raise EarmarkError(
            f"{cannot}: line {line} has the byte 0x{problem.object[problem.start]:02x}, as files "
            f"in Latin-1 or of old spreadsheets have. {SAVE_AS}"
        ) from problem


def _records(text: str, name: str, by_hand: bool) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the number of its first line."""
    # Given so, lines end with LF, CRLF or, as on old Macs, CR.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=by_hand)
    width = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise EarmarkError(
                f"{name} cannot be read as a CSV file: line {line} {_reason(str(problem))}."
            ) from None
        if not any(cell.strip() for cell in cells):
            continue
        width = width or len(cells)
        if by_hand and reader.line_num > line and _hides_a_line(cells, width):
            raise EarmarkError(
                f"{name}, line {line}, has a quote that takes in what look like lines of their "
                f"own, up to line {reader.line_num}. Close or remove the quote; if these lines "
                f"belong to one cell, put them on one line."
            )
        yield line, cells


def _reason(problem: str) -> str:
    if "end of data" in problem:
        return "opens a quote that is never closed; close it or remove it"
    if "expected after" in problem:
        return "goes on after a closing quote; write a quote within a quoted cell twice"
    if "field limit" in problem:
        return "has a cell that is far too long; look for a quote that is not closed"
    return f"is no line of a CSV file ({problem})"


def _hides_a_line(cells: list[str], width: int) -> bool:
    """Whether a cell of several lines has one with as many commas as the header."""
    inside = (part for cell in cells for part in cell.splitlines()[1:])
    return any(part.count(",") >= width - 1 for part in inside)


def _check_header(header: list[str], columns: Sequence[str], name: str, first_line: str) -> None:
    twice = next((column for column in header if column and header.count(column) > 1), None)
    if twice is not None:
        raise EarmarkError(
            f"{name} has the column '{shown(twice)}' more than once. Keep one, or rename the other."
        )
    missing = [column for column in columns if column not in header]
    if not missing:
        return
    if len(header) == 1:
        for separator, word in SEPARATORS.items():
            if header[0].count(separator) >= len(columns) - 1 and separator in header[0]:
                raise EarmarkError(
                    f"{name} lacks the column '{missing[0]}': its cells are separated by {word}, "
                    f"not by commas. {SAVE_AS}"
                )
    near = [column for column in header if column.casefold() == missing[0].casefold()]
    if near:
        raise EarmarkError(
            f"{name} lacks the column '{missing[0]}'; it has '{near[0]}'. Write the name in small "
            f"letters. {first_line}"
        )
    raise EarmarkError(
        f"{name} lacks the column '{missing[0]}'; it has {shown(', '.join(header), 200)}. "
        f"{first_line}"
    )
