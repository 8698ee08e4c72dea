"""What an unknown folder or list of sounds holds: the one place where Earmark guesses.

``layout_of`` is for planning: it takes what is plain, and where there is a choice it asks for
``earmark init``, which calls ``guess`` and writes down what it took for the user to check.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from earmark.dataset import annotations, csv_files, description, list_columns, other_files
from earmark.dataset.clip_lists import SPLITS, split_in
from earmark.dataset.csv_files import Table
from earmark.dataset.description import by_split
from earmark.dataset.layout import ClipList, Layout, challenge_layout
from earmark.dataset.list_columns import SHARE, WITH_PARENTS, Finder, columns_of, share_found
from earmark.dataset.sound_files import SoundFiles, composed, is_sound
from earmark.runtime.errors import EarmarkError, printable

LISTS = (".csv", ".tsv", ".txt")
DESCRIPTIONS = (".yaml", ".yml")
# The columns of problems that `earmark init` writes, and the folders of a run: no lists of clips.
PROBLEMS = ("kind", "clip", "problem", "stops")
OUTPUTS = ("results/", "logs/")
# Lists are looked for this many folders down, and of at most so many the first bytes are read.
DEEPEST, MOST_LISTS, BEGINNING = 2, 50, 1 << 18
# A list in such a folder may name files of a folder beside it.
FOLDER_OF_LISTS = re.compile(r"meta|list|annot|label|truth|csv|split", re.IGNORECASE)
# A test tone is a class; a test set is none.
WORDS_OF_SPLIT = re.compile(r"\S+|\w+ (set|data|audio|sounds|clips|files)", re.IGNORECASE)
FOLDER_OF_FOLD = re.compile(r"folds?[ _-]?\d+", re.IGNORECASE)


def layout_of(path: Path, folders: dict[Path, SoundFiles] | None = None) -> Layout:
    """The layout of a folder, a dataset.yaml or a list; to ``folders`` go the files looked at.

    Raises EarmarkError for what cannot be read, and for a folder with lists but no dataset.yaml.
    """
    layout = _described(path)
    if layout:
        return layout
    if path.is_file():
        return _of_list(path)
    files = SoundFiles(path)
    if folders is not None:
        folders[path] = files
    lists, doubtful, wrong = _lists_in(files)
    annotated = annotations.find(files, annotations.candidates(files)[:MOST_LISTS]).tables
    if wrong and not lists:
        raise wrong[0]
    if annotated or lists:
        other = "" if annotated else ", or set `dataset` to the list itself"
        raise EarmarkError(
            f"{path} has the list {[*annotated, *lists][0].relative_to(path)}, but no dataset.yaml "
            f"that says how to read it. Run `earmark init {path}` and check the file that it "
            f"writes{other}."
        )
    return _of_folders(files, doubtful)


def guess(path: Path) -> tuple[Layout, list[Path]]:
    """The layout of a folder or list as names and contents suggest it, and lists not used."""
    if path.is_file() and path.suffix.lower() in LISTS:
        return _of_list(path), []
    challenge = challenge_layout(path)
    if challenge:
        return challenge, []
    files = SoundFiles(path)
    lists, doubtful, wrong = _lists_in(files)
    if wrong:
        raise wrong[0]
    if not lists:
        return _of_folders(files, doubtful), []
    best = max(lists, key=lambda one: _preference(one, files))
    lists.remove(best)
    layout = _of_list(best, files)
    tests = [one for one in lists if _split_of(one) == "test" and _is_beside(one, best)]
    if tests and not layout.test and _split_of(best) == "train":
        lists.remove(tests[0])
        test = replace(_of_list(tests[0], files).train, part="test")
        layout = replace(layout, folder=path, test=test)
    return layout, lists


def _described(path: Path) -> Layout | None:
    """The layout of what describes itself; None for another folder or a list."""
    try:
        if path.is_dir():
            places = [path / f"dataset{ending}" for ending in DESCRIPTIONS]
            found = [one for one in places if one.is_symlink() or one.exists()]
            if len(found) > 1:
                raise EarmarkError(f"There are {found[0]} and {found[1]}. Keep one of them.")
            return description.read(found[0]) if found else challenge_layout(path)
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


def _of_folders(files: SoundFiles, doubtful: Sequence[Path] = (), within: str = "") -> Layout:
    """The layout of a folder per class, perhaps with folders for splits or folds above or below.

    Raises EarmarkError where there are no classes; it then says what is wrong with lists that are
    ``doubtful``.
    """
    root = files.folder / within
    names = [name.removeprefix(within) for name in files.names if name.startswith(within)]
    sounds = [name for name in names if is_sound(name)]
    # Of each folder, its first sound says enough.
    by_folder = {os.path.dirname(name): name for name in reversed(sounds)}
    paths = [name.split("/") for name in by_folder.values()]
    first = {path[0] for path in paths if len(path) > 1}
    second = {path[1] for path in paths if len(path) > 2}
    if len(first) == 1 and second:  # one folder around all others, as archives have it
        return _of_folders(files, doubtful, f"{within}{first.pop()}/")
    role = _role_of(first)
    if len(first) < 2 or (role and not second):
        for path in doubtful:
            _of_list(path, files)  # says what is wrong with it
        raise EarmarkError(_no_classes(root, len(sounds), sorted(first)))
    if not role:
        inside = [path for path in paths if len(path) > 1]
        for level in (0, 1):
            folders = {path[level] for path in inside if len(path) > level + 1}
            marked = sorted(
                name
                for name in folders
                if _role_of(folders) or name.lower() in SPLITS or FOLDER_OF_FOLD.fullmatch(name)
            )
            others = {"/".join(path[: level + 1]) for path in inside if path[level] not in marked}
            splits = {split_in(name) for name in marked}
            if others and (len(splits) > 1 or None in splits):  # a class may be called train
                raise EarmarkError(
                    f"The folders {', '.join(marked[:5])} in {root} look like splits or folds, but "
                    f"there are others beside them, such as {printable(min(others))}. Move these, "
                    f"or write a {description.NAME}."
                )
        below = _role_of(second) if all(len(path) > 2 for path in inside) else None
        roles = ("label", below) if below else ("label",)
        return by_split(files.folder, ClipList(root, folders=roles, part="train"))
    # Test clips may be in no folders of classes.
    flat = {path[0] for path in paths if len(path) == 2}
    tests = {name for name in first if role == "split" and split_in(name) == "test"}
    layout = by_split(files.folder, ClipList(root, folders=(role, "label"), part="train"))
    if len(tests) == 1 and tests <= flat - {path[0] for path in paths if len(path) > 2}:
        return replace(layout, test=ClipList(root / tests.pop(), part="test"))
    return layout


def _role_of(folders: set[str]) -> str | None:
    """What the names of folders are, if they are not names of classes: splits or folds."""
    splits = {split_in(name) if WORDS_OF_SPLIT.fullmatch(name) else None for name in folders}
    is_plain = all(name.lower() in SPLITS for name in folders) or len(splits) > 1
    if folders and None not in splits and is_plain:
        return "split"
    return "fold" if folders and all(map(FOLDER_OF_FOLD.fullmatch, folders)) else None


def _no_classes(root: Path, count: int, folders: Sequence[str]) -> str:
    """Why the sounds in a folder cannot be learned from."""
    if not count:
        return (
            f"There are no sound files in {root}. Put a folder per class there (dog/1.wav, "
            f"cat/2.wav ...), or a list that names the files."
        )
    where = f"no folders of classes, only in {', '.join(folders[:3])}" if folders else "no folders"
    return (
        f"The {count} sound files in {root} are in {where}, and no list says what they are. Put "
        f"those of each class into a folder of its name, or write a list with the columns file and "
        f"label."
    )


def _of_list(path: Path, files: SoundFiles | None = None) -> Layout:
    """The layout of a list; ``files`` are those that it may name, by default those around it."""
    table = _table(path)
    if not files:
        files = SoundFiles(path.parent)
        if FOLDER_OF_LISTS.search(path.parent.name) and not any(map(is_sound, files.names)):
            files = SoundFiles(path.parent.parent)
    find = _finder(files, path)
    columns = columns_of(table, find)
    names = table.column(columns.get("file", ""))
    missing = [role for role in ("file", "label") if role not in columns]
    if missing:
        raise EarmarkError(
            f"It is not plain which column of {path} has the {missing[0]}s; it has "
            f"{printable(', '.join(table.columns), 200)}. Name it '{missing[0]}', or write a "
            f"{description.NAME} that says which it is."
        )
    if names and all(find(name) is None for name in names):
        raise EarmarkError(
            f"None of the {len(names)} files that {path} names in its column "
            f"'{printable(columns['file'])}', such as {printable(names[0])}, is a sound file in "
            f"{files.folder}.{_similar(names[0], files)} Write names as the files have them, or a "
            f"{description.NAME} whose `audio` is their folder."
        )
    lone = {"start", "end"} & columns.keys()
    if len(lone) == 1:
        raise EarmarkError(
            f"The column '{printable(columns[lone.pop()])}' of {path} seems to say where clips "
            f"begin or end in their files. Write both, in seconds, in the columns start and end; "
            f"or rename it; or write a {description.NAME}."
        )
    audio = _audio_folder(names, files, find)
    folder = files.folder if audio.is_relative_to(files.folder) else audio
    train = ClipList(audio, path, columns, part="train")
    if {*map(list_columns.simplified, table.columns)} >= WITH_PARENTS:
        train = replace(train, label_separator=",", several_labels="most_specific")
    elif list_columns.have_several_labels(table.column(columns["label"])):
        train = replace(train, label_separator=",")
    layout = by_split(folder, train)
    splits = {*map(split_in, {*table.column(columns.get("split", ""))})}
    return layout if "test" in splits else replace(layout, test=None)


def _similar(name: str, files: SoundFiles) -> str:
    """A sentence about a file whose name is like that which a list has, or nothing."""
    folders = sorted({os.path.dirname(one) for one in files.names if is_sound(one)})
    found = (other_files.similar_file(files.folder / folder / name) for folder in folders)
    return next(filter(None, found), "")


def _finder(files: SoundFiles, path: Path) -> Finder:
    """Finds the sound files that the list at ``path`` names."""
    beside = os.path.abspath(path.parent)

    def find(name: str) -> str | None:
        try:
            file = files.find(name, beside)
        except EarmarkError:  # several, of which the reader tells
            return ""
        return file if file and is_sound(file) else None

    return find


def _audio_folder(names: Sequence[str], files: SoundFiles, find: Finder) -> Path:
    """The folder that the names of files in a list are relative to."""
    inside, outside = set(), set()
    before = None
    for name in names:
        if before is not None and f"{before}{name}" in files:  # most often, and quick
            continue
        file = find(name)
        if file == "":
            inside.add("")
        elif file and os.path.isabs(file):
            outside.add(os.path.dirname(file))
        elif file:
            listed = os.path.normpath(composed(name).replace("\\", "/"))
            paths = (composed(file), composed(file).rpartition(".")[0])
            path = next((one for one in paths if one.endswith(listed)), None)
            before = path.removesuffix(listed) if path else f"{os.path.dirname(file)}/"
            inside.add(before)
    if outside and not inside:
        return Path(os.path.commonpath(outside))
    return files.folder / os.path.commonpath([one or "." for one in inside or ["."]])


def _lists_in(files: SoundFiles) -> tuple[list[Path], list[Path], list[EarmarkError]]:
    """The lists among ``files``: those that are plain, those that say too little, and mistakes.

    Plain are lists with a column of labels that name files which are there. Mistakes are those of a
    .csv or .tsv with such a column that cannot be read, or most of whose files are absent.
    """
    names = [
        name
        for name in files.names
        if name.lower().endswith(LISTS)
        and name.count("/") <= DEEPEST
        and not name.startswith(OUTPUTS)
        and not _is_of_problems(files.folder / name)
    ]
    plain, doubtful, wrong = [], [], []
    # Text files may be many, and are lists least often.
    for name in sorted(names, key=lambda name: (name.lower().endswith(".txt"), name))[:MOST_LISTS]:
        path = files.folder / name
        is_table = not name.lower().endswith(".txt")
        advice = f"If it is no list of clips, move it elsewhere, or write a {description.NAME}."
        try:
            table = _table(path, BEGINNING)
        except EarmarkError as problem:  # not every text is a table
            if is_table and list_columns.seems_labelled(path):
                wrong.append(EarmarkError(f"{problem} {advice}"))
            continue
        find = _finder(files, path)
        columns = columns_of(table, find)
        file, has_labels = columns.get("file", ""), "label" in columns
        names_files = share_found(table, file, find) >= SHARE
        if has_labels and names_files:
            plain.append(path)
        elif has_labels or names_files:
            doubtful.append(path)
        if is_table and has_labels and not names_files:
            # Numbers may be those of classes.
            cells = [cell for cell in table.column(file) if cell and not cell.isdigit()]
            if any(is_sound(cell) or find(cell) is not None for cell in cells):
                sentence = (
                    f"Most of the files that {path} names in its column '{printable(file)}' are "
                    f"not in {files.folder}. Put them there, or correct their names. {advice}"
                )
                wrong.append(EarmarkError(sentence))
    return plain, doubtful, wrong


def _is_of_problems(path: Path) -> bool:
    """Whether `earmark init` wrote the file, about problems that it found."""
    if path.name.endswith("_problems.csv"):
        with suppress(OSError), path.open("rb") as file:
            return file.readline().decode(errors="replace").strip() == ",".join(PROBLEMS)
    return False


def _preference(path: Path, files: SoundFiles) -> tuple[bool, int, int]:
    """Lists that are of test clips come last, those that say most first."""
    table = _table(path)
    columns = columns_of(table, _finder(files, path))
    return _split_of(path) != "test", len(columns), len(table.rows)


def _split_of(path: Path) -> str | None:
    """The split that the name of a list, or of its folder, has in it."""
    return split_in(path.stem) or split_in(path.parent.name)


def _is_beside(path: Path, other: Path) -> bool:
    """Whether a list is in the folder of another one, or in a folder beside that."""
    return path.parent == other.parent or path.parent.parent == other.parent.parent


def _table(path: Path, most_bytes: int = -1) -> Table:
    return csv_files.read(path, [], "list of clips", by_hand=True, most_bytes=most_bytes)
