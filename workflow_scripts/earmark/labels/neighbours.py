"""The nearest neighbours of each clip among tens of thousands, without all distances in memory.

Distances between all pairs would take hours and tens of gigabytes. Here they are estimated in the
few directions in which clips differ most, and worked out exactly for the nearest by the estimate:
with |x|^2 and |y|^2 of whole vectors, only x y is estimated, which leaves out the directions of
little variance (principal components; the search for candidates and their re-ranking is that of
inverted indices with refinement, Jegou et al. 2011, without the index).
"""

import numpy as np
import torch
from torch import Tensor

# Directions of the estimate, and candidates for each neighbour wanted.
DIRECTIONS = 256
CANDIDATES = 3
# Values of a block of estimates (100 MB), and of a block of candidates' vectors (a cache's size).
BLOCK_VALUES = 25_000_000
GATHERED_VALUES = 1_000_000


def nearest(vectors: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices and squared distances (n, count) of the ``count`` nearest others, nearest first.

    ``vectors`` are (n, d) float32 and n is more than ``count``. Distances are exact to rounding,
    and 0 where there may be nothing else. In rare cases a neighbour of nearly the same distance
    stands in for the right one. Takes twice the memory of ``vectors``.
    """
    points = torch.from_numpy(np.asarray(vectors, dtype=np.float32))
    # Nothing about distances, but rounding errors grow with the norms.
    points = points - points.mean(dim=0)
    norms = points.square().sum(dim=1)
    reduced = _principal(points, min(DIRECTIONS, *points.shape), seed)
    wanted = min(len(points) - 1, CANDIDATES * count)
    indices = np.empty((len(points), count), np.int64)
    squares = np.empty((len(points), count), np.float32)
    rows = max(1, BLOCK_VALUES // len(points))
    for begin in range(0, len(points), rows):
        block = slice(begin, begin + rows)
        estimate = torch.addmm(norms, reduced[block], reduced.T, alpha=-2)
        place = torch.arange(len(estimate))
        estimate[place, begin + place] = torch.inf
        found = estimate.topk(wanted, dim=1, largest=False, sorted=False).indices
        exact = _squared_distances(points, norms, begin, found)
        kept = exact.topk(count, dim=1, largest=False, sorted=True)
        indices[block] = found.gather(1, kept.indices).numpy()
        squares[block] = kept.values.numpy()
    squares[squares < 100 * np.finfo(np.float32).eps * float(norms.mean())] = 0
    return indices, squares


def _principal(points: Tensor, directions: int, seed: int) -> Tensor:
    """Centred points (n, d) in their ``directions`` of most variance: (n, directions)."""
    picked = points[torch.linspace(0, len(points) - 1, min(len(points), 4 * directions)).long()]
    generator = torch.Generator().manual_seed(seed)
    # Two rounds of the power method on a random start (Halko et al. 2011) are enough here.
    basis = torch.randn(points.shape[1], directions, generator=generator)
    for _ in range(3):
        basis, _ = torch.linalg.qr(picked.T @ (picked @ basis))
    return points @ basis


def _squared_distances(points: Tensor, norms: Tensor, begin: int, found: Tensor) -> Tensor:
    """Squared distances of the points from ``begin`` on to those with the indices ``found``."""
    result = torch.empty(found.shape)
    rows = max(1, GATHERED_VALUES // (found.shape[1] * points.shape[1]))
    for first in range(0, len(found), rows):
        others = found[first : first + rows]
        own = points[begin + first : begin + first + len(others)]
        gathered = points.index_select(0, others.flatten()).view(*others.shape, -1)
        products = torch.bmm(gathered, own[:, :, None])[:, :, 0]
        own_norms = norms[begin + first : begin + first + len(others), None]
        result[first : first + rows] = own_norms + norms[others] - 2 * products
    return result.clamp_min_(0)
