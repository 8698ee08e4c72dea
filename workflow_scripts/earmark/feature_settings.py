"""The settings of each kind of feature, and what makes them nonsense.

Apart from ``features``, which computes them, so that planning can check a config without torch.
A kind is a dataclass; what it leaves out of the config is the default written here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from earmark.runtime.errors import EarmarkError


@dataclass(frozen=True)
class StftSettings:
    """The report's spectrogram: STFT magnitudes in dB, resized to (bins, frames).

    ``window_samples`` 1024 gives 513 bins; a smaller ``bins`` resizes along frequency too.
    ``silence`` says what a clip without sound looks like: all floor, or, as in the report's code,
    all loudest. ``stretch``: each clip's own range is stretched over the whole scale, as there.
    """

    sample_rate: int = 44100
    window_samples: int = 1024
    hop_samples: int = 682
    bins: int = 513
    frames: int = 439
    range_db: float = 80.0
    silence: str = "floor"
    stretch: bool = False

    kind: ClassVar[str] = "stft"
    fixed: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int]:
        """(frequency, time) of every clip's feature."""
        return self.bins, self.frames

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together."""
        available = self.window_samples // 2 + 1
        if self.bins > available:
            yield (
                f"a window of {self.window_samples} samples has {available} bins, fewer than "
                f"`bins: {self.bins}`. Lower bins or lengthen the window."
            )


@dataclass(frozen=True)
class MelSettings:
    """What features from mel bands share: the window and the bands."""

    sample_rate: int = 44100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 64
    lowest_hz: float = 40.0
    highest_hz: float = 20000.0
    range_db: float = 80.0

    @property
    def shape(self) -> tuple[int, int]:
        """(bands, 0): the number of frames differs from clip to clip."""
        return self.bands, 0

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


@dataclass(frozen=True)
class LogMelSettings(MelSettings):
    """Mel band powers in dB, frame by frame; quiet ends of a clip can be cut off.

    ``trim_db``: frames at both ends that stay this far below the loudest frame go (0: keep all).
    """

    trim_db: float = 60.0

    kind: ClassVar[str] = "log_mel"
    fixed: ClassVar[bool] = False


@dataclass(frozen=True)
class MfccSettings(MelSettings):
    """Mel-frequency cepstral coefficients, frame by frame (report, section 5: 40 of them).

    ``bands`` is the number of mel bands behind the ``coefficients``.
    """

    bands: int = 128
    lowest_hz: float = 0.0
    highest_hz: float = 22050.0
    coefficients: int = 40

    kind: ClassVar[str] = "mfcc"
    fixed: ClassVar[bool] = False

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


@dataclass(frozen=True)
class RawSettings:
    """The samples themselves (report, section 5: at 16 kHz); a frame is one sample."""

    sample_rate: int = 16000

    kind: ClassVar[str] = "raw"
    fixed: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, int]:
        """(1, 0): one value per sample, and as many as the clip has."""
        return 1, 0

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together."""
        yield from ()


Settings = StftSettings | LogMelSettings | MfccSettings | RawSettings
KINDS: dict[str, type[Settings]] = {
    kind.kind: kind for kind in (StftSettings, LogMelSettings, MfccSettings, RawSettings)
}


def parse(entry: Mapping[str, Any], check: bool = True) -> Settings:
    """Return the settings that a config entry (kind and its settings) describes.

    Raises EarmarkError for an unknown kind or setting, and, with ``check``, for settings that do
    not fit together.
    """
    kind = entry.get("kind")
    if kind not in KINDS:
        raise EarmarkError(f"There is no feature kind '{kind}'. Write one of: {', '.join(KINDS)}.")
    given = {name: value for name, value in entry.items() if name != "kind"}
    known = {field.name for field in fields(KINDS[kind])}
    unknown = sorted(set(given) - known)
    if unknown:
        raise EarmarkError(
            f"The feature kind '{kind}' has no setting '{unknown[0]}'. It has: "
            f"{', '.join(sorted(known))}."
        )
    settings = KINDS[kind](**given)
    for mistake in settings.mistakes() if check else ():
        raise EarmarkError(mistake[0].upper() + mistake[1:])
    return settings


def plain(settings: Settings) -> dict[str, Any]:
    """Return the plain values that ``parse`` turns back into these settings."""
    return {"kind": settings.kind, **asdict(settings)}
