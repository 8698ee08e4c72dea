"""labels.csv: what is said of each train clip, by the train list and by people's corrections.

Columns: clip, label, present (1: the clip has this label), verified (0 or 1), origin {list,
correction}. It is long, one row per clip and label; today each clip has one. What relies on that:
the loss, metrics, folds, spreading, pseudo-labels, t-SNE and the submission.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import csv_files, tables
from earmark.runtime.errors import EarmarkError, shown

log = logging.getLogger("earmark")

COLUMNS = ("clip", "label", "present", "verified", "origin")
NUMBERS = dict.fromkeys(("present", "verified"), int)
CORRECTIONS = ("clip", "label", "decision", "previous_label", "time")
DECISIONS = ("right", "wrong", "unsure")
# A sentence of the log names so many clips.
NAMED = 5


def read(path: str | Path) -> pd.DataFrame:
    """Read labels.csv; numbers come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of labels", NUMBERS)


def classes_of(labels: pd.DataFrame) -> list[str]:
    """Class names in the order of their numbers."""
    return sorted(labels["label"].unique())


def make(listed: pd.DataFrame, corrections: pd.DataFrame | None, path: str) -> pd.DataFrame:
    """Return the labels of a train list (fname, label, verified) with people's corrections.

    ``corrections`` are rows of ``read_corrections``, of which the latest of a clip counts. A label
    found right, or replaced, is verified; a clip of which the listener was unsure has no row. A
    correction counts only if it judged the listed label, or what an earlier correction made of it;
    the log tells of the others. Raises EarmarkError, with the list's ``path``, where fewer than two
    classes are left, or a class without a verified clip.
    """
    table = pd.DataFrame(
        {
            "clip": listed["fname"],
            "label": listed["label"],
            "present": 1,
            "verified": listed["verified"],
            "origin": "list",
        }
    )
    if corrections is not None:
        table = _corrected(table, corrections)
    _check(table, sorted(listed["label"].unique()), path)
    return table.reset_index(drop=True)


def read_corrections(path: str | Path, classes: Sequence[str]) -> pd.DataFrame:
    """Read corrections: clip, label, decision {right, wrong, unsure}, previous_label, time.

    ``label`` is the right label of a clip whose label is wrong, and otherwise not looked at. Times
    are ISO 8601 (2026-11-27T14:05:00). Raises EarmarkError with all mistakes at once.
    """
    read = csv_files.read(path, CORRECTIONS, "file of corrections", by_hand=True)
    table = pd.DataFrame(read.rows, columns=read.columns, dtype=str)
    mistakes = []
    # Not "now" or "today": they would be another time in each run.
    dated = table["time"].where(table["time"].str.match(r"\d{4}-\d\d-\d\d"))
    times = pd.to_datetime(dated, errors="coerce", format="ISO8601", utc=True)
    for row in table.assign(when=times, line=read.lines).itertuples():
        of = f"line {row.line}, {shown(str(row.clip))}:"
        if not row.clip:
            mistakes.append(f"line {row.line} names no clip.")
        if row.decision not in DECISIONS:
            mistakes.append(
                f"{of} the decision '{shown(str(row.decision))}'. Write right, wrong or unsure."
            )
        elif row.decision == "wrong" and row.label not in classes:
            mistakes.append(
                f"{of} the right label is given as '{shown(str(row.label))}', which is no class of "
                f"the train list. Write one of its classes, or the decision unsure."
            )
        elif row.decision == "wrong" and row.label == row.previous_label:
            mistakes.append(
                f"{of} the label '{shown(str(row.label))}' is wrong, and given as the right one "
                f"too. Write the right one, or the decision right."
            )
        if pd.isna(row.when):
            mistakes.append(
                f"{of} the time '{shown(str(row.time))}'. Write it like 2026-11-27T14:05:00."
            )
    if mistakes:
        told = "\n".join(f"- {mistake}" for mistake in mistakes)
        raise EarmarkError(f"The corrections {path} cannot be used.\n{told}")
    return table.assign(time=times)


def _corrected(table: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    listed = dict(zip(table["clip"], table["label"], strict=True))
    known = corrections["clip"].isin(listed)
    _tell(corrections[~known].drop_duplicates("clip"), "are of clips not in the train list")
    now, last, stale = dict(listed), {}, []
    for row in corrections[known].sort_values("time", kind="stable").itertuples():
        # What was judged is the listed label, or what an earlier correction made of it.
        if row.previous_label not in (listed[row.clip], now[row.clip]):
            stale.append(row.Index)
            continue
        last[row.clip] = row.decision
        now[row.clip] = row.label if row.decision == "wrong" else row.previous_label
    _tell(corrections.loc[stale], "judge a label that the train list has changed since")
    judged = table["clip"].isin(last.keys())
    table["label"] = table["clip"].map(now)
    table.loc[judged, "verified"] = 1
    table.loc[judged, "origin"] = "correction"
    decisions = list(last.values())
    counts = ", ".join(f"{decisions.count(word)} {word}" for word in DECISIONS)
    log.info("%d corrections count: %s.", len(last), counts)
    return table[~table["clip"].isin([clip for clip, word in last.items() if word == "unsure"])]


def _tell(rows: pd.DataFrame, what: str) -> None:
    if len(rows):
        names = ", ".join(map(shown, rows["clip"][:NAMED])) + (" ..." if len(rows) > NAMED else "")
        log.warning("Corrections that %s do not count (%d): %s.", what, len(rows), names)


def _check(table: pd.DataFrame, listed: Sequence[str], path: str) -> None:
    if len(listed) < 2:
        raise EarmarkError(
            f"All {len(table)} clips of {path} have the label '{listed[0]}': there is nothing to "
            f"tell apart. List clips of two classes or more, for example of '{listed[0]}' and "
            f"'Other'."
        )
    without = sorted(set(listed) - set(table.loc[table["verified"] == 1, "label"]))
    if without:
        raise no_verified_clip(without, len(listed), path)


def no_verified_clip(without: Sequence[str], classes: int, path: str) -> EarmarkError:
    """The error, to be raised, for classes ``without`` a verified clip that can be used."""
    return EarmarkError(
        f"The class '{without[0]}' of {path} has no usable clip with manually_verified 1 "
        f"({len(without)} such classes of {classes}). Its labels could neither be spread nor "
        f"validated: listen to some of its clips and mark the right ones with 1."
    )
