"""The clips of a data set, as its lists or folders say: read, and checked row by row.

They are needed to plan a run, so nothing heavy is imported.
"""

import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from earmark.dataset import csv_files
from earmark.dataset.layout import ROLES, ClipList
from earmark.dataset.sound_files import SoundFiles, composed, is_sound
from earmark.runtime.errors import EarmarkError, printable

VERIFIED = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), 1),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), 0),
}
SPLITS = {
    **dict.fromkeys(("train", "training", "dev", "development"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
DEV = {"dev", "development"}
# In a column of folds: a clip that is never held out.
NO_FOLD = {"nan", "none", "null", "na", "n/a", "<na>", "-1", "-1.0", "train", "training"}
# More are names of recordings rather than of folds.
MOST_FOLDS = 100
# In characters; figures cannot show more.
LONGEST_LABEL = 100
# In seconds, 30 years: what is later is no time in a file.
LATEST = 1e9
# Control characters and bytes that are not UTF-8: text files and web pages cannot hold them safely.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


# A function that checks a cell and returns what it says.
Check = Callable[[str], str]


class Clip(NamedTuple):
    """A clip as listed. ``clip`` is its id, unique within its part.

    ``file`` is relative to the audio folder, or absolute if it is elsewhere; ``start`` and ``end``
    are seconds, as text, empty for a whole file. ``verified`` is 0 or 1. ``fold`` is an official
    fold, as listed, or empty. ``label`` is as listed where labels are not checked.
    """

    clip: str
    file: str
    start: str
    end: str
    label: str
    verified: int
    recording: str
    fold: str


class RowError(EarmarkError):
    """A problem of one row; ``kind`` groups it with others."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def read(
    listed: ClipList,
    labels: bool = True,
    files: SoundFiles | None = None,
    problems: list[tuple[int | str, EarmarkError]] | None = None,
) -> list[Clip]:
    """Return the clips of a part, in the list's order or else sorted.

    ``labels`` says whether labels are checked. ``files`` are those below ``listed.audio``,
    if known. Raises EarmarkError with all rows that cannot be used, and what to write instead; with
    ``problems``, it appends (line, problem) of each to these.
    """
    files = files or SoundFiles(listed.audio)
    named = listed.columns
    if listed.table:
        names = [column for role, column in named.items() if role in ROLES]
        table = csv_files.read(listed.table, names, "list of clips", by_hand=True)
    else:
        # Where folders say what clips are, a file outside them is none. A challenge's test clips
        # are all files.
        rows = [name for name in files.names if is_sound(name)]
        if not listed.folders and (listed.part is None or not rows):
            rows = files.names
        rows = [name for name in rows if name.count("/") >= len(listed.folders)]
        named = {role: role for role in ("file", *listed.folders)}
        table = csv_files.Table(
            f"The folder {listed.audio}",
            [*named],
            [[name, *name.split("/")[: len(listed.folders)]] for name in rows],
            [f"file {name}" for name in rows],
        )
    splits, label_cells = (table.column(named.get(role, "")) for role in ("split", "label"))
    check_label = label_checker(listed, label_cells) if labels else None
    check = _checker(listed, check_label, files, {split.lower() for split in {*splits}})
    columns = [named.get(role, "") for role in ROLES]
    kept = [clip for clip in table.checked(columns, check, problems) if clip]
    return _with_official_folds(kept, listed)


def _checker(
    listed: ClipList, check_label: Check | None, files: SoundFiles, splits: set[str]
) -> Callable[..., Clip | None]:
    """A function that turns the cells of a row, in the order of ``ROLES``, into a clip.

    ``check_label`` checks a label, if labels are checked. ``splits`` are all that occur: beside
    train and test, dev is the validation split.
    """
    others = {SPLITS.get(split) for split in splits - DEV}
    dev = "validation" if others >= {"train", "test"} else "train"
    line_of: dict[str, int | str] = {}
    roles = listed.roles
    by_folder = [ROLES.index(role) for role in listed.folders]
    beside = os.path.abspath(listed.table.parent) if listed.table else None

    def check(line: int | str, name: str, *cells: str) -> Clip | None:
        file = find_file(files, name, beside)
        if by_folder:
            said = [name, *cells]
            for role, folder in zip(by_folder, file.split("/")[:-1], strict=False):
                said[role] = said[role] or folder
            cells = tuple(said[1:])
        label, verified, fold, recording, split, start, end = cells
        if "split" in roles:
            split = dev if split.lower() in DEV else _split_of(split)
            if listed.part and (split == "test") != (listed.part == "test"):
                return None
            if "fold" not in roles and split == "validation":
                fold = "0"
        if fold:
            fold = "" if listed.part == "test" else _fold_of(fold)
        if start or end:
            start, end = _part(start, end)
        # The list's own spelling, where the file's differs in its Unicode form alone.
        clip = name if name == file or composed(name) == composed(file) else file
        if end:
            clip += f"#{float(start):.3f}-{float(end):.3f}"
        if line_of.setdefault(clip, line) != line:
            parts = ", or times of a part that differ by a millisecond" if end else ""
            raise RowError(
                "listed twice",
                f"the clip {printable(clip)} is listed again, after line {line_of[clip]}. Keep one "
                f"line for each clip{parts}.",
            )
        if check_label and not (label := check_label(label)):
            return None
        is_verified = VERIFIED.get(verified.lower()) if "verified" in roles else 1
        if is_verified is None:
            raise RowError(
                "verified or not",
                f"{listed.columns.get('verified', 'verified')} is '{printable(verified)}'. "
                f"Write 1 or 0.",
            )
        recording = recording or (file if end else clip)
        return Clip(clip, file, start, end, label, is_verified, recording, fold)

    return check


def find_file(files: SoundFiles, name: str, beside: str | None = None) -> str:
    """The file that a list calls ``name``; the name itself if there is none.

    Names are relative to the folder of the ``files``, or to that ``beside`` it.

    Raises RowError for what cannot be the name of a file.
    """
    if not name.isprintable() and UNPRINTABLE.search(name):  # the first test is the quicker one
        raise RowError(
            "no file name",
            f"the file name '{printable(name)}' has control characters, or bytes that are not "
            f"UTF-8. Rename the file.",
        )
    try:
        file = files.find(name, beside)
    except EarmarkError as problem:
        raise RowError("ambiguous name", str(problem)) from None
    if file is None and ("\\" in name or {"", ".", ".."} & set(name.split("/"))):
        raise RowError(
            "no file name",
            f"the file name is '{printable(name)}', and there is no such file. Write the path "
            f"below the audio folder, such as name.wav or folder/name.wav.",
        )
    return file or name


def label_checker(listed: ClipList, cells: Sequence[str]) -> Check:
    """A function that turns a cell with labels, one of ``cells``, into the clip's label.

    An empty one means to leave the clip out. It raises RowError for a label that is none, or that
    is spelled unlike one before.
    """
    spelled: dict[str, str] = {}
    known: dict[str, str] = {}
    separator = listed.label_separator or "\0"
    parents = _parents(cells, separator) if listed.several_labels == "most_specific" else {}

    def check(cell: str) -> str:
        if cell in known:
            return known[cell]
        several = [part for part in map(str.strip, cell.split(separator)) if part]
        if len(several) < 2:
            label = "".join(several)
        elif listed.several_labels == "refuse":
            raise RowError(
                "several labels",
                f"the cell '{printable(cell)}' lists {len(several)} labels; a clip has one label "
                f"here. Remove the line, or write `several_labels: leave_out` in the dataset.yaml.",
            )
        else:
            # Of labels of which one has all others as parents, that one.
            fitting = (one for one in several if set(several) <= parents.get(one, {one}))
            label = next(fitting, "")
        if label or len(several) < 2:
            try:
                label = check_label(label)
            except EarmarkError as problem:
                raise RowError("label", str(problem)) from None
            # A folder's name may have spaces around it.
            shown = cell if cell.strip() == label else label
            other = spelled.setdefault(spelling_key(label), shown)
            if other != shown:
                raise RowError(
                    "spelling of labels",
                    f"the label '{printable(shown)}' differs from '{printable(other)}' above only "
                    f"in case, in spaces or in its Unicode form. Write one of them.",
                )
        known[cell] = label
        return label

    return check


def _parents(cells: Iterable[str], separator: str) -> dict[str, set[str]]:
    """Label -> itself and the labels that it never occurs without."""
    parents: dict[str, set[str]] = {}
    for cell in cells:
        labels = {part.strip() for part in cell.split(separator)}
        for label in labels:
            parents[label] = parents[label] & labels if label in parents else labels
    return parents


def split_in(text: str) -> str | None:
    """The split that one of the words in a text names, such as test in 'audio_test'."""
    words = re.split(r"[^a-z]+", text.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def _split_of(cell: str) -> str:
    split = split_in(cell)
    if not split:
        raise RowError(
            "split", f"the split is '{printable(cell)}'. Write train, validation or test."
        )
    return split


def _fold_of(cell: str) -> str:
    if SPLITS.get(cell.lower()) == "test":
        raise RowError(
            "fold",
            f"the fold is '{printable(cell)}'. Write which clips are test clips in a column split.",
        )
    return "" if cell.lower() in NO_FOLD else cell


def _part(start: str, end: str) -> tuple[str, str]:
    """Begin and end of a part of a file, checked, as decimals."""
    seconds = []
    for cell in (start, end):
        try:
            seconds.append(float(cell.replace(",", ".")))
        except ValueError:
            seconds.append(math.nan)
    if not 0 <= seconds[0] < seconds[1] < LATEST:
        raise RowError(
            "start and end",
            f"start is '{printable(start)}' and end '{printable(end)}'. Write both in seconds, the "
            f"end after the start, or leave both empty for the whole file.",
        )
    first, last = (f"{value:.6f}".rstrip("0").rstrip(".") for value in seconds)
    return first, last


def _with_official_folds(clips: Sequence[Clip], listed: ClipList) -> list[Clip]:
    """The clips with whole numbers as folds: the list's own, or else the rank of each name."""
    names = sorted({clip.fold for clip in clips} - {""})
    numbers = {name: _whole_number(name) for name in names}
    if None in numbers.values() or len({*numbers.values()}) < len(names):
        numbers = {name: rank for rank, name in enumerate(names)}
    if len(names) > MOST_FOLDS or (len(names) == 1 and all(clip.fold for clip in clips)):
        raise EarmarkError(
            f"The folds of {listed.table or listed.audio} are {len(names)}, such as "
            f"'{printable(names[0])}'. There can be 2 to {MOST_FOLDS}: leave the column out, and "
            f"folds are drawn."
        )
    text = {"": "", **{name: str(number) for name, number in numbers.items()}}
    if all(name == fold for name, fold in text.items()):
        return list(clips)
    return [clip._replace(fold=text[clip.fold]) for clip in clips]


def _whole_number(text: str) -> int | None:
    """The only number in a text such as 1, 1.0 or fold1."""
    match = re.fullmatch(r"\D*([0-9]+)(\.0*)?", text)
    return int(match[1]) if match else None


def name_checker() -> Callable[[int | str, str], str]:
    """Return a function that checks a clip's id in a table, given its line, and returns it.

    It raises EarmarkError for what cannot be one, and for one that it has checked before.
    """
    line_of: dict[str, int | str] = {}

    def check(line: int | str, clip: str) -> str:
        if not clip or UNPRINTABLE.search(clip):
            raise EarmarkError(f"the file name is '{printable(clip)}'. Write the clip's.")
        if line_of.setdefault(clip, line) != line:
            raise EarmarkError(
                f"the clip {printable(clip)} is listed again, after line {line_of[clip]}. Keep "
                f"one line for each clip."
            )
        return clip

    return check


def check_label(cell: str) -> str:
    """Return the label in a cell; a separator of several labels around a single one is left out.

    Raises EarmarkError for a label that is missing or cannot be drawn, and for several labels.
    """
    if UNPRINTABLE.search(cell) or len(cell) > LONGEST_LABEL:
        raise EarmarkError(
            f"the label '{printable(cell)}' is longer than {LONGEST_LABEL} characters or has "
            f"control characters. Write a shorter name of the class."
        )
    labels = dict.fromkeys(part for part in map(str.strip, re.split("[;|]", cell)) if part)
    if not labels:
        raise EarmarkError("there is no label. Write the clip's class, or remove the line.")
    if len(labels) > 1:
        raise EarmarkError(
            f"the cell '{printable(cell)}' lists {len(labels)} labels; a clip has one label here. "
            f"Write the one that fits best, or remove the line. If it is the name of one class, "
            f"write it without ';' and '|'."
        )
    return next(iter(labels))


def spelled_otherwise(known: Iterable[str], labels: Iterable[str]) -> dict[str, str]:
    """Those of ``labels`` that are one of the ``known`` in another spelling -> that one."""
    known = {*known}
    by_key = {spelling_key(label): label for label in known}
    others = ((label, by_key.get(spelling_key(label))) for label in sorted({*labels} - known))
    return {label: meant for label, meant in others if meant}


def spelling_key(label: str) -> str:
    """The same string for labels that a reader would hardly tell apart.

    It leaves out case, the Unicode form (composed or not, full or half width) and invisible
    characters; spaces count as one underscore, as in submissions.
    """
    if label.isascii():
        return "_".join(label.lower().split())
    visible = "".join(one for one in label if unicodedata.category(one) != "Cf")
    return "_".join(unicodedata.normalize("NFKC", visible.casefold()).split())
