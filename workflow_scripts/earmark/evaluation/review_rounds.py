"""Rounds of review: what people decided on labels, and the scores before and after.

Columns of corrections/<name>_rounds.csv: time, checked, wrong and unsure (numbers of decisions),
and of the submission, out of fold: system, clips that judge, accuracy and map3, before the
decisions and after learning from them (empty until the next round begins). Verified clips judge,
and decisions verify more of them, so the clips before and after are not the same.
"""

import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import csv_files, listed, tables
from earmark.labels import corrections, label_table
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import check_kept, write_text

DECIDED = ("checked", "wrong", "unsure")
SCORES = ("system", "clips", "accuracy", "map3")
BEFORE, AFTER = ([f"{name}_{when}" for name in SCORES] for when in ("before", "after"))
COLUMNS = ("time", *DECIDED, *BEFORE, *AFTER)


def add(results: Path, file: Path, kept: Path) -> list[str]:
    """Add the decisions in ``file`` to those ``kept``, and the round to its table.

    ``results`` is the folder of the run. Returns sentences; the log warns of decisions that will
    not be used. Raises EarmarkError for a file that cannot be used.
    """
    check_kept(kept)
    clips = listed.read(results / "index" / "listed.csv")
    classes = sorted(clips["label"].unique())
    corrections.read(file, classes)
    new = _cells(file)
    old = new[:0]
    if kept.exists():
        corrections.read(kept, classes)
        old = _cells(kept)
    both = pd.concat([old, new]).fillna("")
    known = both.duplicated(list(corrections.COLUMNS)).to_numpy()[len(old) :]
    merged = both.drop_duplicates(list(corrections.COLUMNS))
    added = new[~known]
    write_text(kept.resolve(), csv_files.to_text([[*merged], *merged.to_numpy()]))
    again = merged.groupby("clip")["decision"].size().loc[lambda count: count > 1]
    counts = added["decision"].value_counts()
    numbers = [len(added), int(counts.get("wrong", 0)), int(counts.get("unsure", 0))]
    if len(added):
        _note(_rounds_file(kept), numbers, present_scores(results))
    told = [
        f"Added {len(added)} decisions to {kept}: {numbers[1]} wrong, {numbers[2]} unsure, "
        f"{numbers[0] - numbers[1] - numbers[2]} right."
    ]
    if known.any():
        told.append(f"{known.sum()} were there already.")
    if len(again):
        told.append(f"{len(again)} clips were decided more than once: the latest decision counts.")
    try:  # what will not be used, or stops the next run, is told as by it
        label_table.make(clips, corrections.read(kept, classes))
    except EarmarkError as problem:
        told.append(f"With them the next run will stop. {problem}")
    return told


def table(results: Path, kept: Path) -> pd.DataFrame:
    """The rounds so far; the last one's scores after it are the present ones, if they changed."""
    path = _rounds_file(kept)
    if not path.exists():
        raise EarmarkError(
            f"There is no {path} yet. `snakemake review` writes pages to decide on labels, and "
            f"`earmark review --add FILE` adds what you saved there."
        )
    rounds = _read(path)
    present = present_scores(results)
    if present and list(rounds.loc[rounds.index[-1], BEFORE]) != present:
        rounds.loc[rounds.index[-1], AFTER] = present
    return rounds


def present_scores(results: Path) -> list[str]:
    """System, clips, accuracy and MAP@3 of the submission, out of fold; nothing before a run."""
    for kind in ("cross_validation", "validation"):
        folder = results / "evaluation" / kind
        if (folder / "scores.csv").exists():
            shown = tables.read_table(folder / "confusion.csv", ["system"], "table of confusions")
            scores = tables.read_table(folder / "scores.csv", SCORES, "table of scores")
            rows = scores[(scores["split"] == "all") & scores["system"].isin(shown["system"])]
            return [] if rows.empty else list(rows.iloc[0][list(SCORES)])
    return []


def _note(path: Path, numbers: list[int], present: list[str]) -> None:
    """Add a round; decisions on which nothing was learned yet belong to the round before."""
    rounds = _read(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS), dtype=str)
    row: dict[str, Any] = dict(zip(BEFORE, present or [""] * len(BEFORE), strict=True))
    if len(rounds):
        last = rounds.index[-1]
        if list(rounds.loc[last, BEFORE]) == list(row.values()):
            numbers = [
                n + int(m) for n, m in zip(numbers, rounds.loc[last, list(DECIDED)], strict=True)
            ]
            rounds = rounds.drop(index=last)
        else:
            rounds.loc[last, AFTER] = list(row.values())
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    row |= {"time": time, **dict(zip(DECIDED, map(str, numbers), strict=True))}
    rounds = pd.concat([rounds, pd.DataFrame([row])], ignore_index=True)
    tables.write_table(rounds.reindex(columns=list(COLUMNS)).fillna(""), path)


def _rounds_file(kept: Path) -> Path:
    return kept.with_name(f"{kept.stem}_rounds.csv")


def _read(path: Path) -> pd.DataFrame:
    return tables.read_table(path, COLUMNS, "table of rounds")


def _cells(path: Path) -> pd.DataFrame:
    cells = csv_files.read(path, corrections.COLUMNS, "file of corrections", by_hand=True)
    return pd.DataFrame(cells.rows, columns=cells.columns, dtype=str)
