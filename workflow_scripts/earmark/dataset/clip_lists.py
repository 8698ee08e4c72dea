"""The lists of clips that a data set comes with: read, and checked row by row.

The classes are needed to plan a run, so nothing heavy is imported before a table is asked for.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from earmark.dataset import csv_files
from earmark.dataset.layout import Layout
from earmark.runtime.errors import EarmarkError, shown

if TYPE_CHECKING:
    import pandas as pd

TRAIN_COLUMNS = ("fname", "label", "manually_verified")
VERIFIED = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0}
# What file systems take for a name and for a path, in bytes; what a figure can show of a label.
LONGEST_NAME = 255
LONGEST_PATH = 1000
LONGEST_LABEL = 100


class TrainRow(NamedTuple):
    """A row of a train list; ``verified`` is 0 or 1, ``line`` its line's number."""

    line: int
    fname: str
    label: str
    verified: int


def train_rows(path: Path) -> list[TrainRow]:
    """Return the rows of a train list, checked one by one.

    Raises EarmarkError with the line, its value and what to write instead.
    """
    table = csv_files.read(path, TRAIN_COLUMNS, "train list", by_hand=True)
    if not table.rows:
        raise EarmarkError(f"The train list {path} has no rows. List at least one clip per class.")
    rows = []
    for line, fname, label, verified in zip(
        table.lines, *(table.column(name) for name in TRAIN_COLUMNS), strict=True
    ):
        where = f"The train list {path}, line {line}"
        _check_name(fname, where)
        if not label:
            raise EarmarkError(
                f"{where}, gives {shown(fname)} no label. Write its class, or remove the line."
            )
        mistake = mistake_of(label)
        if mistake:
            raise EarmarkError(f"{where}, has the label '{shown(label)}' {mistake}")
        if verified.lower() not in VERIFIED:
            raise EarmarkError(
                f"{where}, says manually_verified '{shown(verified)}' for {shown(fname)}. Write 1 "
                f"or 0."
            )
        rows.append(TrainRow(line, fname, label, VERIFIED[verified.lower()]))
    _check_unique(path, [(row.line, row.fname) for row in rows])
    _check_alike(path, rows)
    return rows


def train_labels(path: Path) -> list[str]:
    """Return the sorted distinct labels of a train list, whose rows are all checked."""
    return sorted({row.label for row in train_rows(path)})


def read_train_list(path: Path) -> pd.DataFrame:
    """Return fname, label, verified (0 or 1) of a train list, whose rows are all checked."""
    import pandas as pd

    return pd.DataFrame(train_rows(path))[["fname", "label", "verified"]]


def test_names(layout: Layout) -> list[str]:
    """Return the test clips' names in the order of the submission.

    The order is the test list's; without one, the sorted names of the audio folder. The truth file
    is not opened.
    """
    if layout.test_list is None:
        names = sounds_in(layout.audio_test)
        if not names:
            raise EarmarkError(
                f"The folder of the test clips {layout.audio_test} is empty. Put the clips to be "
                f"tagged there."
            )
        for fname in names:
            _check_name(fname, f"The folder of the test clips {layout.audio_test}")
        return names
    table = csv_files.read(layout.test_list, ("fname",), "test list", by_hand=True)
    if not table.rows:
        raise EarmarkError(f"The test list {layout.test_list} has no rows. List the clips to tag.")
    listed = list(zip(table.lines, table.column("fname"), strict=True))
    for line, fname in listed:
        _check_name(fname, f"The test list {layout.test_list}, line {line}")
    _check_unique(layout.test_list, listed)
    return [fname for _, fname in listed]


def mistake_of(label: str) -> str | None:
    """What is wrong with a label that is not empty and what to write, or None.

    It goes after "... has the label 'X' ".
    """
    if "," in label:
        return (
            "with a comma in it. Each clip has one class here: write the one that it is to be "
            "tagged with, or, if it is one name, another sign for the comma."
        )
    if any(sign.isspace() for sign in label):
        return (
            f"with a space in it. A submission separates its guesses by spaces: write "
            f"'{shown('_'.join(label.split()))}'."
        )
    if _unprintable(label):
        return "with a control code in it. Type it anew."
    if len(label) > LONGEST_LABEL:
        return f"and so on, {len(label)} signs. Write at most {LONGEST_LABEL}."
    return None


def alike(label: str) -> str:
    """What is the same for labels that a reader would hardly tell apart.

    Case, the Unicode form (composed or not, full or half width) and invisible signs are left out.
    """
    if label.isascii():
        return label.lower()
    seen = "".join(sign for sign in label if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def sounds_in(folder: Path) -> list[str]:
    """Return the sorted paths of all files below ``folder``, relative to it.

    Hidden files and folders, whose names begin with a dot, are left out.
    """
    found: list[str] = []
    seen: set[str] = set()

    def refuse(problem: OSError) -> None:
        raise EarmarkError(
            f"The folder {problem.filename or folder} cannot be read ({problem.strerror}). Allow "
            f"yourself to read it."
        ) from problem

    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link back
            folders.clear()
            continue
        seen.add(real)
        # In order, so that of two names of one folder it is always the same that counts.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = os.path.relpath(parent, folder)
        for name in names:
            if not name.startswith(".") and os.path.isfile(os.path.join(parent, name)):
                found.append(name if inside == "." else f"{inside.replace(os.sep, '/')}/{name}")
    return sorted(found)


def _check_name(fname: str, where: str) -> None:
    parts = fname.split("/")
    if "\\" in fname or not all(part not in ("", ".", "..") for part in parts):
        raise EarmarkError(
            f"{where}, has the file name '{shown(fname)}'. Write the clip's path below the audio "
            f"folder, such as name.wav or folder/name.wav."
        )
    if _unprintable(fname):
        raise EarmarkError(
            f"{where}, has the file name '{shown(fname)}' with a line break, another control code "
            f"or bytes that are no UTF-8. Rename the file, or look for a quote that is not closed."
        )
    if len(fname) * 4 > LONGEST_NAME and (
        max(len(part.encode()) for part in parts) > LONGEST_NAME
        or len(fname.encode()) > LONGEST_PATH
    ):
        raise EarmarkError(
            f"{where}, has the file name '{shown(fname)}' of {len(fname.encode())} bytes. No file "
            f"system takes more than {LONGEST_NAME}: write the name of a file."
        )


def _unprintable(text: str) -> bool:
    """Whether there are signs that text files and web pages cannot hold safely."""
    return not text.isprintable() and any(
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or ord(sign) & 0xFFFE == 0xFFFE
        for sign in text
    )


def _check_unique(path: Path, listed: Iterable[tuple[int, str]]) -> None:
    lines: dict[str, list[int]] = {}
    for line, fname in listed:
        lines.setdefault(fname, []).append(line)
    again = sum(len(found) - 1 for found in lines.values())
    if not again:
        return
    first, found = next((fname, found) for fname, found in lines.items() if len(found) > 1)
    several = ", ".join(map(str, found[:10])) + (" ..." if len(found) > 10 else "")
    raise EarmarkError(
        f"The list {path} names the clip {shown(first)} more than once (lines {several}; {again} "
        f"such lines). Keep one line for each clip."
    )


def _check_alike(path: Path, rows: Iterable[TrainRow]) -> None:
    first_of = {row.label: row.line for row in reversed(list(rows))}
    known: dict[str, str] = {}
    for label in sorted(first_of, key=lambda name: first_of[name]):
        other = known.setdefault(alike(label), label)
        if other != label:
            raise EarmarkError(
                f"The train list {path} has the labels '{shown(other)}' (line {first_of[other]}) "
                f"and '{shown(label)}' (line {first_of[label]}), which differ only in case or in "
                f"how Unicode writes their signs. They would be two classes: write one of them."
            )
