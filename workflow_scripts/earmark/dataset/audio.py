"""Clips from disk: decode, judge, mix to mono, resample.

libsndfile decodes, by a file's content and not by its name, block by block, so that neither a long
clip nor a header that lies costs more than ``longest_seconds`` of memory. Nothing here turns audio
that cannot be read into silence: it raises ``UnreadableClipError``.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

# What a clip can be -> what that means. The first that fits, from the bottom up, is its status.
STATUSES = {
    "ok": "sound, whole",
    "clipped": "cut off at full scale in many places",
    "too_short": "shorter than shortest_seconds",
    "too_long": "longer than longest_seconds, of which that much is heard",
    "silent": "zeros",
    "empty": "no samples",
    "truncated": "ends before its header says",
    "non_finite": "samples that are no finite numbers",
    "unreadable": "a sound file that cannot be decoded or opened",
    "not_audio": "no sound file",
    "absent": "listed, but not there",
}
# Of these there is something to hear.
HEARD = ("ok", "clipped", "too_short", "too_long", "truncated")

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST")
# Outside lie headers that were damaged, and filters for resampling that fill the memory.
LOWEST_RATE, HIGHEST_RATE = 1_000, 400_000
# Quieter than one step of 16-bit audio at its peak: nothing was recorded.
SILENT_PEAK = 1.0 / 65536
# Times full scale. Spectra of larger numbers overflow.
LARGEST_PEAK = 1e6
# Clipped: so much of a clip lies in flat tops, three or more equal samples, near full scale.
FLAT_SHARE, FLAT_LEVEL = 1e-3, 0.99

INT16_STEP = np.float32(2**-15)
BLOCK_VALUES = 1 << 21
# Where a damaged place ends the decoding, the block that it lies in is lost.
CODED, CODED_BLOCK_VALUES = ("FLAC", "OGG", "MP3"), 1 << 16
# libsndfile's numbers for a format it does not know, and for an MP3 in which it finds no frame.
NOT_RECOGNISED = (1, 7)
# In libsndfile's log of a header: a size that it found to be another.
DECLARED = re.compile(r"\b(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)")
# Sizes from here on are written by programs that cannot know them, because they write to a pipe.
UNKNOWN_SIZE = 0x7FFF_0000
# More than any header: a file of this size that gives no samples is not just empty.
HEADER_BYTES = 1 << 14


class UnreadableClipError(Exception):
    """A clip that cannot be decoded; the message says why, ``status`` which kind it is."""

    def __init__(self, problem: str, status: str = "unreadable") -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class ClipFacts:
    """What the clips table says of a clip. ``status`` is one of ``STATUSES``.

    ``format`` is the container and the samples' format, for example "WAV PCM_16". ``problem`` says
    in words what is wrong, where the status alone does not.
    """

    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    format: str = ""
    peak: float = 0.0
    status: str = "ok"
    problem: str = ""


def inspect(path: str | Path, shortest_seconds: float, longest_seconds: float) -> ClipFacts:
    """Open and decode a clip and say what it is; never raises for bad content."""
    try:
        if not Path(path).is_file():
            return ClipFacts(status="absent", problem="there is no such file")
        with _opened(path) as sound:
            return _judge(sound, Path(path), shortest_seconds, longest_seconds)
    except UnreadableClipError as problem:
        return ClipFacts(status=problem.status, problem=str(problem))
    except OSError as problem:
        return ClipFacts(status="unreadable", problem=str(problem.strerror or problem))


def load(
    path: str | Path, sample_rate: int, longest_seconds: float = math.inf, cut: bool = False
) -> np.ndarray:
    """Return a clip, or its first ``longest_seconds``, as mono float32 samples (n,).

    Channels are averaged; what goes beyond full scale is scaled down to it. Resampling to
    ``sample_rate`` Hz is polyphase with SciPy's default Kaiser window. With ``cut``, a file that
    cannot be decoded to its end gives what comes before. Raises UnreadableClipError when the file
    cannot be decoded, OSError when it cannot be opened.
    """
    parts: list[np.ndarray] = []
    with _opened(path) as sound:
        try:
            for block in _blocks(sound, longest_seconds):
                one = block.shape[1] == 1
                parts.append(block[:, 0] if one else block.mean(axis=1, dtype=np.float32))
        except UnreadableClipError:
            if not (cut and parts):
                raise
        if not parts and (lacking := _what_lacks(sound, Path(path), 0)):
            raise UnreadableClipError(lacking)
        found_rate, integers = sound.samplerate, sound.subtype == "PCM_16"
    # Most clips come in one block, which need not be copied.
    mono = parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.float32)])
    if mono.size == 0:
        return mono
    # Integers stay within full scale.
    if not integers and (peak := float(max(mono.max(), -mono.min()))) > 1:
        mono /= peak
    if found_rate == sample_rate:
        return mono
    from scipy.signal import resample_poly

    up, down = _ratio(found_rate, sample_rate)
    return resample_poly(mono, up, down).astype(np.float32)


@contextmanager
def _opened(path: str | Path) -> Iterator[soundfile.SoundFile]:
    with open(path, "rb") as file:
        try:
            # A descriptor has no name: a suffix must not decide what a file is taken for.
            sound = soundfile.SoundFile(file.fileno(), closefd=False)
        except soundfile.LibsndfileError as problem:
            if problem.code in NOT_RECOGNISED:
                what = "not a sound file" if Path(path).stat().st_size else "the file has no bytes"
                raise UnreadableClipError(what, "not_audio") from problem
            raise UnreadableClipError(_reason(problem)) from problem
        with sound:
            if sound.format not in FORMATS:
                raise UnreadableClipError(
                    f"a file of kind {sound.format}, not {', '.join(FORMATS)}", "not_audio"
                )
            if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
                raise UnreadableClipError(f"a sample rate of {sound.samplerate} Hz in its header")
            yield sound


def _blocks(sound: soundfile.SoundFile, longest_seconds: float) -> Iterator[np.ndarray]:
    """Yield samples (frames, channels), float32 in [-1, 1], to the end or the limit."""
    # A little more than the limit shows that there is more.
    left = min(longest_seconds * sound.samplerate, 1e18) // 1 + 1
    values = CODED_BLOCK_VALUES if sound.format in CODED else BLOCK_VALUES
    size = max(1, values // sound.channels)
    kind = "int16" if sound.subtype == "PCM_16" else "float32"
    while left > 0:
        wanted = int(min(size, left))
        try:
            block = sound.read(wanted, dtype=kind, always_2d=True)
        except soundfile.SoundFileError as problem:
            raise UnreadableClipError(_reason(problem)) from problem
        if len(block) == 0:
            return
        # NumPy turns integers into the same numbers as libsndfile does, in a third of the time.
        yield block if kind == "float32" else np.multiply(block, INT16_STEP)
        left -= len(block)
        if len(block) < wanted:
            return


def _judge(
    sound: soundfile.SoundFile,
    path: Path,
    shortest_seconds: float,
    longest_seconds: float,
) -> ClipFacts:
    frames, flat, peak, problem = 0, 0, 0.0, ""
    try:
        for block in _blocks(sound, longest_seconds):
            frames += len(block)
            # Not max(): a number that is none must stay one.
            peak = float(np.maximum(peak, np.abs(block).max()))
            flat += _flat_samples(block)
    except UnreadableClipError as failure:
        problem = str(failure)
    seconds = frames / sound.samplerate
    too_long = seconds > longest_seconds
    cut = problem or ("" if too_long else _what_lacks(sound, path, frames))
    if cut and frames == 0:
        raise UnreadableClipError(cut)
    status, told = "ok", ""
    if frames == 0:
        status = "empty"
    elif not peak <= LARGEST_PEAK:
        finite = math.isfinite(peak)
        told = f"samples of {peak:.3g} times full scale" if finite else "samples that are no number"
        status, peak = "non_finite", 0.0
    elif cut:
        status, told = "truncated", cut
    elif peak < SILENT_PEAK:
        status = "silent"
    elif too_long:
        status, told = "too_long", f"longer than {longest_seconds:g} s"
    elif seconds < shortest_seconds:
        status, told = "too_short", f"shorter than {shortest_seconds:g} s"
    elif flat > FLAT_SHARE * frames * sound.channels:
        status, told = "clipped", f"{100 * flat / (frames * sound.channels):.1f} % of it clipped"
    kind = f"{sound.format} {sound.subtype}"
    return ClipFacts(seconds, sound.samplerate, sound.channels, kind, peak, status, told)


def _flat_samples(block: np.ndarray) -> int:
    """Count the middle samples of three equal ones near full scale."""
    high = np.abs(block[1:-1]) >= FLAT_LEVEL
    if not high.any():
        return 0
    flat = high & (block[1:-1] == block[:-2]) & (block[1:-1] == block[2:])
    return int(flat.sum())


def _what_lacks(sound: soundfile.SoundFile, path: Path, frames: int) -> str:
    """Say what tells that a file, decoded to its end, is not all that its header announces."""
    if frames < sound.frames:
        return f"{frames} of {sound.frames} samples"
    for declared, found in DECLARED.findall(sound.extra_info):
        if int(found) < int(declared) < UNKNOWN_SIZE:
            return f"{found} of {declared} bytes"
    if sound.format == "OGG" and _lacks_last_page(path):
        return "no last page"
    if frames == 0 and path.stat().st_size > HEADER_BYTES:
        return f"{path.stat().st_size} bytes, but no samples according to its header"
    return ""


def _lacks_last_page(path: Path) -> bool:
    """Whether the last page of an Ogg file (at most 65,307 bytes) is not marked as the last."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 65_307))
        tail = file.read()
    at = tail.rfind(b"OggS")
    return at < 0 or len(tail) <= at + 5 or not tail[at + 5] & 4


def _reason(problem: Exception) -> str:
    told = getattr(problem, "error_string", None) or str(problem)
    return str(told).removeprefix("Error :").strip().rstrip(".")


@lru_cache
def _ratio(found_rate: int, wanted_rate: int) -> tuple[int, int]:
    divisor = math.gcd(found_rate, wanted_rate)
    return wanted_rate // divisor, found_rate // divisor
