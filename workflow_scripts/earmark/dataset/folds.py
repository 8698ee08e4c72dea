"""folds.csv: which clips validate together. Columns: clip, recording, fold (-1: never held out).

Folds are dealt over the labels as they are listed, so that corrections move nobody. Clips of one
recording, or with identical content, share a fold: a model must not have heard what it is judged
by.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import tables

log = logging.getLogger("earmark")

COLUMNS = ("clip", "recording", "fold")


def read(path: str | Path) -> pd.DataFrame:
    """Read folds.csv; folds come back as numbers."""
    table = tables.read_table(path, COLUMNS, "table of folds")
    return tables.to_numbers(table, {"fold": int}, path, "table of folds")


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
    unit = _units(listed["recording"].tolist(), listed["hash"].tolist())
    table = listed.assign(unit=unit).sort_values(["verified", "clip"], ascending=[False, True])
    fold_of: dict[str, int] = {}
    for (label, verified), stratum in table.drop_duplicates("unit").groupby(["label", "verified"]):
        offset = _number(seed, "offset", label, verified)
        dealt = sorted(stratum["unit"], key=lambda name: (_number(seed, "recording", name), name))
        fold_of |= {name: (offset + place) % folds for place, name in enumerate(dealt)}
    for _, trusted in table[table["verified"] == 1].groupby("label")["unit"]:
        if trusted.map(fold_of).nunique() == 1:
            fold_of[min(trusted)] = -1
    return pd.DataFrame(
        {
            "clip": listed["clip"],
            "recording": listed["recording"],
            "fold": [fold_of[name] for name in unit],
        }
    )


def _units(recordings: Sequence[str], hashes: Sequence[str]) -> list[str]:
    """For each clip a recording that stands for all that are joined with its own by content."""
    parent = {name: name for name in recordings}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    owner: dict[str, str] = {}
    for name, content in zip(recordings, hashes, strict=True):
        if content:
            # The name that sorts first stands for all, whatever the list's order.
            low, high = sorted((root(name), root(owner.setdefault(content, name))))
            parent[high] = low
    return [root(name) for name in recordings]


def _number(seed: int, *names: object) -> int:
    """A number that looks random, of a seed and names."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def warn_of_contradictions(listed: pd.DataFrame) -> None:
    """Log a warning if clips with the same bytes have different labels."""
    known = listed[listed["hash"] != ""]
    labels = known.groupby("hash", sort=False)["label"].nunique()
    odd = labels.index[labels > 1]
    if len(odd):
        pair = known[known["hash"] == odd[0]].drop_duplicates("label")["clip"].tolist()
        log.warning(
            "%d sounds are train clips more than once, with different labels (%s): keep the right "
            "ones.",
            len(odd),
            " and ".join(pair),
        )
