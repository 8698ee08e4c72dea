"""Bicubic resizing with antialiasing, one axis at a time, as a product with few nonzero weights.

The filter is that of Pillow and of ``torch.nn.functional.interpolate(mode="bicubic",
antialias=True)``: Keys' cubic with a = -0.5 (Keys 1981), as wide as the input is denser than the
output. Those resize both axes even where one keeps its size.
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
def weights(size: int, wanted: int) -> csr_array:
    """Weights (wanted, size), float32, that make ``wanted`` values of ``size``; rows sum to 1."""
    scale = size / wanted
    width = max(1.0, scale)
    centre = (np.arange(wanted) + 0.5) * scale
    first = np.maximum(0, (centre - SUPPORT * width + 0.5).astype(np.int32))
    last = np.minimum(size, (centre + SUPPORT * width + 0.5).astype(np.int32))
    most = int((last - first).max())
    column = first[:, None] + np.arange(most, dtype=np.int32)
    share = _cubic(np.abs((column + 0.5 - centre[:, None]) / width))
    # Each row has the same number of weights; those beyond the row's end are 0.
    share[column >= last[:, None]] = 0
    share /= share.sum(axis=1, keepdims=True)
    np.minimum(column, size - 1, out=column)
    starts = np.arange(0, wanted * most + 1, most, dtype=np.int32)
    return csr_array((share.astype(np.float32).ravel(), column.ravel(), starts), (wanted, size))


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' kernel at distances from 0 on."""
    near = ((A + 2) * distance - (A + 3)) * distance * distance + 1
    far = (((distance - 5) * distance + 8) * distance - 4) * A
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
