"""What networks hear of a clip: spectrograms, cepstra or samples, in a compact stored form.

Spectrograms (``stft``, ``log_mel``) are bytes: 0 is the clip's loudest value and 255 the floor, so
that a value v stands for -range_db * v / 255 dB relative to the clip's maximum, and networks read
v / 255 (report, section 2). ``mfcc`` are half floats, ``raw`` samples 16-bit integers. A feature
without a fixed size comes as frames, from which training takes random crops. An empty or silent
clip is all ``padding``, which is also what lies beside a clip that is shorter than a crop.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torchaudio
from torch import Tensor

from earmark import feature_settings, resizing, spectra
from earmark.feature_settings import (
    LogMelSettings,
    MelSettings,
    MfccSettings,
    RawSettings,
    StftSettings,
)
from earmark.spectra import FLOOR


class Stft(StftSettings):
    """Computes the report's spectrogram, a picture of the whole clip."""

    dtype = np.uint8
    unit = FLOOR

    @property
    def padding(self) -> int:
        """The stored value that stands for no sound."""
        return 0 if self.silence == "loudest" else FLOOR

    @cached_property
    def _window(self) -> Tensor:
        return torch.hann_window(self.window_samples)

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (bins, frames)."""
        if samples.size == 0:
            return np.full(self.shape, self.padding, np.uint8)
        power = spectra.powers(samples, self._window, self.hop_samples)
        levels = spectra.relative_levels(power, self.range_db)
        if levels is None:
            return np.full(self.shape, self.padding, np.uint8)
        # Bicubic with antialiasing: a long clip is averaged, not sampled at 439 moments.
        image = resizing.resize_rows(levels, self.frames)
        if self.bins != image.shape[1]:
            image = np.ascontiguousarray(resizing.resize_rows(image.T, self.bins).T)
        if self.stretch:
            lowest, highest = image.min(), image.max()
            image = (image - highest) * (self.range_db / 10 / max(highest - lowest, 1e-7))
        return np.ascontiguousarray(spectra.to_bytes(image, self.range_db).T)


class LogMel(LogMelSettings):
    """Computes mel band levels, frame by frame."""

    dtype = np.uint8
    unit = FLOOR
    padding = FLOOR

    @cached_property
    def _hearing(self) -> tuple[Tensor, list[spectra.Filters]]:
        return mel_hearing(self)

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (frames, bands), at least one frame."""
        power = mel_power(self, *self._hearing, samples)
        if power is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        level = 10 * np.log10(np.maximum(power.sum(axis=1), 1e-30))
        levels = spectra.relative_levels(power, self.range_db)
        if levels is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        if self.trim_db > 0:
            loud = np.flatnonzero(level > level.max() - self.trim_db)
            levels = levels[loud[0] : loud[-1] + 1]
        return spectra.to_bytes(levels, self.range_db)


class Mfcc(MfccSettings):
    """Computes cepstral coefficients: an orthonormal DCT-II of the bands' dB above the floor.

    Levels are relative to the clip's maximum, as everywhere here, and counted from the floor, so
    that silence is 0 in every coefficient.
    """

    dtype = np.float16
    unit = 1
    padding = 0

    @cached_property
    def _hearing(self) -> tuple[Tensor, list[spectra.Filters]]:
        return mel_hearing(self)

    @cached_property
    def _cosines(self) -> np.ndarray:
        return torchaudio.functional.create_dct(self.coefficients, self.bands, norm="ortho").numpy()

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> half floats (frames, coefficients), at least one frame."""
        power = mel_power(self, *self._hearing, samples)
        levels = None if power is None else spectra.relative_levels(power, self.range_db)
        if levels is None:
            return np.zeros((1, self.coefficients), np.float16)
        above_floor = np.maximum(10 * levels + self.range_db, 0)
        return (above_floor @ self._cosines).astype(np.float16)


class Raw(RawSettings):
    """Passes samples on as 16-bit integers."""

    dtype = np.int16
    unit = 32768
    padding = 0

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) in [-1, 1] -> integers (n, 1), at least one."""
        if samples.size == 0:
            return np.zeros((1, 1), np.int16)
        # Resampling overshoots full scale now and then.
        return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)[:, None]


Feature = Stft | LogMel | Mfcc | Raw
KINDS: dict[str, type[Feature]] = {kind.kind: kind for kind in (Stft, LogMel, Mfcc, Raw)}


def from_settings(entry: Mapping[str, Any]) -> Feature:
    """Return the feature that a config entry (kind and its settings) describes.

    Raises EarmarkError as ``feature_settings.parse`` does.
    """
    settings = feature_settings.plain(feature_settings.parse(entry))
    return KINDS[settings.pop("kind")](**settings)


def mel_hearing(settings: MelSettings) -> tuple[Tensor, list[spectra.Filters]]:
    """The window (n,) and the mel filters for ``mel_power``."""
    weights = torchaudio.functional.melscale_fbanks(
        settings.window_samples // 2 + 1,
        settings.lowest_hz,
        settings.highest_hz,
        settings.bands,
        settings.sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.hann_window(settings.window_samples), spectra.filters_of(weights)


def mel_power(
    settings: MelSettings, window: Tensor, filters: list[spectra.Filters], samples: np.ndarray
) -> np.ndarray | None:
    """Samples (n,) -> powers (frames, bands); None without samples."""
    if samples.size == 0:
        return None
    return spectra.powers(samples, window, settings.hop_samples, filters)
