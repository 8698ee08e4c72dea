"""People's corrections of labels: what they decided when they listened to clips.

Columns: clip, label, decision {right, wrong, unsure}, previous_label, time. ``previous_label`` is
the label that was checked; ``label`` is the right one where that was wrong, else it is not read.
Times are ISO 8601 (2026-11-27T14:05:00).
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
            mistakes.append(
                f"{of} the decision is '{shown.decision}'; write right, wrong or unsure."
            )
        elif row.decision == "wrong" and row.label not in classes:
            mistakes.append(
                f"{of} the label is '{shown.label}', which is no class of the train list; write "
                f"one of its classes, or the decision unsure."
            )
        elif row.decision == "wrong" and row.label == row.previous_label:
            mistakes.append(
                f"{of} the decision is wrong, but label and previous_label are both "
                f"'{shown.label}'; write another label, or the decision right."
            )
        if pd.isna(row.when):
            mistakes.append(f"{of} the time is '{shown.time}'; write it like 2026-11-27T14:05:00.")
    if mistakes:
        raise EarmarkError("\n".join([f"The corrections {path} cannot be used.", *mistakes]))
    return table.assign(time=times)


def apply(labels: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """The table of labels after ``corrections``; of several for a clip the latest one decides.

    A label that was right, or was replaced, is verified; a clip of which the listener was unsure
    loses its row. A correction is ignored, with a warning, unless its previous_label is the listed
    label or the one that an earlier correction gave.
    """
    listed = dict(zip(labels["clip"], labels["label"], strict=True))
    in_list = corrections["clip"].isin(listed)
    _warn_ignored(corrections.loc[~in_list, "clip"], "clips that are not in the train list")
    now, decisions, stale = dict(listed), {}, []
    for row in corrections[in_list].sort_values("time", kind="stable").itertuples():
        if row.previous_label not in (listed[row.clip], now[row.clip]):
            stale.append(row.clip)
            continue
        decisions[row.clip] = row.decision
        now[row.clip] = row.label if row.decision == "wrong" else row.previous_label
    _warn_ignored(stale, "labels that the train list has changed since")
    counts = [f"{list(decisions.values()).count(word)} {word}" for word in DECISIONS]
    log.info("Applied %d corrections: %s.", len(decisions), ", ".join(counts))
    table = labels.assign(label=labels["clip"].map(now))
    decision = table["clip"].map(decisions)
    table.loc[decision.notna(), ["verified", "origin"]] = [1, "correction"]
    return table[decision != "unsure"]


def _warn_ignored(clips: Sequence[str], of: str) -> None:
    if len(clips):
        names = finite.name_list([printable(name) for name in dict.fromkeys(clips)])
        log.warning("Ignored %d corrections for %s: %s.", len(clips), of, names)
