"""Annotations of recordings: Raven selection tables and Audacity label files, read and written.

A selection table (.txt with tabs) has Selection, Begin Time (s), End Time (s), a column of labels,
and perhaps Begin File, Begin Path and File Offset (s). A label file has a start, an end and a label
in each line, parted by tabs; lines that begin with a backslash, which hold frequencies, are left
out.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from earmark.dataset import clip_lists, csv_files, list_columns
from earmark.dataset.csv_files import Table
from earmark.dataset.list_columns import simplified
from earmark.dataset.sound_files import SoundFiles, is_sound
from earmark.runtime.errors import EarmarkError, printable

# The class of stretches without annotation.
BACKGROUND = "background"
# The endings of the files that are written for a recording.
ENDINGS = {"raven": ".Table.1.selections.txt", "audacity": ".txt"}
HEADER = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)"),
    *("High Freq (Hz)", "Begin File", "Annotation", "Probability"),
)
LABELS = ("annotation", *list_columns.LABEL.split())
# Columns that Raven has itself; those of measurements have a unit in brackets, or numbers.
OWN_COLUMN = re.compile(r"(selection|view|channel|begin|end|file|notes?|comments?)(_.*)?|.*\)")
NUMBER = r"\s*[+-]?\d+([.,]\d*)?([eE][+-]?\d+)?\s*"
LABEL_LINE = re.compile(rf"({NUMBER})\t({NUMBER})\t.*")
# What may be meant as one.
SIMILAR_LINE = re.compile(r"\s*[+-]?\d[\d.,]*\s+[+-]?\d.*|.*\t.*")
BEGINNING = 10_000
Line = int | str


class Annotation(NamedTuple):
    """A label from ``start`` to ``end`` in seconds; a point has both the same."""

    start: float
    end: float
    label: str
    probability: float | None = None


class Found(NamedTuple):
    """Annotations by their recordings, which are relative to the folder; and their ``tables``.

    A recording whose table has no rows is among them. ``lost`` are tables of recordings that are
    not there, each with a sentence about one; ``faulty`` are sentences on files that are called
    like a recording and have something like annotations.
    """

    recordings: dict[str, list[Annotation]]
    tables: list[Path]
    lost: dict[Path, str]
    faulty: list[str]


def form_of(path: Path) -> str:
    """What a file is by its first lines: raven, audacity, or nothing."""
    lines = _beginning(path)
    if not lines:
        return ""
    if {*map(simplified, lines[0].split("\t"))} >= {"selection", "begin_time_s", "end_time_s"}:
        return "raven"
    return "audacity" if all(map(LABEL_LINE.fullmatch, lines)) else ""


def _beginning(path: Path) -> list[str] | None:
    """The first lines of a file, as ``_lines``; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(BEGINNING)
    except OSError:
        return None
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    lines = [line for _, line in _lines(text)]
    return lines if len(content) < BEGINNING else lines[:-1] or lines


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that are not blank and have more than frequencies, with their numbers."""
    # Not by splitlines: a label may have characters that also end lines for it.
    numbered = enumerate(io.StringIO(text, newline=None), start=1)
    return [(at, line.rstrip("\n")) for at, line in numbered if line.strip() and line[0] != "\\"]


def read(path: Path) -> list[tuple[Annotation, list[str], Line]]:
    """The annotations in a file, each with the names that it gives their recording, and its line.

    Raises EarmarkError for a line that has none.
    """
    if form_of(path) != "raven":
        text = csv_files.text_of(path, f"The label file {path}")
        return [(_label(path, at, line), [], at) for at, line in _lines(text)]
    table = csv_files.read(path, [], "selection table", by_hand=True)
    by_name = {simplified(name): name for name in table.columns}
    labels = table.column(_label_column(table, by_name)) if table.rows else []
    roles = ("begin_time_s", "end_time_s", "file_offset_s", "begin_path", "begin_file")
    cells = (table.column(by_name.get(role, "")) for role in roles)
    found = []
    for at, label, start, end, offset, *given in zip(table.lines, labels, *cells, strict=True):
        one = _annotation(path, at, start, end, label)
        names = [name for name in (*given, PureWindowsPath(given[0]).name) if name]
        if names and offset:  # of files that were opened as one, whose times count from the first
            begin = _seconds(path, at, offset)
            one = one._replace(start=begin, end=begin + one.end - one.start)
        found.append((one, names, at))
    return found


def _label(path: Path, line: int, text: str) -> Annotation:
    if text.count("\t") < 2:
        raise EarmarkError(
            f"{path}, line {line}: '{printable(text)}' is no label. Write its start, its end and "
            f"its name, with tabs between them; or give a file without labels another name."
        )
    return _annotation(path, line, *text.split("\t", 2))


def _annotation(path: Path, line: Line, start: str, end: str, label: str) -> Annotation:
    return Annotation(_seconds(path, line, start), _seconds(path, line, end), label.strip())


def _seconds(path: Path, line: Line, cell: str) -> float:
    seconds = float(cell.replace(",", ".")) if re.fullmatch(NUMBER, cell) else math.nan
    if not abs(seconds) < clip_lists.LATEST:
        raise EarmarkError(
            f"{path}, line {line}: '{printable(cell)}' is no time. Write it in seconds."
        )
    return seconds


def _label_column(table: Table, by_name: dict[str, str]) -> str:
    """The column of labels of a selection table: a usual name, or the only other one of words."""
    usual = [by_name[name] for name in LABELS if name in by_name]
    usual.sort(key=lambda column: not any(table.column(column)))  # those with labels first
    others = [
        column
        for name, column in by_name.items()
        if not OWN_COLUMN.fullmatch(name)
        and not OWN_COLUMN.fullmatch(column)
        and not all(re.fullmatch(NUMBER, cell) for cell in table.column(column) if cell)
    ]
    if not usual and len(others) != 1:
        raise EarmarkError(
            f"{table.name} does not say which column has the labels; it has "
            f"{printable(', '.join(table.columns), 200)}. Name it 'Annotation'."
        )
    return (usual or others)[0]


def candidates(files: SoundFiles) -> list[str]:
    """The files that may hold annotations, by their endings."""
    return [name for name in files.names if name.lower().endswith((".txt", ".tsv"))]


def find(files: SoundFiles, names: Iterable[str]) -> Found:
    """The annotations in those of the ``files`` that have these names.

    Recordings that no column names are called like the file of annotations: ``a.txt`` and
    ``a.Table.1.selections.txt`` are of ``a.wav``, in the same folder or in another. Beside others,
    an empty file that is called so says that there is nothing to annotate.
    """
    found = Found({}, [], {}, [])
    unlike = []
    for name in names:
        if form_of(files.folder / name):
            _add(found, files, name, read(files.folder / name))
        else:
            unlike.append(name)
    for name in unlike:
        with suppress(EarmarkError):  # several recordings are called so
            if not _recording(files, name):
                continue
            lines = _beginning(files.folder / name)
            if lines is None or any(map(SIMILAR_LINE.fullmatch, lines)):
                try:
                    read(files.folder / name)
                except EarmarkError as problem:
                    found.faulty.append(str(problem))
            elif found.tables and not lines:
                _add(found, files, name, [])
    return found


def _add(
    found: Found,
    files: SoundFiles,
    name: str,
    rows: Sequence[tuple[Annotation | None, list[str], Line]],
) -> None:
    """Add the rows of a file to what is ``found``."""
    table = files.folder / name
    for one, given, line in rows or [(None, [], 1)]:
        try:
            recording = _recording(files, name, given)
            called = recording or _recording(files, name)
        except EarmarkError as problem:
            raise EarmarkError(f"{table}, line {line}: {problem}") from None
        if recording:
            found.recordings.setdefault(recording, []).extend([one] if one else [])
            found.tables.extend([table] if table not in found.tables[-1:] else [])
        elif given:
            hint = f" If it is {called}, write that." if called else ""
            reason = f"{table}, line {line}: there is no recording {printable(given[-1])}.{hint}"
            found.lost.setdefault(table, reason)
        else:
            found.lost[table] = f"{table} is not named like a recording."


def _recording(files: SoundFiles, name: str, given: Sequence[str] = ()) -> str | None:
    """The sound file of one of the names ``given`` in the file ``name``, or else called like it.

    It is rather in the same folder, or one around it, than elsewhere.
    """
    *folders, last = name.split("/")
    parts = last.split(".")
    names = given or [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
    places = ["/".join(folders[count:]) for count in range(len(folders) + 1)]
    tried = (f"{place}/{name}" if place else name for name in names for place in places)
    return next((file for file in map(files.find, tried) if file and is_sound(file)), None)


def to_text(form: str, found: Iterable[Annotation], recording: str, highest_hz: float) -> str:
    """A file of the ``form`` raven or audacity with annotations of a recording."""
    if not recording.isprintable():  # a table cannot have it: its own name says which it is of
        recording = ""
    times = [(f"{one.start:.6f}", f"{one.end:.6f}", one) for one in found]
    if form == "audacity":
        return "".join(f"{start}\t{end}\t{one.label}\n" for start, end, one in times)
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(HEADER)
    for number, (start, end, one) in enumerate(times, start=1):
        place = (number, "Spectrogram 1", 1, start, end, 0, highest_hz, recording)
        writer.writerow((*place, one.label, one.probability))
    return text.getvalue()
