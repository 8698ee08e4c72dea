"""What an unknown folder or list of sounds holds: the one place where Earmark guesses.

``layout_of`` is for planning: it takes what is plain, and where there is a choice it asks for
``earmark init``, which calls ``guess`` and writes down what it took for the user to check.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from earmark.dataset import csv_files, description
from earmark.dataset.clip_lists import MOST_FOLDS, SPLITS, VERIFIED
from earmark.dataset.csv_files import Table
from earmark.dataset.layout import ClipList, Layout, challenge_layout
from earmark.dataset.sound_files import SoundFiles, is_sound
from earmark.runtime.errors import EarmarkError, printable

LISTS = (".csv", ".tsv", ".txt")
DESCRIPTIONS = (".yaml", ".yml")
# What `earmark init` writes beside dataset.yaml, which is no list of clips.
PROBLEMS = "dataset_problems.csv"
# Lists are looked for this many folders down, and at most so many are opened.
DEEPEST, MOST_LISTS = 2, 50
# The cells that are looked at to find the column of files, and the share that must name one.
CELLS, SHARE = 200, 0.5
FEWEST_RECORDINGS = 5
# A list in such a folder may name files of a folder beside it.
FOLDER_OF_LISTS = re.compile(r"meta|list|annot|label|truth|csv|split", re.IGNORECASE)

# Usual names of columns, in lower case; of several, the first in this order.
FILE = (
    "file filename file_name fname path filepath file_path slice_file_name clip audio wav id name"
)
LABEL = (
    "label labels category class class_name classname species genre tag event event_label command "
    "word emotion target"
)
RECORDING = (
    "recording recording_id src_file source source_file fsid freesound_id speaker speaker_id "
    "session ytid"
)
START, END = "start start_time onset begin begin_time", "end end_time offset stop"
# UrbanSound8K's start and end are times in the recording that its files were cut from.
CUT_ALREADY = {"slice_file_name", "fsid", "salience"}
# FSD50K's labels come with all of their parents.
WITH_PARENTS = {"fname", "labels", "mids"}


def layout_of(path: Path) -> Layout:
    """The layout of a folder, a dataset.yaml or a list.

    Raises EarmarkError for what cannot be read, and for a folder with lists but no dataset.yaml.
    """
    layout = _described(path)
    if layout:
        return layout
    if path.is_file():
        return _of_list(path)
    files = SoundFiles(path)
    lists = _lists_in(files)
    if lists:
        raise EarmarkError(
            f"{path} has the list {lists[0].relative_to(path)}, but no dataset.yaml that says how "
            f"to read it. Run `earmark init {path}` and check the file that it writes, or set "
            f"`dataset` to the list itself."
        )
    return _of_folders(files)


def guess(path: Path) -> tuple[Layout, list[Path]]:
    """The layout of a folder or list as names and contents suggest it, and lists not used."""
    if path.is_file() and path.suffix.lower() in LISTS:
        return _of_list(path), []
    challenge = challenge_layout(path)
    if challenge:
        return challenge, []
    files = SoundFiles(path)
    lists = _lists_in(files)
    if not lists:
        return _of_folders(files), []
    best = max(lists, key=lambda one: _preference(one, files))
    lists.remove(best)
    layout = _of_list(best, files)
    tests = [one for one in lists if _split_in(one) == "test" and one.parent == best.parent]
    if tests and not layout.test and _split_in(best) == "train":
        lists.remove(tests[0])
        test = replace(_of_list(tests[0], files).train, part="test")
        layout = replace(layout, test=test)
    return layout, lists


def _described(path: Path) -> Layout | None:
    """The layout of what describes itself; None for another folder or a list."""
    try:
        if path.is_dir():
            described = path / description.NAME
            return description.read(described) if described.exists() else challenge_layout(path)
        if path.is_file() and path.suffix.lower() in DESCRIPTIONS:
            return description.read(path)
        if path.is_file() and path.suffix.lower() in LISTS:
            return None
        what = "no folder, list (.csv, .tsv) or dataset.yaml" if path.exists() else "not there"
    except OSError as problem:
        raise EarmarkError(
            f"{problem.filename or path} cannot be read ({problem.strerror}). Check its "
            f"permissions, or set `dataset` to another folder."
        ) from problem
    raise EarmarkError(
        f"The data set {path} is {what}. Set `dataset` to demo, fsdkaggle2018, a folder with a "
        f"folder of sounds per class, a list of clips, or a folder with a {description.NAME}, "
        f"which `earmark init FOLDER` writes."
    )


def _of_folders(files: SoundFiles, within: str = "") -> Layout:
    """The layout of a folder per class, perhaps below folders for train, validation and test."""
    root = files.folder / within
    names = [name.removeprefix(within) for name in files.names if name.startswith(within)]
    sounds = [name for name in names if is_sound(name)]
    if not sounds:
        raise EarmarkError(
            f"There are no sound files in {root}. Put a folder per class there (dog/1.wav, "
            f"cat/2.wav ...), or a list that names the files."
        )
    first = {name.split("/")[0] for name in sounds if "/" in name}
    if not first:
        raise EarmarkError(
            f"The {len(sounds)} sound files in {root} are in no folders, and no list says what "
            f"they are. Put those of each class into a folder of its name, or write a list with "
            f"the columns file and label."
        )
    has_deeper = any(name.count("/") > 1 for name in sounds)
    if len(first) == 1 and has_deeper:  # one folder around all others, as archives have it
        return _of_folders(files, f"{within}{first.pop()}/")
    if has_deeper and all(name.lower() in SPLITS for name in first):
        train = ClipList(root, folders=("split", "label"), part="train")
        has_test = any(SPLITS[name.lower()] == "test" for name in first)
        return Layout(files.folder, train, replace(train, part="test") if has_test else None)
    return Layout(files.folder, ClipList(root, folders=("label",)))


def _of_list(path: Path, files: SoundFiles | None = None) -> Layout:
    """The layout of a list; ``files`` are those that it may name, by default those around it."""
    table = _table(path)
    if not files:
        files = SoundFiles(path.parent)
        if not _share(table, _file_column(table, files), files) and FOLDER_OF_LISTS.search(
            path.parent.name
        ):
            files = SoundFiles(path.parent.parent)
    columns = columns_of(table, files)
    missing = [role for role in ("file", "label") if role not in columns]
    if missing:
        raise EarmarkError(
            f"It is not plain which column of {path} has the {missing[0]}s; it has "
            f"{printable(', '.join(table.columns), 200)}. Name it '{missing[0]}', or write a "
            f"{description.NAME} that says which it is."
        )
    names = table.column(columns["file"])
    train = ClipList(_audio_folder(names, files), path, columns, part="train")
    if {column.lower() for column in table.columns} >= WITH_PARENTS:
        train = replace(train, label_separator=",", several_labels="most_specific")
    splits = {SPLITS[cell.lower()] for cell in table.column(columns.get("split", "")) if cell}
    test = replace(train, part="test") if "test" in splits else None
    return Layout(path.parent if files.folder != path.parent.parent else files.folder, train, test)


def columns_of(table: Table, files: SoundFiles) -> dict[str, str]:
    """Role -> column of a list, by the columns' names and cells."""
    by_name = {column.lower().strip(): column for column in reversed(table.columns)}
    columns: dict[str, str] = {}

    def choose(role: str, names: str, fits: Callable[[Sequence[str]], bool]) -> None:
        for name in names.split():
            column = by_name.get(name)
            if column and column not in columns.values() and fits(table.column(column)):
                columns[role] = column
                return

    file = _file_column(table, files)
    if file:
        columns["file"] = file
    # Numbers of classes are taken only where there are no names.
    choose("label", LABEL, lambda cells: not all(cell.isdigit() for cell in cells if cell))
    if "label" not in columns:
        choose("label", LABEL, lambda cells: True)
    choose("verified", "verified manually_verified is_verified curated checked", _all_in(VERIFIED))
    choose("fold", "fold folds fold_id cv_fold", lambda cells: 2 <= len({*cells}) <= MOST_FOLDS)
    # Fewer are names of collections, say, which folds could not keep together.
    choose("recording", RECORDING, lambda cells: len({*cells}) >= FEWEST_RECORDINGS)
    choose("split", "split subset partition set", _all_in(SPLITS))
    if not by_name.keys() >= CUT_ALREADY:
        for role, names in (("start", START), ("end", END)):
            choose(role, names, lambda cells: all(map(_is_number, filter(None, cells))))
        if not {"start", "end"} <= columns.keys():
            columns.pop("start", None), columns.pop("end", None)
    return columns


def _all_in(known: Iterable[str]) -> Callable[[Sequence[str]], bool]:
    return lambda cells: all(cell.lower() in known for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _file_column(table: Table, files: SoundFiles) -> str | None:
    """The column whose cells name most files, or else the one with a usual name."""
    shares = {column: _share(table, column, files) for column in table.columns}
    usual = [column for name in FILE.split() for column in table.columns if column.lower() == name]
    best = max([*usual, *table.columns], key=shares.__getitem__, default=None)
    if best and shares[best] >= SHARE:
        return best
    return usual[0] if usual else None


def _share(table: Table, column: str | None, files: SoundFiles) -> float:
    """The share of the first cells of a column that name a sound file."""
    cells = [cell for cell in table.column(column or "")[:CELLS] if cell]
    return sum(_finds(files, cell) is not None for cell in cells) / max(1, len(cells))


def _finds(files: SoundFiles, name: str) -> str | None:
    """The sound file that a cell names; of several, any."""
    try:
        file = files.find(name)
    except EarmarkError:
        return name
    return file if file and is_sound(file) else None


def _audio_folder(names: Sequence[str], files: SoundFiles) -> Path:
    """The folder that the names of files in a list are relative to."""
    before = set()
    for name in names:
        file = _finds(files, name)
        if file:
            stem = file.rpartition(".")[0]
            end = next((one for one in (file, stem) if one.endswith(name)), None)
            before.add(end.removesuffix(name) if end else f"{os.path.dirname(file)}/")
    inside = [one for one in before if not os.path.isabs(one) or one == "/"]
    if before and not inside:
        return Path(os.path.commonpath(before))
    return files.folder / os.path.commonpath([one.lstrip("/") or "." for one in inside] or ["."])


def _lists_in(files: SoundFiles) -> list[Path]:
    """The lists among ``files`` whose columns of files and labels are plain."""
    names = [
        name
        for name in files.names
        if name.lower().endswith(LISTS)
        and name.count("/") <= DEEPEST
        and os.path.basename(name) != PROBLEMS
    ]
    lists = []
    for name in names[:MOST_LISTS]:
        try:
            table = _table(files.folder / name)
        except EarmarkError:  # not every text is a table
            continue
        columns = columns_of(table, files)
        if "label" in columns and _share(table, columns.get("file"), files) >= SHARE:
            lists.append(files.folder / name)
    return lists


def _preference(path: Path, files: SoundFiles) -> tuple[bool, int, int]:
    """Lists that are of test clips come last, those that say most first."""
    table = _table(path)
    return _split_in(path) != "test", len(columns_of(table, files)), len(table.rows)


def _split_in(path: Path) -> str | None:
    """The split that the name of a list has in it."""
    words = re.split(r"[^a-z]+", path.stem.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def _table(path: Path) -> Table:
    return csv_files.read(path, [], "list of clips", by_hand=True)
