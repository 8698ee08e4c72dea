"""Tables of suspects: suspects.csv, the train clips by how probably their label is wrong, and
wrong_labels.csv, how many labels are wrong.

Columns of suspects.csv: rank, clip, label, verified, wrong (the probability of that; empty for a
clip that cannot be heard), suggestion (the most probable other class), guess_1 to guess_3 and
probability_1 to probability_3 (of the classes, the given label left out of account), reason (in
words), like_label and like_suggestion (the clip of each class that sounds most alike, of those with
a checked label; where a class has none, of those whose label is most probably right).

Columns of wrong_labels.csv: among (all, class or top), of (the class, or how many suspects), clips,
checked (clips whose label is known to be right), wrong (expected number among the others), and its
95 % interval from wrong_low to wrong_high.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.labels.suspects import Labels, Suspicion

GUESSES = 3
COLUMNS = (
    *("rank", "clip", "label", "verified", "wrong", "suggestion"),
    *(f"{kind}_{place}" for place in range(1, GUESSES + 1) for kind in ("guess", "probability")),
    *("reason", "like_label", "like_suggestion"),
)
NUMBERS = ("rank", "verified", "wrong", *(f"probability_{n}" for n in range(1, GUESSES + 1)))
COUNTS = ("among", "of", "clips", "checked", "wrong", "wrong_low", "wrong_high")
COUNT_NUMBERS = {
    **dict.fromkeys(("clips", "checked"), int),
    **dict.fromkeys(("wrong", "wrong_low", "wrong_high"), float),
}
# With fewer checked labels, the numbers of wrong ones are rough estimates.
FEW_CHECKED = 100
TOP = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
# Classes of at least this probability are heard.
HEARD = 0.3
# Clips are near-copies if they are this much closer than a typical clip to its nearest one.
COPY_DISTANCE = 0.2


def read(path: str | Path) -> pd.DataFrame:
    """Read suspects.csv; of a clip that cannot be heard, numbers are NaN."""
    table = tables.read_table(path, COLUMNS, "table of suspects")
    return table.assign(**{name: pd.to_numeric(table[name]) for name in NUMBERS})


def read_counts(path: str | Path) -> pd.DataFrame:
    """Read wrong_labels.csv."""
    return tables.read_table(path, COUNTS, "table of wrong labels", COUNT_NUMBERS)


def known_labels(rows: pd.DataFrame, listed: pd.DataFrame, classes: Sequence[str]) -> Labels:
    """What is known of the labels in ``rows`` of labels.csv.

    Where ``listed`` calls all labels verified, nobody says which were: then only those are known
    that people confirmed or corrected here.
    """
    number = {name: place for place, name in enumerate(classes)}
    before = listed.set_index("clip")["label"][rows["clip"]].map(number).to_numpy()
    now = rows["label"].map(number).to_numpy()
    checked = (rows["origin"] == "correction").to_numpy()
    by_list = (rows["verified"] == 1).to_numpy() & bool((listed["verified"] == 0).any())
    return Labels(before, np.where(checked | by_list, now, -1), checked)


def make(
    rows: pd.DataFrame,
    classes: Sequence[str],
    found: Suspicion,
    points: np.ndarray,
    unheard: pd.DataFrame,
) -> pd.DataFrame:
    """Return suspects.csv, the most suspicious clip first.

    ``rows`` has clip, label and verified of the n clips of ``found``, which lie at ``points``
    (n, d); ``unheard`` the same and the problem of clips that no model heard.
    """
    clips, labels = rows["clip"].to_numpy(), rows["label"].to_numpy()
    number = {name: place for place, name in enumerate(classes)}
    given = np.array([number[label] for label in labels], dtype=int)
    # Of a label that was corrected, the new one is known to be right.
    known = found.labels.true >= 0
    wrong = np.where(known, 0.0, found.probability)
    order = np.argsort(-found.classes, axis=1, kind="stable")
    suggested = np.where(order[:, 0] == given, order[:, 1], order[:, 0])
    trusted = known if known.any() else wrong < 0.5
    like_label, like_suggestion = (
        _most_alike(points, wanted, given, wrong, trusted) for wanted in (given, suggested)
    )
    names = np.array([*clips, ""])
    table = pd.DataFrame({"clip": clips, "label": labels, "verified": rows["verified"]})
    table["wrong"] = wrong.round(6)
    table["suggestion"] = np.array(classes)[suggested]
    for place in range(GUESSES):
        best = order[:, place] if place < len(classes) else np.full(len(order), -1)
        table[f"guess_{place + 1}"] = np.array([*classes, ""])[best]
        values = np.take_along_axis(found.classes, best[:, None], axis=1)[:, 0]
        table[f"probability_{place + 1}"] = np.where(best < 0, np.nan, values.round(6))
    table["reason"] = _reasons(table, given, found.classes, classes, points)
    table["like_label"], table["like_suggestion"] = names[like_label], names[like_suggestion]
    table = table.iloc[np.argsort(-wrong, kind="stable")]
    silent = unheard.rename(columns={"problem": "reason"})
    table = pd.concat([table, silent], ignore_index=True)
    return table.assign(rank=range(1, len(table) + 1))[list(COLUMNS)]


def _most_alike(
    points: np.ndarray, wanted: np.ndarray, given: np.ndarray, wrong: np.ndarray, use: np.ndarray
) -> np.ndarray:
    """For each clip, the place of the most similar one to ``use`` whose label is ``wanted`` (n,).

    Where a class has none, its least suspicious clips stand in. It is -1 where there are none.
    """
    found = np.full(len(points), -1)
    for label in np.unique(wanted):
        of = np.flatnonzero(wanted == label)
        among = np.flatnonzero((given == label) & use)
        if not len(among):
            among = np.flatnonzero(given == label)
            among = among[np.argsort(wrong[among], kind="stable")][:GUESSES]
        found[of] = nearest(points, among, of)[0]
    return found


def _reasons(
    table: pd.DataFrame,
    given: np.ndarray,
    values: np.ndarray,
    classes: Sequence[str],
    points: np.ndarray,
) -> list[str]:
    everyone = np.arange(len(points))
    other, distance = nearest(points, everyone, everyone)
    near = distance <= COPY_DISTANCE * np.median(distance)
    told = []
    for row, (clip, is_near) in enumerate(zip(other, near, strict=True)):
        reasons = []
        if is_near and given[clip] != given[row]:
            name, label = table["clip"].iat[clip], table["label"].iat[clip]
            reasons.append(f"near-copy of {name}, which is labelled {label}")
        heard = [classes[at] for at in np.argsort(-values[row]) if values[row, at] >= HEARD]
        if not heard:
            reasons.append("sounds like none of the classes")
        elif heard != [classes[given[row]]]:
            reasons.append(f"sounds like {' and '.join(heard)}")
        told.append("; ".join(reasons))
    return told


def count(labels: Sequence[str], found: Suspicion, seed: int) -> pd.DataFrame:
    """Return wrong_labels.csv for the ``labels`` (n,) of the clips of ``found``."""
    unknown = found.labels.true < 0
    order = np.argsort(-np.where(unknown, found.probability, -1), kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(1, len(order) + 1)
    names = np.array(labels)
    groups = {("all", ""): np.ones(len(names), dtype=bool)}
    groups |= {("class", name): names == name for name in sorted(set(labels))}
    groups |= {("top", str(top)): rank <= top for top in TOP if top < unknown.sum()}
    members = np.stack(list(groups.values()))
    wrong = found.counts((members & unknown).astype(float), seed)
    table = pd.DataFrame(list(groups), columns=["among", "of"])
    table["clips"], table["checked"] = members.sum(axis=1), (members & ~unknown).sum(axis=1)
    for name, values in zip(("wrong", "wrong_low", "wrong_high"), wrong, strict=True):
        table[name] = values.round(1)
    return table


def nearest(points: np.ndarray, among: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of ``among`` to each of ``of``, itself left out: places (m,), distances (m,).

    ``among`` and ``of`` are places in ``points`` (n, d). The place is -1 where there is no other.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(2, len(among))
    if not count or not len(of):
        return np.full(len(of), -1), np.full(len(of), np.inf)
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points[among])
    distances, places = search.kneighbors(points[of])
    found = among[places]
    # Of equal clips, itself need not be the first.
    is_self = found == of[:, None]
    distances = np.where(is_self, np.inf, distances)
    best = distances.argmin(axis=1)
    rows = np.arange(len(of))
    return np.where(np.isinf(distances[rows, best]), -1, found[rows, best]), distances[rows, best]
