"""Label spreading within a group: verified labels spread to similar clips (report, section 4).

An unverified clip is *promoted* when the label it receives equals its given label, or else
*rejected*. Clips that no verified one reaches through the kernel stay *undecided* and are never
promoted; scikit-learn alone would give them class 0.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from earmark.dataset import tables
from earmark.features import finite

log = logging.getLogger("earmark")

COLUMNS = ("clip", "given", "spread", "confidence", "state")
# A dense kernel of this many clips takes a gigabyte, and spreading two more.
DENSE_CLIPS = 11_000
SPARSE_NEIGHBOURS = 50


def spread(
    clips: Sequence[str],
    labels: Sequence[str],
    verified: np.ndarray,
    vectors: np.ndarray,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Spread labels over the clips of one group.

    ``labels`` are the given ones, ``verified`` (n,) says which are verified, and ``vectors`` (n, d)
    are latents or other features. ``settings`` has ``alpha``, ``max_iterations`` and ``tolerance``
    of scikit-learn's LabelSpreading (Zhou et al. 2004), the kernel's ``gamma`` and ``neighbours``
    (see ``affinity``), and ``isolated``: clips that no label reaches are "undecided", or get the
    "first_class", as in scikit-learn alone and in the report's code. Returns one row per clip:
    clip, given, spread (empty if undecided), confidence in [0, 1], and state {verified, promoted,
    rejected, undecided}. Raises EarmarkError, with the clips' names, for vectors that are not
    finite.
    """
    from sklearn.semi_supervised import LabelSpreading

    remedy = "Delete the file that they come from; the next run recreates it."
    finite.check_clips("vectors", clips, vectors, remedy)
    is_verified = np.asarray(verified, dtype=bool)
    classes = sorted(set(np.asarray(labels)[is_verified]))
    if len(classes) < 2 or is_verified.all():
        # With one class, every label would be confirmed, whatever the sound.
        mass = np.zeros((len(clips), max(1, len(classes))))
    else:
        start = np.where(is_verified, pd.Categorical(labels, classes).codes, -1)
        matrix = affinity(vectors, settings["gamma"], settings.get("neighbours", "auto"))
        model = LabelSpreading(
            kernel=lambda *numbers: matrix,
            alpha=settings["alpha"],
            max_iter=settings["max_iterations"],
            tol=settings["tolerance"],
        )
        with warnings.catch_warnings():
            # Rows without any mass give 0 / 0 there; they are handled below.
            warnings.simplefilter("ignore", RuntimeWarning)
            # The kernel is computed already, so the vectors are not needed here.
            model.fit(np.arange(len(start))[:, None], start)
        mass = np.nan_to_num(model.label_distributions_)
        log.info("Spread in %d iterations.", model.n_iter_)
    decided = mass.sum(axis=1) > 0
    if settings["isolated"] == "first_class" and classes:
        decided[:] = True
    best = mass.argmax(axis=1)
    table = pd.DataFrame(
        {
            "clip": list(clips),
            "given": list(labels),
            "spread": [classes[i] if ok else "" for i, ok in zip(best, decided, strict=True)],
            "confidence": np.round(mass.max(axis=1), 6),
        }
    )
    agrees = table["spread"] == table["given"]
    state = np.where(agrees, "promoted", np.where(decided, "rejected", "undecided"))
    table["state"] = np.where(is_verified, "verified", state)
    return table


def read(path: str | Path) -> pd.DataFrame:
    """Read a table that ``spread`` returned; its cells come back as text."""
    return tables.read_table(path, COLUMNS, "spreading table")


def affinity(
    vectors: np.ndarray, gamma: float | str = "auto", neighbours: int | str = "auto"
) -> np.ndarray | csr_array:
    """The RBF kernel exp(-gamma |x - y|^2) between vectors (n, d), as an (n, n) matrix.

    ``gamma`` "auto" is 1 / the median squared distance to the nearest neighbour, so that a typical
    clip's similarity to its nearest neighbour is exp(-1). ``neighbours``: how many nearest
    neighbours each clip is connected to (both ways), in a sparse matrix; 0 connects all clips.
    "auto": all where the matrix stays below a gigabyte, or else SPARSE_NEIGHBOURS.
    """
    count = len(vectors)
    if neighbours == "auto":
        neighbours = 0 if count <= DENSE_CLIPS else SPARSE_NEIGHBOURS
    # Centred, for rounding errors grow with the norms; distances stay the same.
    points = np.array(vectors, dtype=np.float64)
    points -= points.mean(axis=0)
    # Rounding makes the distance of equal vectors a little larger than zero.
    rounding = 100 * np.finfo(np.float64).eps * np.einsum("ij,ij", points, points) / count
    if 0 < int(neighbours) < count - 1:
        return _sparse_affinity(points, gamma, int(neighbours), rounding)
    from sklearn.metrics.pairwise import euclidean_distances

    squares = euclidean_distances(points, squared=True)
    squares[squares < rounding] = 0
    np.fill_diagonal(squares, np.inf)
    number = _auto_gamma(squares.min(axis=1)) if gamma == "auto" else float(gamma)
    log.info("The kernel connects all %d clips; gamma is %.4g.", count, number)
    np.fill_diagonal(squares, 0)
    squares *= -number
    return np.exp(squares, out=squares)


def _sparse_affinity(
    points: np.ndarray, gamma: float | str, neighbours: int, rounding: float
) -> csr_array:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(points)
    graph = csr_array(search.kneighbors_graph(mode="distance"))
    squares = graph.data**2
    squares[squares < rounding] = 0
    # Each row's neighbours come nearest first.
    nearest = squares[::neighbours]
    number = _auto_gamma(nearest) if gamma == "auto" else float(gamma)
    log.info(
        "The kernel connects %d clips to %d others; gamma is %.4g.", len(points), neighbours, number
    )
    graph.data = np.exp(-number * squares)
    return graph.maximum(graph.T).tocsr()


def _auto_gamma(nearest: np.ndarray) -> float:
    """Gamma from the squared distances (n,) of vectors to their nearest neighbours."""
    median = float(np.median(nearest))
    if median > 0:
        return 1.0 / median
    positive = nearest[nearest > 0]
    return float(1.0 / np.mean(positive)) if len(positive) else 1.0


def summary_row(spreading: str, group: str, table: pd.DataFrame) -> dict[str, object]:
    """One row of the group table: counts before and after, as the report prints them."""
    counts = table["state"].value_counts()
    verified, promoted = int(counts.get("verified", 0)), int(counts.get("promoted", 0))
    return {
        "spreading": spreading,
        "group": group,
        "classes": table["given"].nunique(),
        "clips": len(table),
        "verified": verified,
        "promoted": promoted,
        "verified_after": verified + promoted,
        "percent_after": round(100 * (verified + promoted) / len(table), 2),
        "rejected": int(counts.get("rejected", 0)),
        "undecided": int(counts.get("undecided", 0)),
    }
