"""People's corrections of labels: what they decided when they listened to clips.

Columns: clip, label, decision {right, wrong, unsure}, previous_label, time. ``previous_label`` is
the label that was decided on, ``label`` the right one of a clip whose label is wrong (else it is
not read). Times are ISO 8601 (2026-11-27T14:05:00).
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import csv_files
from earmark.features import finite
from earmark.runtime.errors import EarmarkError, printable

log = logging.getLogger("earmark")

COLUMNS = ("clip", "label", "decision", "previous_label", "time")
DECISIONS = ("right", "wrong", "unsure")


def read(path: str | Path, classes: Sequence[str]) -> pd.DataFrame:
    """Read a file of corrections. Raises EarmarkError with all mistakes at once."""
    cells = csv_files.read(path, COLUMNS, "file of corrections", by_hand=True)
    table = pd.DataFrame(cells.rows, columns=cells.columns, dtype=str)
    # Not "now" or "today": they would be another time in each run.
    dated = table["time"].where(table["time"].str.match(r"\d{4}-\d\d-\d\d"))
    times = pd.to_datetime(dated, errors="coerce", format="ISO8601", utc=True)
    mistakes = []
    rows = zip(cells.lines, table.assign(when=times).itertuples(), strict=True)
    for (line, row), shown in zip(rows, table.map(printable).itertuples(), strict=True):
        of = f"- line {line}, {shown.clip}:"
        if not row.clip:
            mistakes.append(f"- line {line} names no clip.")
        if row.decision not in DECISIONS:
            mistakes.append(f"{of} the decision '{shown.decision}'. Write right, wrong or unsure.")
        elif row.decision == "wrong" and row.label not in classes:
            mistakes.append(
                f"{of} the right label is '{shown.label}', which is no class of the train list. "
                f"Write one of its classes, or the decision unsure."
            )
        elif row.decision == "wrong" and row.label == row.previous_label:
            mistakes.append(
                f"{of} the label '{shown.label}' is wrong, and written as the right one too. Write "
                f"the right one, or the decision right."
            )
        if pd.isna(row.when):
            mistakes.append(f"{of} the time '{shown.time}'. Write it like 2026-11-27T14:05:00.")
    if mistakes:
        raise EarmarkError("\n".join([f"The corrections {path} cannot be used.", *mistakes]))
    return table.assign(time=times)


def corrected(labels: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """The table of labels with ``corrections``, of which the latest of a clip counts.

    A label found right, or replaced, is verified; a clip of which the listener was unsure has no
    row. A correction counts only if it was of the listed label, or of what an earlier correction
    made of it; the log names the others.
    """
    listed = dict(zip(labels["clip"], labels["label"], strict=True))
    known = corrections["clip"].isin(listed)
    _warn_of(corrections.loc[~known, "clip"], "are of clips not in the train list")
    now, decisions, stale = dict(listed), {}, []
    for row in corrections[known].sort_values("time", kind="stable").itertuples():
        if row.previous_label not in (listed[row.clip], now[row.clip]):
            stale.append(row.clip)
            continue
        decisions[row.clip] = row.decision
        now[row.clip] = row.label if row.decision == "wrong" else row.previous_label
    _warn_of(stale, "are of a label that the train list has changed since")
    counts = [f"{list(decisions.values()).count(word)} {word}" for word in DECISIONS]
    log.info("%d corrections count: %s.", len(decisions), ", ".join(counts))
    table = labels.assign(label=labels["clip"].map(now))
    decision = table["clip"].map(decisions)
    table.loc[decision.notna(), ["verified", "origin"]] = [1, "correction"]
    return table[decision != "unsure"]


def _warn_of(clips: Sequence[str], what: str) -> None:
    if len(clips):
        names = finite.listed([printable(name) for name in dict.fromkeys(clips)])
        log.warning("Corrections that %s do not count (%d): %s.", what, len(clips), names)
