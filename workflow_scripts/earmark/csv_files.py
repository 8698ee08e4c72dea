"""CSV files as people and spreadsheets write them, read with the standard library alone.

Byte order mark, any line ends, quotes, blank lines and commas at the end of lines are fine.
Whatever could shift or lose a value gets a sentence that says what to write.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark.errors import EarmarkError


@dataclass(frozen=True)
class CsvFile:
    """A header and the rows below it, each as long as the header; all values are text.

    ``lines`` has the number of the line that each row begins at, as an editor shows it.
    """

    columns: list[str]
    rows: list[list[str]]
    lines: list[int]


def read(path: str | Path, columns: Sequence[str], what: str) -> CsvFile:
    """Read a CSV in UTF-8 that has ``columns`` and maybe others; blank lines are left out.

    ``what`` names the file's role in messages. Raises EarmarkError when the file is absent,
    unreadable, or not such a table.
    """
    name = f"The {what} {path}"
    wanted = f"Its first line should be {','.join(columns)}."
    text = _text_of(path, name, wanted)
    found: CsvFile | None = None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            begin, line = line, reader.line_num + 1
            row = [value.strip() for value in row] if found is None else row
            if not any(value.strip() for value in row):
                continue
            if found is None:
                found = CsvFile(_header(row, columns, name, wanted), [], [])
                continue
            spare = len(row) - len(found.columns)
            if spare > 0 and any(value.strip() for value in row[-spare:]):
                raise EarmarkError(
                    f"{name}, line {begin}, has {len(row)} values for {len(found.columns)} columns."
                    f" {wanted} Put a value that has a comma in it between double quotes."
                )
            found.rows.append((row + [""] * -spare)[: len(found.columns)])
            found.lines.append(begin)
    except csv.Error as problem:
        raise EarmarkError(
            f"{name} cannot be read as a CSV file: {problem}, in what begins at line {line}. Is a "
            f"double quote open there? {wanted}"
        ) from problem
    if found is None:
        raise EarmarkError(f"{name} cannot be read as a CSV file: it is empty. {wanted}")
    return found


def _text_of(path: str | Path, name: str, wanted: str) -> str:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise EarmarkError(f"{name} does not exist.") from None
    except OSError as problem:
        raise EarmarkError(f"{name} cannot be read ({problem.strerror or problem}).") from problem
    save = "Save it as CSV in UTF-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise EarmarkError(
            f"{name} cannot be read as a CSV file: it is in UTF-16. {save}. {wanted}"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise EarmarkError(
            f"{name} cannot be read as a CSV file in UTF-8: line {line} has the byte "
            f"0x{content[problem.start]:02x}. {save}. {wanted}"
        ) from problem
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise EarmarkError(
            f"{name} cannot be read as a CSV file: line {line} has a zero byte. Is the file "
            f"damaged, or in UTF-16? {save}. {wanted}"
        )
    return text


def _header(row: list[str], columns: Sequence[str], name: str, wanted: str) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    missing = [column for column in columns if column not in row]
    if missing:
        hint = ""
        signs = {";": "semicolons", "\t": "tabs"}
        for sign, word in signs.items():
            if len(row) == 1 and sign in row[0]:
                hint = f" Its values are separated by {word}: save it with commas."
        likely = [column for column in row if column.casefold() == missing[0].casefold()]
        if likely:
            hint = f" Write '{missing[0]}' instead of '{likely[0]}'."
        raise EarmarkError(
            f"{name} lacks the column '{missing[0]}'; it has {', '.join(row)}.{hint} {wanted}"
        )
    twice = [column for column in columns if row.count(column) > 1]
    if twice:
        raise EarmarkError(f"{name} has the column '{twice[0]}' more than once. {wanted}")
    return row
