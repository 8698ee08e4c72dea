"""CSV files as people and programs write them: read strictly, so that nothing is lost silently.

The one reader of all tables. It needs the standard library alone, so that planning stays fast.
"""

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from earmark.runtime.errors import EarmarkError, did_you_mean, printable

SAVE_AS = "In a spreadsheet, save it as 'CSV UTF-8 (comma delimited)'."
# Between cells: of lists that people write, the one that divides the first line into most columns.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# Problems of a file that an error shows.
MOST_PROBLEMS = 10

Result = TypeVar("Result")


class Table(NamedTuple):
    """A table of strings: each of ``rows`` has a cell for each of ``columns``.

    ``name`` is what messages call the file; ``lines`` are the numbers of the lines on which the
    rows begin, as an editor shows them, or words for where they are.
    """

    name: str
    columns: list[str]
    rows: list[list[str]]
    lines: list[int | str]

    def column(self, name: str) -> list[str]:
        """The cells of a column; empty ones if there is no such column."""
        if name not in self.columns:
            return [""] * len(self.rows)
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def checked(
        self,
        columns: Sequence[str],
        check: Callable[..., Result],
        problems: list[tuple[int | str, EarmarkError]] | None = None,
    ) -> list[Result]:
        """What ``check`` returns for each row; it gets the line and the cells of ``columns``.

        One EarmarkError has the problems of all rows for which it raises one; with ``problems``,
        (line, problem) of each is appended to these instead.
        """
        results = []
        found: list[tuple[int | str, EarmarkError]] = []
        for line, *cells in zip(self.lines, *map(self.column, columns), strict=True):
            try:
                results.append(check(line, *cells))
            except EarmarkError as problem:
                found.append((line, problem))
        if problems is not None:
            problems += found
        elif found:
            raise EarmarkError("\n".join([f"{self.name} cannot be used.", *_listed(found)]))
        return results


def _listed(found: Sequence[tuple[int | str, EarmarkError]]) -> Iterator[str]:
    """Lines of an error, one for each problem; of one that several rows have, with their number."""
    rows: dict[str, list[int | str]] = {}
    for line, problem in found:
        rows.setdefault(str(problem), []).append(line)
    for sentence, lines in list(rows.items())[:MOST_PROBLEMS]:
        where = f"line {lines[0]}" if isinstance(lines[0], int) else lines[0]
        several = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        yield f"- {where}{several}: {sentence}"
    if len(rows) > MOST_PROBLEMS:
        yield f"- and {len(rows) - MOST_PROBLEMS} more problems"


def read(
    path: str | Path,
    columns: Sequence[str],
    what: str,
    by_hand: bool = False,
    most_bytes: int = -1,
) -> Table:
    """Read a CSV file as strings: no value is taken for a number or for missing.

    ``columns`` must all be there; others are kept, but for those without a name. ``what`` is the
    file's role in messages. Blank lines are left out, and cells that a line lacks are empty. Files
    written ``by_hand`` may have semicolons or tabs for commas, and spaces around their cells, which
    are removed. The text is in UTF-8, or in UTF-16 with a byte order mark. With
    ``most_bytes``, only whole lines among the first of them are read.
    Raises EarmarkError when the file is absent or unreadable, lacks a column or names one twice,
    and when a line has more cells than there are columns or seems to be hidden in a quoted cell.
    """
    name = f"The {what} {path}"
    wanted = ",".join(columns) or "the names of the columns"
    first_line = f"Its first line should be {wanted}."
    text = text_of(Path(path), name, most_bytes)
    delimiter, text = _delimiter_of(text) if by_hand else (",", text)
    records = _records(text, name, delimiter, by_hand)
    header = [cell.strip() for cell in next(records, (1, []))[1]]
    _check_header(header, columns, name, first_line)
    width = len(header)
    kept = [index for index, column in enumerate(header) if column]
    table = Table(name, [header[index] for index in kept], [], [])
    for line, cells in records:
        if by_hand:
            cells = [*map(str.strip, cells)]
        if len(cells) != width:
            if "".join(cells[width:]).strip():
                raise EarmarkError(
                    f"{name}, line {line}, has {len(cells)} cells under {width} columns. Put a "
                    f"cell that has {DELIMITERS.get(delimiter, delimiter)} in quotes. {first_line}"
                )
            cells = cells[:width] + [""] * (width - len(cells))
        table.rows.append(cells if len(kept) == width else [cells[index] for index in kept])
        table.lines.append(line)
    return table


def to_text(rows: Iterable[Sequence[Any]]) -> str:
    """The CSV of rows, with LF line ends; any text in a cell is read back as it was."""
    lines: list[str] = []
    # The writer quotes a lone CR only if its own line ends have one.
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n").writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines)


def _delimiter_of(text: str) -> tuple[str, str]:
    """The delimiter, and the text without the line in which Excel tells it.

    Untold, it is the one that divides the first line that is not blank into most columns.
    """
    told = re.match(r'"?sep=(.)"?(?=\r|\n)', text)
    if told:
        return told[1], text[told.end() :]
    first = io.StringIO(text.lstrip(), newline=None).readline()

    def columns(delimiter: str) -> int:
        # A broken quote is reported by the reader.
        return len(next(csv.reader([first], delimiter=delimiter), []))

    return max(DELIMITERS, key=columns), text


def text_of(path: Path, name: str, most: int = -1) -> str:
    """The text of a file, or of whole lines in its first bytes; ``name`` is what messages call it.

    Raises EarmarkError as ``read``.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise EarmarkError(f"{name} is a pipe or device. Write what it gives to a file.")
        with path.open("rb") as file:
            content = file.read(most)
    except OSError as problem:
        raise EarmarkError(
            f"{name} cannot be read ({problem.strerror}). Check its path and permissions."
        ) from problem
    if len(content) == most:
        content = content.rpartition(b"\n")[0]
        while content.count(b'"') % 2:  # within a cell
            content = content.rpartition(b"\n")[0]
        if content.startswith(codecs.BOM_UTF16_BE):  # half a line feed is left
            content = content[:-1]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("utf-16")
    # Zero bytes: damage, or UTF-16 without its mark.
    odd = content.find(b"\0")
    if odd < 0:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            content, odd = problem.object, problem.start
    line = content.count(b"\n", 0, odd) + 1
    raise EarmarkError(
        f"{name} is not text in UTF-8: line {line} has the byte 0x{content[odd]:02x}. Save "
        f"it in UTF-8. {SAVE_AS}"
    )


def _records(
    text: str, name: str, delimiter: str, by_hand: bool
) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the number of its first line."""
    # newline="": lines may end with LF, CRLF or, as on old Macs, CR.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, strict=True, skipinitialspace=by_hand, delimiter=delimiter)
    width, line = None, 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                width = width or len(cells)
                if by_hand and reader.line_num > line and _hides_lines(cells, delimiter, width):
                    raise EarmarkError(
                        f"{name}, line {line}, has a quote that takes in what look like further "
                        f"lines, up to line {reader.line_num}. Close or remove the quote; if these "
                        f"lines belong to one cell, put them on one line."
                    )
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as problem:
        raise EarmarkError(
            f"{name}, line {line}, is not a line of a CSV file ({printable(str(problem))}). "
            f"Close the quote or remove it; write a quote within a quoted cell twice."
        ) from None


def _hides_lines(cells: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether a line within a cell has as many delimiters as the header: a quote was left open."""
    inside = (part for cell in cells for part in cell.splitlines()[1:])
    return any(part.count(delimiter) >= width - 1 for part in inside)


def _check_header(header: list[str], columns: Sequence[str], name: str, first_line: str) -> None:
    twice = next((column for column in header if column and header.count(column) > 1), None)
    if twice is not None:
        raise EarmarkError(
            f"{name} has the column '{printable(twice)}' more than once. Keep one, or rename the "
            f"other."
        )
    missing = [column for column in columns if column not in header]
    if missing:
        # A single column: most often the separators are not commas.
        hint = f" {SAVE_AS}" if len(header) == 1 else ""
        meant = did_you_mean(missing[0], header)
        raise EarmarkError(
            f"{name} lacks the column '{missing[0]}'; it has "
            f"'{printable(', '.join(header), 200)}'.{meant} {first_line}{hint}"
        )
