"""Short-time power spectra and their levels, from which ``stft``, ``log_mel`` and ``mfcc`` start.

Arrays are (frames, bins), in the order in which they are computed. A clip is transformed in blocks
of frames, so that a long one needs little more memory than its result. Blocks that fit into the
processor's caches are not faster: each computes the transform's factors again.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from earmark.features.settings import FLOOR

# Added before truncating to integers, so that numbers are rounded.
HALF = torch.tensor(0.5)
# Samples in the windows of a block (2 MB).
BLOCK_SAMPLES = 1 << 19
# Neighbouring bands share most of their bins, so this many are summed up at a time.
BANDS_AT_A_TIME = 16


class Filters(NamedTuple):
    """Filters of neighbouring bands, without the bins whose weight is 0 in all of them.

    ``weights`` (2 * bins, bands) are for the squares of real and imaginary parts in turn.
    """

    bands: slice
    parts: slice
    weights: Tensor


def filters_of(weights: Tensor) -> list[Filters]:
    """Weights (bins, bands) -> the filters that ``powers`` takes."""
    groups = []
    for first in range(0, weights.shape[1], BANDS_AT_A_TIME):
        bands = slice(first, min(first + BANDS_AT_A_TIME, weights.shape[1]))
        used = weights[:, bands].any(dim=1).nonzero().flatten().tolist() or [0]
        bins = weights[used[0] : used[-1] + 1, bands]
        parts = slice(2 * used[0], 2 * used[-1] + 2)
        groups.append(Filters(bands, parts, bins.repeat_interleave(2, dim=0)))
    return groups


def powers(
    samples: np.ndarray, window: Tensor, hop_samples: int, filters: Sequence[Filters] = ()
) -> np.ndarray:
    """Samples (n,) -> powers (1 + n // hop, window / 2 + 1) of centred windows.

    Beyond both ends of the clip there are zeros. With ``filters``, the powers are summed up to
    (1 + n // hop, bands) by them.
    """
    size = len(window)
    count = 1 + len(samples) // hop_samples
    result = torch.empty(count, filters[-1].bands.stop if filters else size // 2 + 1)
    most = min(count, max(1, BLOCK_SAMPLES // size))
    windowed = torch.empty(most, size)
    for first in range(0, count, most):
        last = min(first + most, count)
        block = windowed[: last - first]
        _cut_windows(samples, window, hop_samples, first, block)
        squares = torch.fft.rfft(block).numpy().view(np.float32)
        np.square(squares, out=squares)
        frames = result[first:last]
        if not filters:
            np.add(squares[:, 0::2], squares[:, 1::2], out=frames.numpy())
        for bands, parts, weights in filters:
            torch.mm(torch.from_numpy(squares[:, parts]), weights, out=frames[:, bands])
    return result.numpy()


def _cut_windows(
    samples: np.ndarray, window: Tensor, hop_samples: int, first: int, block: Tensor
) -> None:
    """Fill ``block`` (frames, window) with the frames from number ``first`` on, windowed."""
    size, last = len(window), first + len(block)
    # Only frames that reach beyond an end of the clip need a copy with zeros there.
    inside = min(max(first, math.ceil(size // 2 / hop_samples)), last)
    beyond = min(max(inside, (len(samples) - size // 2) // hop_samples + 1), last)
    for begin, end in ((first, inside), (inside, beyond), (beyond, last)):
        if begin < end:
            start = begin * hop_samples - size // 2
            part = _part(samples, start, start + (end - begin - 1) * hop_samples + size)
            frames = torch.from_numpy(part).unfold(0, size, hop_samples)
            torch.mul(frames, window, out=block[begin - first : end - first])


def _part(samples: np.ndarray, begin: int, end: int) -> np.ndarray:
    """The samples from ``begin`` to ``end``, with zeros where there are none."""
    if begin >= 0 and end <= len(samples):
        return samples[begin:end]
    part = np.zeros(end - begin, np.float32)
    inside = samples[max(0, begin) : end]
    part[max(0, -begin) : max(0, -begin) + len(inside)] = inside
    return part


def relative_levels(power: np.ndarray, range_db: float) -> np.ndarray | None:
    """Powers of any shape -> bels (10 dB) relative to their maximum, from 0 to -range_db / 10.

    None if all are zero. ``power`` is overwritten by the result: these are the largest arrays here.
    """
    loudest = float(power.max())
    if loudest <= 0 or not math.isfinite(loudest):
        return None
    floor = 10 ** (-range_db / 10)
    return torch.from_numpy(power).div_(loudest).clamp_min_(floor).log10_().numpy()


def to_bytes(levels: np.ndarray, range_db: float) -> np.ndarray:
    """Levels of ``relative_levels`` -> bytes; values outside (bicubic overshoots) are clipped.

    ``levels`` is overwritten: new memory would cost more time than the arithmetic.
    """
    values = torch.from_numpy(levels)
    torch.add(HALF, values, alpha=-10 * FLOOR / range_db, out=values)
    # Truncating while clipping: one pass and not two.
    result = np.empty(levels.shape, np.uint8)
    return np.clip(levels, 0, FLOOR, out=result, casting="unsafe")
