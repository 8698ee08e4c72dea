"""Annotations of recordings: Raven selection tables and Audacity label files, read and written.

A selection table (.txt with tabs) has Selection, Begin Time (s), End Time (s), a column of labels,
and perhaps Begin File, Begin Path and File Offset (s). A label file has a start, an end and a label
in each line, parted by tabs; lines that begin with a backslash, which hold frequencies, are left
out.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from earmark.dataset import csv_files, list_columns
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
BEGINNING = 10_000


class Annotation(NamedTuple):
    """A label from ``start`` to ``end`` in seconds; a point has both the same."""

    start: float
    end: float
    label: str
    probability: float | None = None


class Found(NamedTuple):
    """Annotations by their recordings, which are relative to the folder; and their ``tables``.

    A recording whose table has no rows is among them; those of the tables ``lost`` are not there.
    """

    recordings: dict[str, list[Annotation]]
    tables: list[Path]
    lost: list[Path]


def form_of(path: Path) -> str:
    """What a file is by its first lines: raven, audacity, or nothing."""
    try:
        with path.open("rb") as file:
            text = file.read(BEGINNING).decode("utf-8-sig", "replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    if {*map(simplified, lines[0].split("\t"))} >= {"selection", "begin_time_s", "end_time_s"}:
        return "raven"
    whole = lines if len(text) < BEGINNING else lines[:-1]
    labels = [line for line in whole if not line.startswith("\\")]
    return "audacity" if labels and all(map(LABEL_LINE.fullmatch, labels)) else ""


def read(path: Path) -> list[tuple[Annotation, list[str]]]:
    """The annotations in a file, each with the names that it gives their recording, if any."""
    if form_of(path) == "audacity":
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as problem:
            raise EarmarkError(
                f"{path} is not text in UTF-8. Export the labels again."
            ) from problem
        numbered = enumerate(text.splitlines(), start=1)
        lines = [(at, line) for at, line in numbered if line.strip() and line[0] != "\\"]
        return [(_annotation(path, at, *line.split("\t", 2)), []) for at, line in lines]
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
        found.append((one, names))
    return found


def _annotation(
    path: Path, line: int | str, start: str, end: str = "", label: str = ""
) -> Annotation:
    return Annotation(_seconds(path, line, start), _seconds(path, line, end), label.strip())


def _seconds(path: Path, line: int | str, cell: str) -> float:
    if not re.fullmatch(NUMBER, cell):
        raise EarmarkError(
            f"{path}, line {line}: '{printable(cell)}' is no time. Write it in seconds."
        )
    return float(cell.replace(",", "."))


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
    ``a.Table.1.selections.txt`` are of ``a.wav``, in the same folder or in another.
    """
    recordings: dict[str, list[Annotation]] = {}
    tables, lost = [], []
    for name in names:
        table = files.folder / name
        if not form_of(table):
            continue
        *folders, last = name.split("/")
        parts = last.split(".")
        called = [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
        rows = read(table)
        of_rows = [_recording(files, folders, given or called) for _, given in rows]
        for recording, (annotation, _) in zip(of_rows, rows, strict=True):
            if recording:
                recordings.setdefault(recording, []).append(annotation)
        if not rows and (recording := _recording(files, folders, called)):
            of_rows = [recording]
            recordings.setdefault(recording, [])
        tables += [table] if any(of_rows) else []
        lost += [table] if None in of_rows or not of_rows else []
    return Found(recordings, tables, lost)


def _recording(files: SoundFiles, folders: Sequence[str], names: Iterable[str]) -> str | None:
    """The sound file of one of these names, rather in these folders than elsewhere."""
    places = ["/".join(folders[count:]) for count in range(len(folders) + 1)]
    tried = (f"{place}/{name}" if place else name for name in names for place in places)
    return next((file for file in map(files.find, tried) if file and is_sound(file)), None)


def to_text(form: str, found: Iterable[Annotation], recording: str, highest_hz: float) -> str:
    """A file of the ``form`` raven or audacity with annotations of a recording."""
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
