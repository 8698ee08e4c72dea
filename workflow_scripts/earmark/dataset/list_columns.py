"""Which column of a list says what, by the columns' names and by what is in them."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from earmark.dataset.clip_lists import MOST_FOLDS, SPLITS, VERIFIED, split_in
from earmark.dataset.csv_files import Table

# The cells that are looked at to find the column of files, and the share that must name one.
CELLS, SHARE = 200, 0.5
FEWEST_RECORDINGS = 5

# Usual names of columns, simplified as by `simplified`; of several, the first in this order.
FILE = (
    "file filename file_name fname path filepath file_path slice_file_name begin_file clip audio "
    "wav id name"
)
LABEL = (
    "label labels category class class_name classname class_label primary_label scene_label "
    "species species_name genre tag tags event event_label event_labels command word emotion "
    "common_name scientific_name ebird_code target"
)
RECORDING = (
    "recording recording_id src_file source source_file fsid freesound_id speaker speaker_id "
    "session ytid"
)
UNITS = ("", "_s", "_sec", "_secs", "_seconds", "_time", "_time_s", "_time_sec", "_time_seconds")
START = [f"{word}{unit}" for word in ("start", "onset", "begin") for unit in UNITS]
END = [f"{word}{unit}" for word in ("end", "offset", "stop") for unit in UNITS]
OTHER_UNIT = re.compile(r"(start|onset|begin|end|offset|stop)(_time)?_(ms|msec|samples?|frames?)")
# UrbanSound8K's start and end are times in the recording that its files were cut from.
CUT_ALREADY = {"slice_file_name", "fsid", "salience"}
# FSD50K's labels come with all of their parents.
WITH_PARENTS = {"fname", "labels", "mids"}

# The sound file that a name in a list means; empty if it could be several, None if there is none.
Finder = Callable[[str], str | None]


def columns_of(table: Table, find: Finder) -> dict[str, str]:
    """Role -> column of a list, by the columns' names and cells."""
    by_name = {simplified(column): column for column in reversed(table.columns)}
    columns: dict[str, str] = {}

    def choose(role: str, names: Iterable[str], fits: Callable[[Sequence[str]], bool]) -> None:
        if role in columns:
            return
        for name in names.split() if isinstance(names, str) else names:
            column = by_name.get(name)
            if column and column not in columns.values() and fits(table.column(column)):
                columns[role] = column
                return

    file = _file_column(table, find)
    if file:
        columns["file"] = file
    choose("label", "label", any)
    # Numbers of classes are taken only where there are no names.
    choose("label", LABEL, lambda cells: not all(cell.isdigit() for cell in cells if cell))
    choose("label", LABEL, lambda cells: True)
    # What these names promise is never left out silently: where a cell fits not, reading says so.
    verified = "verified manually_verified"
    choose("verified", f"{verified} is_verified curated checked", _all_in(VERIFIED))
    choose("verified", verified, lambda cells: True)
    choose("split", "split subset partition set fold", lambda cells: all(map(split_in, {*cells})))
    choose("split", "split", lambda cells: True)
    choose("split", by_name, _are_mostly_splits)
    choose("split", "is_test is_train is_validation is_val", lambda cells: True)
    choose("fold", "fold folds fold_id cv_fold", lambda cells: 2 <= len({*cells}) <= MOST_FOLDS)
    # Fewer are names of collections, say, which folds could not keep together.
    choose("recording", "recording recording_id", lambda cells: len({*cells} - {""}) > 1)
    choose("recording", RECORDING, lambda cells: len({*cells}) >= FEWEST_RECORDINGS)
    choose("recording", "speaker speaker_id session", lambda cells: len({*cells} - {""}) > 1)
    if not by_name.keys() >= CUT_ALREADY:
        choose("start", START, lambda cells: True)
        choose("end", END, lambda cells: True)
        if not {"start", "end"} & columns.keys():
            choose("start", filter(OTHER_UNIT.fullmatch, by_name), any)
    return columns


def seems_labelled(path: Path) -> bool:
    """Whether the first lines of a file that is no table have the usual name of a label column.

    Of a file that cannot be read, it cannot be told.
    """
    try:
        with path.open("rb") as file:
            lines = file.read(10_000).replace(b"\0", b"").splitlines()[:5]
    except OSError:
        return True
    cells = re.split(r"[,;\t]", ",".join(line.decode("latin-1") for line in lines))
    return not {*map(simplified, cells)}.isdisjoint(LABEL.split())


def simplified(column: str) -> str:
    """A column's name in lower case, with one underscore for what is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def _all_in(known: Iterable[str]) -> Callable[[Sequence[str]], bool]:
    return lambda cells: all(cell.lower() in known for cell in cells)


def _are_mostly_splits(cells: Sequence[str]) -> bool:
    """Whether most cells are words for splits, with those for train and test among them."""
    splits = [SPLITS[cell.lower()] for cell in cells if cell.lower() in SPLITS]
    return {*splits} >= {"train", "test"} and len(splits) * 2 >= len(cells)


def have_several_labels(cells: Sequence[str]) -> bool:
    """Whether commas in a column of labels part labels that are there by themselves too."""
    alone = {*cells}
    several = ({part.strip() for part in cell.split(",")} for cell in alone if "," in cell)
    return any(labels <= alone for labels in several)


def _file_column(table: Table, find: Finder) -> str | None:
    """The first column, those with usual names before others, whose cells name sound files.

    If its names fit several files, and another usual column has more that fit one, it is that. If
    there is none, the one with a usual name.
    """
    by_name = {simplified(column): column for column in reversed(table.columns)}
    usual = [by_name[name] for name in FILE.split() if name in by_name]
    # Others are looked at only if they must, as names that are no file's are looked up slowly.
    shares = ((share_found(table, column, find), column) for column in (*usual, *table.columns))
    fitting = next((column for share, column in shares if share >= SHARE), None)
    if fitting and "" in map(find, filter(None, table.column(fitting)[:CELLS])):

        def share_of_one(column: str) -> float:
            return share_found(table, column, lambda cell: find(cell) or None)

        fitting = max([fitting, *usual], key=share_of_one)
    return fitting or next(iter(usual), None)


def share_found(table: Table, column: str, find: Finder) -> float:
    """The share of the first cells of a column that name a sound file."""
    cells = [cell for cell in table.column(column)[:CELLS] if cell]
    return sum(find(cell) is not None for cell in cells) / max(1, len(cells))
