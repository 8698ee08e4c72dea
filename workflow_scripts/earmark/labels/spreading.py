"""Label spreading within a group: verified labels flow to clips that sound alike (report, 4).

A clip without a verified label is *promoted* when the label that flows to it equals the one it was
given, or else *rejected*. Clips that no verified one reaches through the kernel stay *undecided*
and are never promoted; scikit-learn alone would give them class 0.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from earmark.features import finite

log = logging.getLogger("earmark")

COLUMNS = ("clip", "given", "spread", "confidence", "state")
# A dense kernel of so many clips takes a gigabyte, and the spreading twice as much again.
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

    ``labels`` are the given ones, ``verified`` (n,) is true where they are trusted, and ``vectors``
    (n, d) are latents or other features. ``settings`` has ``alpha``, ``max_iterations`` and
    ``tolerance`` of scikit-learn's LabelSpreading (Zhou et al. 2004), the kernel's ``gamma`` and
    ``neighbours`` (see ``affinity``), and ``isolated``: rows that no label reaches are "undecided",
    or get the "first_class", as in scikit-learn alone and in the report's code. Returns one row
    per clip: clip, given, spread (empty if undecided), confidence in [0, 1], and state {verified,
    promoted, rejected, undecided}. Raises EarmarkError, with the clips' names, for vectors that are
    not finite.
    """
    from sklearn.semi_supervised import LabelSpreading

    remedy = "Delete the file that they come from; the next run recreates it."
    finite.check_clips("vectors", clips, vectors, remedy)
    known = np.asarray(verified, dtype=bool)
    classes = sorted(set(np.asarray(labels)[known]))
    if len(classes) < 2 or known.all():
        # With one class there is nothing to decide between, and agreeing would prove nothing.
        mass = np.zeros((len(clips), max(1, len(classes))))
    else:
        start = np.where(known, pd.Categorical(labels, classes).codes, -1)
        matrix = affinity(vectors, settings["gamma"], settings.get("neighbours", "auto"))
        model = LabelSpreading(
            kernel=lambda *numbers: matrix,
            alpha=settings["alpha"],
            max_iter=settings["max_iterations"],
            tol=settings["tolerance"],
        )
        with warnings.catch_warnings():
            # Rows without any mass divide zero by zero there; they are handled below.
            warnings.simplefilter("ignore", RuntimeWarning)
            # The kernel knows the vectors; here, clips are numbers.
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
            "spread": [classes[i] if sure else "" for i, sure in zip(best, decided, strict=True)],
            "confidence": np.round(mass.max(axis=1), 6),
        }
    )
    agrees = table["spread"] == table["given"]
    state = np.where(agrees, "promoted", np.where(decided, "rejected", "undecided"))
    table["state"] = np.where(known, "verified", state)
    return table


def affinity(
    vectors: np.ndarray, gamma: float | str = "auto", neighbours: int | str = "auto"
) -> np.ndarray | csr_array:
    """The RBF kernel exp(-gamma |x - y|^2) between vectors (n, d), as an (n, n) matrix.

    ``gamma`` "auto" is 1 / the median squared distance to the nearest neighbour: a typical clip
    then shares about a third of its weight (exp -1) with the clip most like it. With so many
    ``neighbours``, only each clip's nearest are connected (both ways), in a sparse matrix; 0 means
    all. "auto": all where the matrix stays below a gigabyte, or else SPARSE_NEIGHBOURS.
    """
    count = len(vectors)
    if neighbours == "auto":
        neighbours = 0 if count <= DENSE_CLIPS else SPARSE_NEIGHBOURS
    # Nothing about distances, but rounding errors grow with the norms.
    points = np.array(vectors, dtype=np.float64)
    points -= points.mean(axis=0)
    # Between equal vectors rounding leaves something of their squares.
    rounding = 100 * np.finfo(np.float64).eps * np.einsum("ij,ij", points, points) / count
    if 0 < int(neighbours) < count - 1:
        return _sparse_affinity(points, gamma, int(neighbours), rounding)
    from sklearn.metrics.pairwise import euclidean_distances

    squares = euclidean_distances(points, squared=True)
    squares[squares < rounding] = 0
    np.fill_diagonal(squares, np.inf)
    width = _auto_gamma(squares.min(axis=1)) if gamma == "auto" else float(gamma)
    log.info("The kernel connects all %d clips; gamma is %.4g.", count, width)
    np.fill_diagonal(squares, 0)
    squares *= -width
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
    width = _auto_gamma(nearest) if gamma == "auto" else float(gamma)
    log.info(
        "The kernel connects %d clips to %d others; gamma is %.4g.", len(points), neighbours, width
    )
    graph.data = np.exp(-width * squares)
    return graph.maximum(graph.T).tocsr()


def _auto_gamma(nearest: np.ndarray) -> float:
    """From the squared distances (n,) of vectors to their nearest neighbours."""
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
