"""The lists of clips that a data set comes with: read, and checked row by row."""

import unicodedata
from pathlib import Path

import pandas as pd

from earmark import tables
from earmark.errors import EarmarkError
from earmark.layout import TRAIN_COLUMNS, Layout

VERIFIED = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0}


def read_train_list(path: Path) -> pd.DataFrame:
    """Return fname, label, verified (0 or 1) of a train list, checked row by row."""
    table = tables.read_table(path, TRAIN_COLUMNS, "train list", True)
    clips = pd.DataFrame(
        {
            "fname": table["fname"].str.strip(),
            "label": table["label"].str.strip(),
            "verified": table["manually_verified"].str.strip().str.lower(),
        }
    )
    if clips.empty:
        raise EarmarkError(f"The train list {path} has no rows. List at least one clip per class.")
    for row, fname, label, verified in clips.itertuples():
        where = f"The train list {path}, line {row}"
        if not _is_plain_name(fname):
            raise EarmarkError(
                f"{where}, has the file name '{_printable(fname)}'. Write the clip's name alone, "
                f"without a folder, as it lies in the audio folder."
            )
        if not label:
            raise EarmarkError(
                f"{where}, gives {fname} no label. Write its class, or remove the line."
            )
        if "," in label or ";" in label:
            raise EarmarkError(
                f"{where}, has the label '{label}'. Each clip has one class here: write the one "
                f"that fits best, without a comma or semicolon."
            )
        if any(sign.isspace() or _is_control(sign) for sign in label):
            raise EarmarkError(
                f"{where}, has the label '{_printable(label)}' with a space in it. A submission "
                f"separates its guesses by spaces: write '{'_'.join(_printable(label).split())}'."
            )
        if verified not in VERIFIED:
            raise EarmarkError(
                f"{where}, says manually_verified '{verified}' for {fname}. Write 1 or 0."
            )
    _check_unique(path, clips["fname"])
    _check_spelling(path, clips["label"])
    clips["verified"] = clips["verified"].map(VERIFIED).astype(int)
    return clips.reset_index(drop=True)


def test_names(layout: Layout) -> list[str]:
    """Return the test clips' names in the order of the submission.

    The order is the test list's; without one, the sorted names of the audio folder. The truth file
    is not opened.
    """
    if layout.test_list is None:
        names = sorted(
            entry.name
            for entry in layout.audio_test.iterdir()
            if entry.is_file() and not entry.name.startswith(".")
        )
        if not names:
            raise EarmarkError(
                f"The folder of the test clips {layout.audio_test} is empty. Put the clips to be "
                f"tagged there."
            )
        return names
    listed = tables.read_table(layout.test_list, ("fname",), "test list", True)["fname"].str.strip()
    if listed.empty:
        raise EarmarkError(f"The test list {layout.test_list} has no rows. List the clips to tag.")
    for row, fname in listed.items():
        if not _is_plain_name(fname):
            raise EarmarkError(
                f"The test list {layout.test_list}, line {row}, has the file name "
                f"'{_printable(fname)}'. Write the clip's name alone, without a folder."
            )
    _check_unique(layout.test_list, listed)
    return listed.tolist()


def _is_plain_name(fname: str) -> bool:
    odd = set(fname) & set("/\\") or any(_is_control(sign) for sign in fname)
    return bool(fname) and fname not in (".", "..") and not odd


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) == "Cc"


def _printable(text: str) -> str:
    return "".join(" " if _is_control(sign) else sign for sign in text)


def _check_spelling(path: Path, labels: pd.Series) -> None:
    """Refuse labels that look the same: they would become classes of their own."""
    first: dict[str, tuple[int, str]] = {}
    for row, label in labels.items():
        folded = unicodedata.normalize("NFC", label).casefold()
        line, known = first.setdefault(folded, (row, label))
        if known != label:
            raise EarmarkError(
                f"The train list {path} has the labels '{known}' (line {line}) and '{label}' (line "
                f"{row}), which differ only in case or in how accents are stored. Write one of "
                f"them everywhere."
            )


def _check_unique(path: Path, names: pd.Series) -> None:
    # However accents are stored, there is one file.
    again = names[names.map(lambda name: unicodedata.normalize("NFC", name)).duplicated()]
    if not again.empty:
        first = again.iloc[0]
        same = unicodedata.normalize("NFC", first)
        lines = [
            str(row) for row, name in names.items() if unicodedata.normalize("NFC", name) == same
        ]
        raise EarmarkError(
            f"The list {path} names the clip {first} more than once (lines {', '.join(lines)}; "
            f"{len(again)} such lines). Keep one line for each clip."
        )
