"""The lists of clips that a data set comes with: read, and checked row by row."""

from pathlib import Path

import pandas as pd

from earmark import tables
from earmark.errors import EarmarkError
from earmark.layout import Layout

VERIFIED = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0}


def read_train_list(path: Path) -> pd.DataFrame:
    """Return fname, label, verified (0 or 1) of a train list, checked row by row."""
    table = tables.read_table(path, ("fname", "label", "manually_verified"), "train list", True)
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
                f"{where}, has the file name '{fname}'. Write the clip's name alone, without a "
                f"folder, as it lies in the audio folder."
            )
        if not label:
            raise EarmarkError(
                f"{where}, gives {fname} no label. Write its class, or remove the line."
            )
        if any(sign.isspace() for sign in label):
            raise EarmarkError(
                f"{where}, has the label '{label}' with a space in it. A submission separates "
                f"its guesses by spaces: write '{'_'.join(label.split())}'."
            )
        if verified not in VERIFIED:
            raise EarmarkError(
                f"{where}, says manually_verified '{verified}' for {fname}. Write 1 or 0."
            )
    _check_unique(path, clips["fname"])
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
                f"The test list {layout.test_list}, line {row}, has the file name '{fname}'. Write "
                f"the clip's name alone, without a folder."
            )
    _check_unique(layout.test_list, listed)
    return listed.tolist()


def _is_plain_name(fname: str) -> bool:
    return bool(fname) and fname not in (".", "..") and not set(fname) & set("/\\\0")


def _check_unique(path: Path, names: pd.Series) -> None:
    again = names[names.duplicated()]
    if not again.empty:
        first = again.iloc[0]
        lines = [str(row) for row, name in names.items() if name == first]
        raise EarmarkError(
            f"The list {path} names the clip {first} more than once (lines {', '.join(lines)}; "
            f"{len(again)} such lines). Keep one line for each clip."
        )
