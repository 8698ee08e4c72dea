"""The lists of clips that a data set comes with: read, and checked row by row.

They are needed to plan a run, so nothing heavy is imported.
"""

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from earmark.dataset import csv_files
from earmark.dataset.layout import Layout
from earmark.runtime.errors import EarmarkError, printable

TRAIN_COLUMNS = ("fname", "label", "manually_verified")
VERIFIED = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0}
# In characters; figures cannot show more.
LONGEST_LABEL = 100
# Control characters and bytes that are not UTF-8: text files and web pages cannot hold them safely.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class TrainRow(NamedTuple):
    """A row of a train list; ``verified`` is 0 or 1."""

    fname: str
    label: str
    verified: int


def train_rows(path: Path) -> list[TrainRow]:
    """Return the rows of a train list.

    Raises EarmarkError with the lines that cannot be used, and what to write instead.
    """
    table = csv_files.read(path, TRAIN_COLUMNS, "train list", by_hand=True)
    if not table.rows:
        raise EarmarkError(f"The train list {path} has no rows. List at least one clip per class.")
    check_name = name_checker()
    spelled: dict[str, str] = {}

    def check(line: int, fname: str, label: str, verified: str) -> TrainRow:
        check_name(line, fname)
        label = check_label(label)
        other = spelled.setdefault(spelling_key(label), label)
        if other != label:
            raise EarmarkError(
                f"the label '{printable(label)}' differs from '{printable(other)}' above only in "
                f"case, in spaces or in its Unicode form. Write one of them."
            )
        if verified.lower() not in VERIFIED:
            raise EarmarkError(f"manually_verified is '{printable(verified)}'. Write 1 or 0.")
        return TrainRow(fname, label, VERIFIED[verified.lower()])

    return table.checked(TRAIN_COLUMNS, check)


def names_of_test_clips(layout: Layout) -> list[str]:
    """Return the test clips' names in the order of the submission.

    The order is the test list's; without one, the sorted names of the audio folder. The file with
    the ground truth is not opened.
    """
    check = name_checker()
    if layout.test_list:
        table = csv_files.read(layout.test_list, ("fname",), "test list", by_hand=True)
        names = table.checked(("fname",), check)
    else:
        names = [check(0, name) for name in list_files(layout.audio_test)]
    if not names:
        raise EarmarkError(
            f"{layout.test_list or layout.audio_test} is empty. Put the clips to be tagged there."
        )
    return names


def name_checker() -> Callable[[int, str], str]:
    """Return a function that checks a name in a list, given its line, and returns the name.

    It raises EarmarkError for what is not the path of a file below the audio folder, and for a name
    that it has checked before.
    """
    line_of: dict[str, int] = {}

    def check(line: int, fname: str) -> str:
        no_path = "\\" in fname or {"", ".", ".."} & set(fname.split("/"))
        if no_path or UNPRINTABLE.search(fname):
            raise EarmarkError(
                f"the file name is '{printable(fname)}'. Write the clip's path below the audio "
                f"folder, such as name.wav or folder/name.wav, without control characters."
            )
        if line_of.setdefault(fname, line) != line:
            raise EarmarkError(
                f"the clip {printable(fname)} is listed again, after line {line_of[fname]}. Keep "
                f"one line for each clip."
            )
        return fname

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


def spelling_key(label: str) -> str:
    """The same string for labels that a reader would hardly tell apart.

    It leaves out case, the Unicode form (composed or not, full or half width) and invisible
    characters; spaces count as one underscore, as in submissions.
    """
    if label.isascii():
        return "_".join(label.lower().split())
    visible = "".join(one for one in label if unicodedata.category(one) != "Cf")
    return "_".join(unicodedata.normalize("NFKC", visible.casefold()).split())


def list_files(folder: Path) -> list[str]:
    """Return the sorted paths of all files below ``folder``, relative to it.

    Hidden files and folders, whose names begin with a dot, are left out. Links are followed, but
    no folder is entered twice.
    """

    def refuse(problem: OSError) -> None:
        raise EarmarkError(
            f"The folder {problem.filename or folder} cannot be read ({problem.strerror}). Check "
            f"its permissions."
        ) from problem

    prefix = os.path.join(folder, "")
    files: list[str] = []
    entered: set[str] = set()
    for parent, folders, names in os.walk(prefix, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        # In order, so that of two links to one folder always the same is entered.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [os.path.join(parent, name) for name in names if not name.startswith(".")]
        files += [path.removeprefix(prefix) for path in paths if os.path.isfile(path)]
    return sorted(files)
