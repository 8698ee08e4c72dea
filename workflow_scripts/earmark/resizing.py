"""Bicubic resizing with antialiasing, one axis at a time, as a product with few nonzero weights.

The filter is that of Pillow and of ``torch.nn.functional.interpolate(mode="bicubic",
antialias=True)``: Keys' cubic with a = -0.5 (Keys 1981), as wide as the input is denser than the
output. Those resize both axes of an image even where one keeps its size.
"""

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

# Half the width of the cubic, in steps of the coarser grid.
SUPPORT = 2.0
A = -0.5


def resize_rows(values: np.ndarray, wanted: int) -> np.ndarray:
    """Values (rows, columns), float32, to ``wanted`` rows; columns are independent."""
    if len(values) == wanted:
        return values
    return weights(len(values), wanted) @ values


@lru_cache(maxsize=256)
def weights(found: int, wanted: int) -> csr_array:
    """Weights (wanted, found), float32, that make ``wanted`` values of ``found``; rows sum to 1."""
    scale = found / wanted
    width = max(1.0, scale)
    centre = (np.arange(wanted) + 0.5) * scale
    first = np.maximum(0, (centre - SUPPORT * width + 0.5).astype(int))
    last = np.minimum(found, (centre + SUPPORT * width + 0.5).astype(int))
    place = first[:, None] + np.arange(int((last - first).max()))
    inside = place < last[:, None]
    share = np.where(inside, _cubic((place + 0.5 - centre[:, None]) / width), 0.0)
    share /= share.sum(axis=1, keepdims=True)
    starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    return csr_array(
        (share[inside].astype(np.float32), place[inside], starts), shape=(wanted, found)
    )


def _cubic(distance: np.ndarray) -> np.ndarray:
    x = np.abs(distance)
    near = ((A + 2) * x - (A + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * A
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
