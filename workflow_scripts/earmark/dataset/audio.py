"""Clips from disk: decode, inspect, mix to mono, resample.

libsndfile decodes, by a file's content and not by its name, block by block, so that neither a long
clip nor a wrong header costs more than ``longest_seconds`` of memory. Nothing here turns audio that
cannot be read into silence: it raises ``UnreadableClipError``.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

# Status -> meaning. Where several fit a clip, the lowest in this list is its status.
STATUSES = {
    "ok": "sound, complete",
    "clipped": "cut off at full scale in many places",
    "too_short": "shorter than shortest_seconds",
    "too_long": "longer than longest_seconds; only that much is used",
    "silent": "zeros",
    "empty": "no samples",
    "truncated": "shorter than its header says",
    "non_finite": "NaN or infinite samples",
    "unreadable": "a sound file that cannot be decoded or opened",
    "not_audio": "not a sound file",
    "absent": "listed, but missing",
}
# Their samples are decoded and used; features of all others are those of silence.
STATUSES_WITH_SOUND = ("ok", "clipped", "too_short", "too_long", "truncated")

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST")
# Others are of damaged headers, and resampling from or to them could fill the memory.
LOWEST_RATE, HIGHEST_RATE = 1_000, 400_000
# Half a step of 16-bit audio: with a peak below it, nothing was recorded.
SILENT_PEAK = 1.0 / 65536
# In multiples of full scale. Spectra of larger numbers overflow.
LARGEST_PEAK = 1e6
# Clipped: this share of a clip lies in flat tops, three or more equal samples near full scale.
FLAT_SHARE, FLAT_LEVEL = 1e-3, 0.99

INT16_STEP = np.float32(2**-15)
BLOCK_VALUES = 1 << 21
# Decoding ends at the damaged block, so compressed formats are read in smaller ones.
CODED, CODED_BLOCK_VALUES = ("FLAC", "OGG", "MP3"), 1 << 16
# libsndfile's numbers for a format it does not know, and for an MP3 in which it finds no frame.
NOT_RECOGNISED = (1, 7)
# In libsndfile's log of a header: a declared size and the actual one.
DECLARED = re.compile(r"\b(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)")
# Sizes from here on are placeholders of programs that write to a pipe and cannot know the size.
UNKNOWN_SIZE = 0x7FFF_0000
# More than any header: a file of this size that gives no samples is not just empty.
HEADER_BYTES = 1 << 14
# Of an Ogg file's pages: the size of the largest, and a flag of the last.
LARGEST_OGG_PAGE, LAST_OGG_PAGE = 65_307, 4


class UnreadableClipError(Exception):
    """A clip that cannot be decoded; the message says why, ``status`` is its status."""

    def __init__(self, problem: str, status: str = "unreadable") -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class ClipFacts:
    """A clip's entries in the clips table. ``status`` is one of ``STATUSES``.

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
    """Open and decode a clip, and return its facts; never raises for bad content."""
    try:
        if not Path(path).is_file():
            return ClipFacts(status="absent", problem="there is no such file")
        with _opened(path) as sound:
            return _facts(sound, Path(path), shortest_seconds, longest_seconds)
    except UnreadableClipError as problem:
        return ClipFacts(status=problem.status, problem=str(problem))
    except OSError as problem:
        return ClipFacts(status="unreadable", problem=str(problem.strerror or problem))


def sample_rate_of(path: str | Path) -> int:
    """The sample rate in a file's header (Hz); 0 if it is no sound file or cannot be read."""
    if not Path(path).is_file():  # reading a pipe could wait forever
        return 0
    try:
        with _opened(path) as sound:
            return int(sound.samplerate)
    except (UnreadableClipError, OSError):
        return 0


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
                mono = block.shape[1] == 1
                parts.append(block[:, 0] if mono else block.mean(axis=1, dtype=np.float32))
        except UnreadableClipError:
            if not (cut and parts):
                raise
        if not parts and (missing := _what_is_missing(sound, Path(path), 0)):
            raise UnreadableClipError(missing)
        file_rate = sound.samplerate
    # Most clips come in one block, which need not be copied.
    samples = parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.float32)])
    if samples.size == 0:
        return samples
    if (peak := float(max(samples.max(), -samples.min()))) > 1:
        samples /= peak
    if file_rate == sample_rate:
        return samples
    from scipy.signal import resample_poly

    return resample_poly(samples, sample_rate, file_rate).astype(np.float32)


@contextmanager
def _opened(path: str | Path) -> Iterator[soundfile.SoundFile]:
    with open(path, "rb") as file:
        try:
            # By descriptor, without the name: its suffix must not decide the format.
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
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    while left > 0:
        wanted = int(min(size, left))
        try:
            block = sound.read(wanted, dtype=dtype, always_2d=True)
        except soundfile.SoundFileError as problem:
            raise UnreadableClipError(_reason(problem)) from problem
        if len(block) == 0:
            return
        # NumPy turns integers into the same numbers as libsndfile does, in a third of the time.
        yield block if dtype == "float32" else np.multiply(block, INT16_STEP)
        left -= len(block)
        if len(block) < wanted:
            return


def _facts(
    sound: soundfile.SoundFile, path: Path, shortest_seconds: float, longest_seconds: float
) -> ClipFacts:
    frames, flat, peak, broken = 0, 0, 0.0, ""
    try:
        for block in _blocks(sound, longest_seconds):
            frames += len(block)
            level = np.abs(block)
            # Not max(), which would lose a NaN.
            peak = float(np.maximum(peak, level.max()))
            if peak >= FLAT_LEVEL:
                equal = (block[1:-1] == block[:-2]) & (block[1:-1] == block[2:])
                flat += int((equal & (level[1:-1] >= FLAT_LEVEL)).sum())
    except UnreadableClipError as failure:
        broken = str(failure)
    seconds = frames / sound.samplerate
    too_long = seconds > longest_seconds
    missing = broken or ("" if too_long else _what_is_missing(sound, path, frames))
    if missing and frames == 0:
        raise UnreadableClipError(missing)
    status, problem = "ok", ""
    if frames == 0:
        status = "empty"
    elif not math.isfinite(peak):
        status, problem, peak = "non_finite", "NaN or infinite samples", 0.0
    elif peak > LARGEST_PEAK:
        status, problem, peak = "non_finite", f"samples of {peak:.3g} times full scale", 0.0
    elif missing:
        status, problem = "truncated", missing
    elif peak < SILENT_PEAK:
        status = "silent"
    elif too_long:
        status, problem = "too_long", f"longer than {longest_seconds:g} s"
    elif seconds < shortest_seconds:
        status, problem = "too_short", f"shorter than {shortest_seconds:g} s"
    elif flat > FLAT_SHARE * frames * sound.channels:
        status, problem = "clipped", f"{100 * flat / (frames * sound.channels):.1f} % of it clipped"
    kind = f"{sound.format} {sound.subtype}"
    return ClipFacts(seconds, sound.samplerate, sound.channels, kind, peak, status, problem)


def _what_is_missing(sound: soundfile.SoundFile, path: Path, frames: int) -> str:
    """How a file, decoded to its end, is shorter than its header says; empty if it is not."""
    if frames < sound.frames:
        return f"{frames} of {sound.frames} samples"
    for declared, there in DECLARED.findall(sound.extra_info):
        if int(there) < int(declared) < UNKNOWN_SIZE:
            return f"{there} of {declared} bytes"
    size = path.stat().st_size
    if sound.format == "OGG":
        with open(path, "rb") as file:
            file.seek(max(0, size - LARGEST_OGG_PAGE))
            end = file.read()
        flags = end[end.rfind(b"OggS") :][5:6]
        if not flags or not flags[0] & LAST_OGG_PAGE:
            return "no last page"
    if frames == 0 and size > HEADER_BYTES:
        return f"{size} bytes, but no samples according to its header"
    return ""


def _reason(problem: Exception) -> str:
    words = getattr(problem, "error_string", None) or str(problem)
    return str(words).removeprefix("Error :").strip().rstrip(".")
