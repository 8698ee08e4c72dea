"""What networks hear of a clip: spectrograms, cepstra or samples, in a compact stored form.

Spectrograms (``stft``, ``log_mel``) are bytes: 0 is the clip's loudest value and 255 the floor, so
that a value v stands for -range_db * v / 255 dB relative to the clip's maximum, and networks read
v / 255 (report, section 2). ``mfcc`` are half floats, ``raw`` samples 16-bit integers. A feature
without a fixed size comes as frames, from which training takes random crops. An empty or silent
clip is all ``padding``, which is also what lies beside a clip that is shorter than a crop.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torchaudio
from torch import Tensor

from earmark import feature_settings, resizing
from earmark.feature_settings import (
    LogMelSettings,
    MelSettings,
    MfccSettings,
    RawSettings,
    StftSettings,
)

FLOOR = 255


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
        decibels = self.decibels(samples)
        if decibels is None:
            return np.full(self.shape, self.padding, np.uint8)
        # Bicubic with antialiasing: a long clip is averaged, not sampled at 439 moments.
        frames_first = resizing.resize_rows(decibels.T.numpy(), self.frames)
        image = torch.from_numpy(resizing.resize_rows(frames_first.T, self.bins))
        if self.stretch:
            lowest, highest = image.min(), image.max()
            image = (image - highest) * (self.range_db / (highest - lowest).clamp_min(1e-6))
        return to_bytes(image, self.range_db)

    def decibels(self, samples: np.ndarray) -> Tensor | None:
        """Samples (n,) -> dB (window / 2 + 1, 1 + n // hop) in [-range_db, 0]; None if silent."""
        if samples.size == 0:
            return None
        power = power_spectrum(samples, self._window, self.hop_samples)
        decibels = relative_decibels(power, self.range_db)
        return None if decibels is None else decibels.T


class LogMel(LogMelSettings):
    """Computes mel band levels, frame by frame."""

    dtype = np.uint8
    unit = FLOOR
    padding = FLOOR

    @cached_property
    def _filters(self) -> tuple[Tensor, Tensor]:
        return mel_filters(self)

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (frames, bands), at least one frame."""
        power = mel_power(self, self._filters, samples)
        if power is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        level = 10 * torch.log10(power.sum(dim=1).clamp_min(1e-30))
        decibels = relative_decibels(power, self.range_db)
        if decibels is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        if self.trim_db > 0:
            loud = torch.nonzero(level > level.max() - self.trim_db)
            decibels = decibels[int(loud[0]) : int(loud[-1]) + 1]
        return to_bytes(decibels, self.range_db)


class Mfcc(MfccSettings):
    """Computes cepstral coefficients: an orthonormal DCT-II of the bands' dB above the floor.

    Levels are relative to the clip's maximum, as everywhere here, and counted from the floor, so
    that silence is 0 in every coefficient.
    """

    dtype = np.float16
    unit = 1
    padding = 0

    @cached_property
    def _filters(self) -> tuple[Tensor, Tensor]:
        return mel_filters(self)

    @cached_property
    def _cosines(self) -> Tensor:
        return torchaudio.functional.create_dct(self.coefficients, self.bands, norm="ortho")

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> half floats (frames, coefficients), at least one frame."""
        power = mel_power(self, self._filters, samples)
        decibels = None if power is None else relative_decibels(power, self.range_db)
        if decibels is None:
            return np.zeros((1, self.coefficients), np.float16)
        return ((decibels + self.range_db) @ self._cosines).numpy().astype(np.float16)


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


def power_spectrum(samples: np.ndarray, window: Tensor, hop_samples: int) -> Tensor:
    """Samples (n,) -> powers (1 + n // hop, window / 2 + 1) of centred windows."""
    spectrum = torch.stft(
        torch.from_numpy(samples),
        len(window),
        hop_samples,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    # The transform leaves frame after frame in memory. A magnitude would cost a root for nothing.
    squares = torch.view_as_real(spectrum.T).square_()
    return squares[..., 0] + squares[..., 1]


def mel_filters(settings: MelSettings) -> tuple[Tensor, Tensor]:
    """The window (n,) and the mel filters (bins, bands) for ``mel_power``."""
    filters = torchaudio.functional.melscale_fbanks(
        settings.window_samples // 2 + 1,
        settings.lowest_hz,
        settings.highest_hz,
        settings.bands,
        settings.sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.hann_window(settings.window_samples), filters


def mel_power(
    settings: MelSettings, filters: tuple[Tensor, Tensor], samples: np.ndarray
) -> Tensor | None:
    """Samples (n,) -> powers (frames, bands); None without samples."""
    if samples.size == 0:
        return None
    window, bands = filters
    return power_spectrum(samples, window, settings.hop_samples) @ bands


def relative_decibels(power: Tensor, range_db: float) -> Tensor | None:
    """Powers of any shape -> dB relative to their maximum in [-range_db, 0]; None if all zero.

    ``power`` itself becomes them: these are the largest arrays here.
    """
    loudest = float(power.max())
    if loudest <= 0 or not math.isfinite(loudest):
        return None
    return power.div_(loudest).clamp_min_(1e-30).log10_().mul_(10).clamp_min_(-range_db)


def to_bytes(decibels: Tensor, range_db: float) -> np.ndarray:
    """DB values -> bytes; what a bicubic overshoot puts outside [-range_db, 0] is clipped."""
    # NumPy is quicker than torch with arrays of this size.
    scaled = np.multiply(decibels.numpy(), np.float32(-FLOOR / range_db))
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, FLOOR, out=scaled)
    return np.ascontiguousarray(scaled.astype(np.uint8))
