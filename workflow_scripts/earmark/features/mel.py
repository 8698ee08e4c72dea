"""What features from mel bands share: the window and the bands."""

from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from earmark.features.settings import Feature

if TYPE_CHECKING:
    from torch import Tensor

    from earmark.features.power_spectra import Filters


@dataclass(frozen=True)
class MelFeature(Feature, ABC):
    """A feature whose frames are made from the powers of mel bands."""

    sample_rate: int = 44100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 64
    lowest_hz: float = 40.0
    highest_hz: float = 20000.0
    range_db: float = 80.0

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together."""
        if self.highest_hz > self.sample_rate / 2:
            yield (
                f"`highest_hz: {self.highest_hz:g}` lies above half the sample rate "
                f"{self.sample_rate} Hz. Lower it."
            )
        if self.lowest_hz >= self.highest_hz:
            yield (
                f"`lowest_hz: {self.lowest_hz:g}` does not lie below `highest_hz: "
                f"{self.highest_hz:g}`. Lower it."
            )

    def mel_weights(self) -> "Tensor":
        """The mel filters (window / 2 + 1, bands)."""
        import torchaudio

        return torchaudio.functional.melscale_fbanks(
            self.window_samples // 2 + 1,
            self.lowest_hz,
            self.highest_hz,
            self.bands,
            self.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )

    @cached_property
    def _filters(self) -> "tuple[Tensor, list[Filters]]":
        """The window (n,) and the mel filters."""
        import torch

        from earmark.features import power_spectra

        weights = power_spectra.filters_of(self.mel_weights())
        return torch.hann_window(self.window_samples), weights

    def power(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> powers (frames, bands), at least one frame."""
        from earmark.features import power_spectra

        window, filters = self._filters
        return power_spectra.powers(samples, window, self.hop_samples, filters)
