"""Spectrograms of clips, as bytes: 0 is the clip's loudest value, 255 is the floor.

Two kinds share that scale (report, section 2): ``stft``, a picture of the whole clip resized to a
fixed size, and ``log_mel``, frames as they come, from which training takes random crops. A value v
stands for -range_db * v / 255 dB relative to the clip's maximum; networks read v / 255. An empty
or silent clip is all floor.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
import torchaudio
from torch import Tensor

from earmark.errors import EarmarkError

FLOOR = 255


@dataclass(frozen=True)
class Stft:
    """The report's spectrogram: STFT magnitudes in dB, resized to (bins, frames).

    ``window_samples`` 1024 gives 513 bins; a smaller ``bins`` resizes along frequency too.
    """

    sample_rate: int = 44100
    window_samples: int = 1024
    hop_samples: int = 682
    bins: int = 513
    frames: int = 439
    range_db: float = 80.0

    kind: ClassVar[str] = "stft"
    fixed: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int]:
        """(frequency, time) of every clip's feature."""
        return self.bins, self.frames

    @cached_property
    def _window(self) -> Tensor:
        return torch.hann_window(self.window_samples)

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (bins, frames)."""
        decibels = self.decibels(samples)
        if decibels is None:
            return np.full(self.shape, FLOOR, np.uint8)
        # Bicubic with antialiasing: a long clip is averaged, not sampled at 439 moments.
        image = torch.nn.functional.interpolate(
            decibels[None, None], size=self.shape, mode="bicubic", antialias=True
        )[0, 0]
        return to_bytes(image, self.range_db)

    def decibels(self, samples: np.ndarray) -> Tensor | None:
        """Samples (n,) -> dB (window / 2 + 1, 1 + n // hop) in [-range_db, 0]; None if silent."""
        if samples.size == 0:
            return None
        spectrum = torch.stft(
            torch.from_numpy(samples),
            self.window_samples,
            self.hop_samples,
            window=self._window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        return relative_decibels(spectrum.abs().square(), self.range_db)


@dataclass(frozen=True)
class LogMel:
    """Mel band powers in dB, frame by frame; quiet ends of a clip can be cut off.

    ``trim_db``: frames at both ends that stay this far below the loudest frame go (0: keep all).
    """

    sample_rate: int = 44100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 64
    lowest_hz: float = 40.0
    highest_hz: float = 20000.0
    range_db: float = 80.0
    trim_db: float = 60.0

    kind: ClassVar[str] = "log_mel"
    fixed: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, int]:
        """(bands, 0): the number of frames differs from clip to clip."""
        return self.bands, 0

    @cached_property
    def _window(self) -> Tensor:
        return torch.hann_window(self.window_samples)

    @cached_property
    def _filters(self) -> Tensor:
        return torchaudio.functional.melscale_fbanks(
            self.window_samples // 2 + 1,
            self.lowest_hz,
            self.highest_hz,
            self.bands,
            self.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> bytes (frames, bands), at least one frame."""
        if samples.size == 0:
            return np.full((1, self.bands), FLOOR, np.uint8)
        spectrum = torch.stft(
            torch.from_numpy(samples),
            self.window_samples,
            self.hop_samples,
            window=self._window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.abs().square().T @ self._filters  # (frames, bands)
        decibels = relative_decibels(power, self.range_db)
        if decibels is None:
            return np.full((1, self.bands), FLOOR, np.uint8)
        if self.trim_db > 0:
            level = 10 * torch.log10(power.sum(dim=1).clamp_min(1e-30))
            loud = torch.nonzero(level > level.max() - self.trim_db)
            decibels = decibels[int(loud[0]) : int(loud[-1]) + 1]
        return to_bytes(decibels, self.range_db)


Feature = Stft | LogMel
KINDS: dict[str, type[Stft] | type[LogMel]] = {Stft.kind: Stft, LogMel.kind: LogMel}


def from_settings(settings: Mapping[str, Any]) -> Feature:
    """Return the feature that a config entry (kind and its settings) describes.

    Raises EarmarkError for an unknown kind or setting, and for sizes that do not fit together.
    """
    kind = settings.get("kind")
    if kind not in KINDS:
        raise EarmarkError(f"There is no feature kind '{kind}'. Write one of: {', '.join(KINDS)}.")
    given = {name: value for name, value in settings.items() if name != "kind"}
    known = {field.name for field in fields(KINDS[kind])}
    unknown = sorted(set(given) - known)
    if unknown:
        raise EarmarkError(
            f"The feature kind '{kind}' has no setting '{unknown[0]}'. It has: "
            f"{', '.join(sorted(known))}."
        )
    feature = KINDS[kind](**given)
    if isinstance(feature, Stft) and feature.bins > feature.window_samples // 2 + 1:
        raise EarmarkError(
            f"A window of {feature.window_samples} samples has {feature.window_samples // 2 + 1} "
            f"bins, fewer than `bins: {feature.bins}`. Lower bins or lengthen the window."
        )
    if isinstance(feature, LogMel) and feature.highest_hz > feature.sample_rate / 2:
        raise EarmarkError(
            f"`highest_hz: {feature.highest_hz:g}` lies above half the sample rate "
            f"{feature.sample_rate} Hz. Lower it."
        )
    return feature


def settings_of(feature: Feature) -> dict[str, Any]:
    """Return the plain settings that ``from_settings`` turns back into this feature."""
    return {"kind": feature.kind, **asdict(feature)}


def relative_decibels(power: Tensor, range_db: float) -> Tensor | None:
    """Powers of any shape -> dB relative to their maximum in [-range_db, 0]; None if all zero."""
    loudest = float(power.max())
    if loudest <= 0 or not math.isfinite(loudest):
        return None
    return (10 * torch.log10((power / loudest).clamp_min(1e-30))).clamp_min(-range_db)


def to_bytes(decibels: Tensor, range_db: float) -> np.ndarray:
    """DB values -> bytes; what a bicubic overshoot puts outside [-range_db, 0] is clipped."""
    scaled = (decibels * (-FLOOR / range_db)).round_().clamp_(0, FLOOR)
    return scaled.to(torch.uint8).numpy()
