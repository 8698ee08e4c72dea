"""Mel band powers in dB, frame by frame, as bytes: see ``stft`` for their scale."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from earmark.features.mel import MelFeature
from earmark.features.settings import FLOOR


@dataclass(frozen=True)
class LogMel(MelFeature):
    """Mel band levels; quiet ends of a clip can be cut off.

    ``trim_db``: frames at both ends this far below the loudest one are cut off (0: keep all).
    """

    trim_db: float = 60.0

    kind: ClassVar = "log_mel"
    fixed: ClassVar = False
    dtype: ClassVar = np.uint8
    unit: ClassVar = FLOOR

    @property
    def shape(self) -> tuple[int, int]:
        """(bands, 0): the number of frames differs from clip to clip."""
        return self.bands, 0

    @property
    def padding(self) -> int:
        """The stored value that stands for no sound."""
        return FLOOR

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (frames, bands), at least one frame."""
        from earmark.features import power_spectra

        power = self.power(samples)
        level = 10 * np.log10(np.maximum(power.sum(axis=1), 1e-30))
        levels = power_spectra.relative_levels(power, self.range_db)
        if levels is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        if self.trim_db > 0:
            loud = np.flatnonzero(level > level.max() - self.trim_db)
            levels = levels[loud[0] : loud[-1] + 1]
        return power_spectra.to_bytes(levels, self.range_db)
