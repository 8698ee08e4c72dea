"""The feature kind ``stft``, the report's: one spectrogram of fixed size for each clip.

Its bytes are decibels: 0 is the clip's loudest value and 255 the floor, so that a value v stands
for -range_db * v / 255 dB relative to the clip's maximum, and networks read v / 255 (report,
section 2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from earmark.features.settings import FLOOR, Feature

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Stft(Feature):
    """STFT magnitudes in dB, resized to (bins, frames).

    ``window_samples`` 1024 gives 513 bins; a smaller ``bins`` resizes along frequency too.
    ``silence``: a clip without sound is stored as all floor or, as in the report's code, as all
    loudest. ``stretch``: each clip's own range is stretched over the full scale, as in that code.
    """

    sample_rate: int = 44100
    window_samples: int = 1024
    hop_samples: int = 682
    bins: int = 513
    frames: int = 439
    range_db: float = 80.0
    silence: str = "floor"
    stretch: bool = False

    kind: ClassVar = "stft"
    fixed: ClassVar = True
    dtype: ClassVar = np.uint8
    unit: ClassVar = FLOOR

    @property
    def shape(self) -> tuple[int, int]:
        """(frequency, time) of every clip's feature."""
        return self.bins, self.frames

    @property
    def padding(self) -> int:
        """The stored value that stands for no sound."""
        return 0 if self.silence == "loudest" else FLOOR

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together."""
        available = self.window_samples // 2 + 1
        if self.bins > available:
            yield (
                f"a window of {self.window_samples} samples has {available} bins, fewer than "
                f"`bins: {self.bins}`. Lower bins or lengthen the window."
            )

    @cached_property
    def _window(self) -> "Tensor":
        import torch

        return torch.hann_window(self.window_samples)

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (bins, frames)."""
        from earmark.features import power_spectra, resizing

        power = power_spectra.powers(samples, self._window, self.hop_samples)
        levels = power_spectra.relative_levels(power, self.range_db)
        if levels is None:
            return np.full(self.shape, self.padding, np.uint8)
        # Bicubic with antialiasing: frames of a long clip are averaged, none is skipped.
        image = resizing.resize_rows(levels, self.frames)
        if self.bins != image.shape[1]:
            image = np.ascontiguousarray(resizing.resize_rows(image.T, self.bins).T)
        if self.stretch:
            lowest, highest = image.min(), image.max()
            image = (image - highest) * (self.range_db / 10 / max(highest - lowest, 1e-7))
        return np.ascontiguousarray(power_spectra.to_bytes(image, self.range_db).T)
