"""Mel-frequency cepstral coefficients, frame by frame (report, section 5: 40 of them)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from earmark.features.mel import MelFeature


@dataclass(frozen=True)
class Mfcc(MelFeature):
    """An orthonormal DCT-II of the bands' dB above the floor.

    Levels are relative to the clip's maximum, as everywhere here, and counted from the floor, so
    that silence is 0 in every coefficient. ``bands`` is the number of mel bands behind the
    ``coefficients``.
    """

    bands: int = 128
    lowest_hz: float = 0.0
    highest_hz: float = 22050.0
    coefficients: int = 40

    kind: ClassVar = "mfcc"
    fixed: ClassVar = False
    dtype: ClassVar = np.float16
    unit: ClassVar = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(coefficients, 0): the number of frames differs from clip to clip."""
        return self.coefficients, 0

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together."""
        yield from super().mistakes()
        if self.coefficients > self.bands:
            yield (
                f"`coefficients: {self.coefficients}` is more than `bands: {self.bands}`. Lower it."
            )

    @cached_property
    def _cosines(self) -> np.ndarray:
        import torchaudio

        return torchaudio.functional.create_dct(self.coefficients, self.bands, norm="ortho").numpy()

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> half floats (frames, coefficients), at least one frame."""
        from earmark.features import power_spectra

        levels = power_spectra.relative_levels(self.power(samples), self.range_db)
        if levels is None:
            return np.zeros((1, self.coefficients), np.float16)
        above_floor = np.maximum(10 * levels + self.range_db, 0)
        return (above_floor @ self._cosines).astype(np.float16)
