"""Short descriptions of clips, to find clips that sound alike: statistics of their cepstrum.

The spectrum of each frame is turned into cepstral coefficients (its discrete cosine transform over
frequency, as in MFCC); a clip is described by their means and standard deviations over time, and by
the standard deviations of their changes from frame to frame. The values of a kind of feature in a
user's own file, which need not be spectra, are taken as they are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import fft

from earmark.features import store
from earmark.runtime import own_parts

COEFFICIENTS = 20


def describe(path: str | Path, clips: Sequence[str]) -> np.ndarray:
    """Descriptions (n, d) of clips by their features in ``path``, each column with mean 0 and
    standard deviation 1.
    """
    with store.FeatureStore(path) as features:
        is_spectrum = not own_parts.is_own(features.settings["kind"])
        points = np.stack(
            [_describe(features.frames_of(row), is_spectrum) for row in features.rows_of(clips)]
        )
    spread = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _describe(frames: np.ndarray, is_spectrum: bool) -> np.ndarray:
    values = frames.astype(np.float64)
    if is_spectrum:
        values = fft.dct(values, axis=1, norm="ortho")[:, :COEFFICIENTS]
    changes = np.diff(values, axis=0) if len(values) > 1 else np.zeros((1, values.shape[1]))
    return np.concatenate([values.mean(axis=0), values.std(axis=0), changes.std(axis=0)])
