"""Validation folds: drawn once, into the manifest, and stratified."""

from collections.abc import Sequence

import numpy as np


def draw(
    labels: Sequence[str], verified: Sequence[int], folds: int, rng: np.random.Generator
) -> np.ndarray:
    """Deal clips to ``folds`` validation folds, stratified by label and verified flag.

    Each stratum is shuffled and dealt like cards, going on where the one before stopped: counts per
    fold differ by at most one in every stratum and in all. A class's only verified clip is never
    held out (fold -1), so that something trusted is always left to learn from. Returns (n,)
    integers below ``folds``.
    """
    strata: dict[tuple[str, int], list[int]] = {}
    for index, key in enumerate(zip(labels, verified, strict=True)):
        strata.setdefault(key, []).append(index)
    fold = np.full(len(labels), -1)
    dealt = 0
    for key in sorted(strata):
        if key[1] == 1 and len(strata[key]) == 1:
            continue
        members = rng.permutation(strata[key])
        fold[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    return fold
