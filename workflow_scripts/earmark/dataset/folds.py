"""folds.csv: which clips validate together. Columns: clip, recording, fold (-1: never held out).

Folds are dealt over the labels as they are listed, so that corrections move nobody. Clips of one
recording, or with identical content, share a fold: a model must not have learned from what it is
evaluated on.
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
    """Deal clips to ``folds`` validation folds, stratified by label and verified flag.

    ``listed`` has clip, recording, label, verified and hash (of the content; empty if unknown).
    Recordings, joined where they have content in common, are what is dealt. Of each stratum (that
    of a recording's first verified clip by name, or else of its first clip) they are dealt like
    cards in the order of a hash of seed and name, each stratum from an offset of its own: another
    clip in the list moves at most those of its stratum, and counts per fold differ by at most one
    recording in each. Where one fold would hold all verified recordings of a class, the first of
    them is never held out (fold -1), so that something trusted is always left to learn from.
    """
    table = listed.assign(unit=_joined_recordings(listed))
    ordered = table.sort_values(["verified", "clip"], ascending=[False, True])
    fold_of: dict[str, int] = {}
    strata = ordered.drop_duplicates("unit").groupby(["label", "verified"])
    for (label, verified), stratum in strata:
        offset = _random_number(seed, "offset", label, verified)
        dealt = sorted((_random_number(seed, "recording", name), name) for name in stratum["unit"])
        fold_of |= {name: (offset + card) % folds for card, (_, name) in enumerate(dealt)}
    for _, trusted in ordered[ordered["verified"] == 1].groupby("label")["unit"]:
        if trusted.map(fold_of).nunique() == 1:
            fold_of[min(trusted)] = -1
    return table.assign(fold=table["unit"].map(fold_of))[list(COLUMNS)]


def _joined_recordings(listed: pd.DataFrame) -> pd.Series:
    """For each clip a recording that stands for all that are joined with its own by content.

    It is the first of them by name, whatever the list's order.
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
    """A number that looks random, of a seed and names."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def warn_of_contradictions(listed: pd.DataFrame) -> None:
    """Log a warning if clips with the same bytes have different labels."""
    pairs = listed[listed["hash"] != ""].drop_duplicates(["hash", "label"])
    odd = pairs[pairs.duplicated("hash", keep=False)]
    if len(odd):
        clips = odd.loc[odd["hash"] == odd["hash"].iloc[0], "clip"]
        log.warning(
            f"{odd['hash'].nunique()} sounds are train clips more than once, with different labels "
            f"({' and '.join(clips)}): keep the right ones."
        )
