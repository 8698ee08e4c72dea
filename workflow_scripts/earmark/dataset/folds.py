"""Validation folds. Columns of folds.csv: clip, recording, fold (-1: never held out).

Folds are assigned from the listed labels, so corrections do not change them. Clips of one
recording, or with identical content, share a fold: validation clips must be new to a model.
"""

import hashlib
import logging
from pathlib import Path

import pandas as pd

from earmark.dataset import tables

log = logging.getLogger("earmark")

COLUMNS = ("clip", "recording", "fold")


def read(path: str | Path) -> pd.DataFrame:
    """Read folds.csv; folds come back as numbers."""
    return tables.read_table(path, COLUMNS, "table of folds", {"fold": int})


def draw(listed: pd.DataFrame, folds: int, seed: int) -> pd.DataFrame:
    """Assign clips to ``folds`` validation folds, stratified by label and verified flag.

    ``listed`` has clip, recording, label, verified and hash (of the content; empty if unknown).
    Units are recordings, joined where they have content in common; a unit belongs to the stratum
    (label, verified) of its first verified clip by name, or else of its first clip. Within a
    stratum, units are sorted by a hash of seed and name and assigned to the folds in turn, from a
    hashed first fold. So numbers of units per fold differ by at most one in each stratum, and a
    clip added to the list changes folds in its own stratum only. Where one fold would hold all
    verified units of a class, the first is never held out (fold -1): it remains for training.
    """
    table = listed.assign(unit=_joined_recordings(listed))
    ordered = table.sort_values(["verified", "clip"], ascending=[False, True])
    fold_of: dict[str, int] = {}
    strata = ordered.drop_duplicates("unit").groupby(["label", "verified"])
    for (label, verified), stratum in strata:
        offset = _random_number(seed, "offset", label, verified)
        units = sorted((_random_number(seed, "recording", name), name) for name in stratum["unit"])
        fold_of |= {name: (offset + rank) % folds for rank, (_, name) in enumerate(units)}
    for _, verified_units in ordered[ordered["verified"] == 1].groupby("label")["unit"]:
        if verified_units.map(fold_of).nunique() == 1:
            fold_of[min(verified_units)] = -1
    return table.assign(fold=table["unit"].map(fold_of))[list(COLUMNS)]


def _joined_recordings(listed: pd.DataFrame) -> pd.Series:
    """For each clip the unit that it belongs to: its recording, joined with others by content.

    A unit is named by its first recording in alphabetical order, whatever the list's order.
    """
    recording, names = pd.factorize(listed["recording"], sort=True)
    first, before = pd.Series(recording, listed.index), None
    known = listed["hash"] != ""
    while not first.equals(before):
        before = first.copy()
        first[known] = first[known].groupby(listed["hash"]).transform("min")
        first = first.groupby(recording).transform("min")
    return pd.Series(names[first], listed.index)


def _random_number(seed: int, *names: object) -> int:
    """A pseudo-random number from a seed and names."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def warn_of_contradictions(listed: pd.DataFrame) -> None:
    """Log a warning if clips with the same bytes have different labels."""
    pairs = listed[listed["hash"] != ""].drop_duplicates(["hash", "label"])
    odd = pairs[pairs.duplicated("hash", keep=False)]
    if len(odd):
        count = listed["hash"].isin(odd["hash"]).sum()
        examples = odd.loc[odd["hash"] == odd["hash"].iloc[0], "clip"]
        log.warning(
            f"{count} train clips have identical content but different labels (such as "
            f"{', '.join(examples)}). Keep the correct label."
        )
