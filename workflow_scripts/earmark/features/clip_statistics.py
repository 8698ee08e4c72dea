"""Short descriptions of clips, to find clips that sound alike: statistics of their cepstrum.

The spectrum of each frame is turned into cepstral coefficients (its discrete cosine transform over
frequency, as in MFCC); a clip is described by their means and standard deviations over time, and by
the standard deviations of their changes from frame to frame.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import fft

from earmark.features import store

COEFFICIENTS = 20


def describe(path: str | Path, clips: Sequence[str]) -> np.ndarray:
    """Descriptions (n, d) of clips by their features in ``path``, each column with mean 0 and
    standard deviation 1.
    """
    with store.FeatureStore(path) as features:
        rows = features.rows_of(clips)
        if features.fixed:
            ranges = [(row, row + 1) for row in rows]
        else:
            offsets = features.offsets()
            ranges = [*zip(offsets[rows], offsets[rows + 1], strict=True)]
        points = np.stack([_describe(_frames(features, *one)) for one in ranges])
    spread = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _frames(features: store.FeatureStore, begin: int, end: int) -> np.ndarray:
    """A clip's frames (n, bands) of at least one, stored from ``begin`` to ``end``."""
    stored = features.stored(begin, end)
    frames = stored[0].T if features.fixed else stored
    return frames if len(frames) else np.full((1, frames.shape[1]), features.padding)


def _describe(frames: np.ndarray) -> np.ndarray:
    cepstrum = fft.dct(frames.astype(np.float64), axis=1, norm="ortho")[:, :COEFFICIENTS]
    changes = np.diff(cepstrum, axis=0) if len(cepstrum) > 1 else np.zeros((1, cepstrum.shape[1]))
    return np.concatenate([cepstrum.mean(axis=0), cepstrum.std(axis=0), changes.std(axis=0)])
