"""Clips from disk: decode, check, mix to mono, resample.

libsndfile decodes (WAV, FLAC, OGG, MP3 by content, not by name). Nothing here turns audio that
cannot be read into silence: it raises ``UnreadableClipError``.
"""

import io
import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

# Quieter than one step of 16-bit audio at its peak: nothing was recorded.
SILENT_PEAK = 1.0 / 65536


class UnreadableClipError(Exception):
    """A clip that libsndfile cannot decode; the message says why."""


@dataclass(frozen=True)
class ClipFacts:
    """What the manifest says of a clip. ``status``: ok, empty, silent, broken or unreadable."""

    seconds: float
    sample_rate: int
    channels: int
    peak: float
    status: str
    checksum: str
    problem: str = ""


def decode(path: str | Path) -> tuple[np.ndarray, int]:
    """Return float32 samples (n, channels) in [-1, 1] and the sample rate in Hz.

    Raises UnreadableClipError when the file is not audio, OSError when it is not there.
    """
    # Bytes have no name: a suffix must not decide what they are taken for.
    return decode_bytes(Path(path).read_bytes())


def decode_bytes(content: bytes) -> tuple[np.ndarray, int]:
    """Return what ``decode`` does, of a file's bytes."""
    try:
        samples, sample_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as problem:
        raise UnreadableClipError(problem.error_string.rstrip(".")) from problem
    except (soundfile.SoundFileError, ValueError, TypeError) as problem:
        raise UnreadableClipError(str(problem)) from problem
    return samples, sample_rate


def inspect(path: str | Path) -> ClipFacts:
    """Open and decode a clip and say what it is; never raises for bad content."""
    content = Path(path).read_bytes()
    checksum = f"{zlib.crc32(content):08x}"
    try:
        samples, sample_rate = decode_bytes(content)
    except UnreadableClipError as problem:
        return ClipFacts(0.0, 0, 0, 0.0, "unreadable", checksum, str(problem))
    count, channels = samples.shape
    peak = float(np.abs(samples).max()) if samples.size else 0.0
    if not math.isfinite(peak):
        return ClipFacts(
            count / sample_rate,
            sample_rate,
            channels,
            0.0,
            "broken",
            checksum,
            "it holds samples that are not finite numbers",
        )
    status = "empty" if count == 0 else "silent" if peak < SILENT_PEAK else "ok"
    return ClipFacts(count / sample_rate, sample_rate, channels, peak, status, checksum)


def load(path: str | Path, sample_rate: int) -> np.ndarray:
    """Return a clip as mono float32 samples (n,) at ``sample_rate`` Hz.

    Channels are averaged. Resampling is polyphase with SciPy's default Kaiser window.
    Raises UnreadableClipError and OSError as ``decode`` does.
    """
    samples, found_rate = decode(path)
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
    if found_rate == sample_rate or mono.size == 0:
        return mono
    from scipy.signal import resample_poly

    up, down = _ratio(found_rate, sample_rate)
    return resample_poly(mono, up, down).astype(np.float32)


@lru_cache
def _ratio(found_rate: int, wanted_rate: int) -> tuple[int, int]:
    divisor = math.gcd(found_rate, wanted_rate)
    return wanted_rate // divisor, found_rate // divisor
