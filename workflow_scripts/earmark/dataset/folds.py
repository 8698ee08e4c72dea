"""Validation folds. Columns of folds.csv: clip, recording, fold (-1: never held out).

Official folds are used as they are. Else folds are drawn from the listed labels, so corrections do
not change them; clips of one recording, or with identical content, share a fold: validation clips
must be new to a model.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import tables
from earmark.runtime.errors import examples

log = logging.getLogger("earmark")

COLUMNS = ("clip", "recording", "fold")


def read(path: str | Path) -> pd.DataFrame:
    """Read folds.csv; folds come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of folds", {"fold": int})


def read_any(paths: Sequence[str]) -> pd.DataFrame:
    """Read folds.csv, the only one of ``paths``; without one, no clip is in a fold."""
    return read(paths[0]) if paths else pd.DataFrame(columns=list(COLUMNS))


def make(listed: pd.DataFrame, index: pd.DataFrame, folds: int, seed: int) -> pd.DataFrame:
    """The table of folds: the official ones of the list, or ``folds`` drawn ones if it has none.

    ``listed`` has those of ``listed.read``; ``index`` has clip, hash, start and end. The log
    warns of clips without an official fold, and of what makes scores on folds too high or too low.
    """
    table = listed.merge(index[["clip", "hash", "start", "end"]], on="clip", how="left").fillna("")
    parts = table["hash"] + "#" + table["start"] + "-" + table["end"]
    table = table.assign(content=parts.where(table["hash"] != "", ""))
    warn_of_contradictions(table)
    if (table["fold"] < 0).all():
        drawn = draw(table, folds, seed)
        filled = drawn.loc[drawn["fold"] >= 0, "fold"].nunique()
        if filled < folds:
            log.warning(
                f"Only {filled} of {folds} folds have clips, as there are too few recordings: "
                f"nothing is held out by the others. Set `folds: {max(2, filled)}`."
            )
        return drawn
    _warn_of_official_folds(table)
    return table[list(COLUMNS)]


def draw(listed: pd.DataFrame, folds: int, seed: int) -> pd.DataFrame:
    """Assign clips to ``folds`` validation folds, stratified by label and verified flag.

    ``listed`` has clip, recording, label, verified and content (equal where that is identical;
    empty if unknown).
    Units are recordings, joined where they have content in common; a unit belongs to the stratum
    (label, verified) of its first verified clip by name, or else of its first clip. Within a
    stratum, units are sorted by a hash of seed and name and assigned to the folds in turn, from a
    hashed first fold. So numbers of units per fold differ by at most one in each stratum, and a
    clip added to the list changes folds in its own stratum only. Where a fold would be empty though
    there are units enough, some with several labels (a few long recordings), folds take turns over
    all strata. Where one fold would hold all verified units of a class, the first is never held out
    (fold -1): it remains for training.
    """
    table = listed.assign(unit=_joined_recordings(listed))
    ordered = table.sort_values(["verified", "clip"], ascending=[False, True])
    fold_of: dict[str, int] = {}
    in_order: list[str] = []
    strata = ordered.drop_duplicates("unit").groupby(["label", "verified"])
    for (label, verified), stratum in strata:
        offset = _random_number(seed, "offset", label, verified)
        units = sorted((_random_number(seed, "recording", name), name) for name in stratum["unit"])
        fold_of |= {name: (offset + rank) % folds for rank, (_, name) in enumerate(units)}
        in_order += [name for _, name in units]
    has_long = len(ordered.drop_duplicates(["unit", "label"])) > len(fold_of)
    if has_long and len({*fold_of.values()}) < min(folds, len(fold_of)):
        fold_of = {name: rank % folds for rank, name in enumerate(in_order)}
    for _, verified_units in ordered[ordered["verified"] == 1].groupby("label")["unit"]:
        if len({fold_of[unit] for unit in verified_units}) == 1:
            fold_of[min(verified_units)] = -1
    return table.assign(fold=table["unit"].map(fold_of))[list(COLUMNS)]


def _joined_recordings(listed: pd.DataFrame) -> pd.Series:
    """For each clip the unit that it belongs to: its recording, joined with others by content.

    A unit is named by its first recording in alphabetical order, whatever the list's order.
    """
    recording, names = pd.factorize(listed["recording"], sort=True)
    first, before = pd.Series(recording, listed.index), None
    known = listed["content"] != ""
    while not first.equals(before):
        before = first.copy()
        first[known] = first[known].groupby(listed["content"]).transform("min")
        first = first.groupby(recording).transform("min")
    return pd.Series(names[first], listed.index)


def _random_number(seed: int, *names: object) -> int:
    """A pseudo-random number from a seed and names."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def warn_of_contradictions(listed: pd.DataFrame) -> None:
    """Log a warning if clips with identical content have different labels."""
    count, pairs = _copies_that_differ(listed, "label")
    if count:
        log.warning(
            f"{count} train clips have identical content but different labels (such as {pairs}). "
            f"Keep the correct label."
        )


def _warn_of_official_folds(listed: pd.DataFrame) -> None:
    """Log warnings of clips without a fold, leaks between folds, and classes within one fold."""
    without = listed.loc[listed["fold"] < 0, "clip"].tolist()
    if without:
        log.warning(
            f"{len(without)} of {len(listed)} train clips have no fold in the list (such as "
            f"{examples(without)}): they are never held out, and no score counts them."
        )
    # A clip without a fold is in the training of every model, so it leaks into all folds.
    parted = rows_apart(listed, "recording", "fold")["recording"].drop_duplicates().tolist()
    if parted:
        log.warning(
            f"{len(parted)} recordings have clips in different official folds (such as "
            f"{examples(parted)}): out-of-fold scores are too high. Give all clips of a recording "
            f"one fold."
        )
    count, pairs = _copies_that_differ(listed, "fold")
    if count:
        log.warning(
            f"{count} train clips have identical content but different official folds (such as "
            f"{pairs}): out-of-fold scores are too high. Keep one of each, or give them one fold."
        )
    verified = listed[listed["verified"] == 1].groupby("label")["fold"].agg(["nunique", "max"])
    lone = verified.index[(verified["nunique"] == 1) & (verified["max"] >= 0)].tolist()
    if lone:
        log.warning(
            f"{len(lone)} classes have all their verified clips in one official fold (such as "
            f"{examples(lone)}): a model that holds it out has none of them to learn from. Verify "
            f"clips of other folds, or leave the fold of some empty."
        )


def rows_apart(table: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    """The rows whose value in ``by`` (not empty) others have that differ in ``column``."""
    known = table[table[by] != ""]
    return known[known.groupby(by)[column].transform("nunique") > 1]


def _copies_that_differ(listed: pd.DataFrame, column: str) -> tuple[int, str]:
    """How many clips have a copy that differs in ``column``, and examples of such pairs."""
    copies = rows_apart(listed, "content", column)
    different = copies.drop_duplicates(["content", column]).groupby("content", sort=False)["clip"]
    return len(copies), examples(different.agg(lambda clips: " and ".join(clips[:2])).tolist())
