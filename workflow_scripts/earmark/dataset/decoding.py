"""Sound files opened and decoded, whole or in part, by libsndfile.

By a file's content and not by its name, and block by block, so that neither a long clip nor a wrong
header costs more memory than ``longest_seconds`` need. Nothing here turns audio that cannot be read
into silence: it raises ``UnreadableClipError``.
"""

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from earmark.dataset import other_files

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST")
# Others are of damaged headers, and resampling from or to them could fill the memory.
LOWEST_RATE, HIGHEST_RATE = 1_000, 400_000

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
# libsndfile's number of samples of a FLAC file with such a placeholder is larger still.
UNKNOWN_FRAMES = 1 << 62
# More than any header: a file of this size that gives no samples is not just empty.
HEADER_BYTES = 1 << 14
# Of an Ogg file's pages: the size of the largest, and a flag of the last.
LARGEST_OGG_PAGE, LAST_OGG_PAGE = 65_307, 4
# In seconds. Lists give times with three decimals, so a part may seem to end after its file.
ROUNDED = 1e-3


class UnreadableClipError(Exception):
    """A clip that cannot be decoded; the message says why, ``status`` is its status."""

    def __init__(self, problem: str, status: str = "unreadable") -> None:
        super().__init__(problem)
        self.status = status


class _SoundFile(soundfile.SoundFile):
    def seekable(self) -> bool:
        # read() seeks after each block. In MP3 that spoils the first samples of the next one, and
        # it fails at the end of a FLAC file of unknown length.
        is_mpeg = self.subtype.startswith("MPEG")
        return not is_mpeg and self.frames < UNKNOWN_FRAMES and super().seekable()


# The file that was decoded last from its start, with its stamp and the next sample: parts mostly
# follow one another. At most one.
_resumable: list[tuple[tuple[int, ...], _SoundFile, int]] = []


@dataclass(frozen=True)
class OpenClip:
    """An open sound file, and the part of it from ``start`` to ``end`` in seconds."""

    sound: soundfile.SoundFile
    path: Path
    longest_seconds: float
    start: float
    end: float

    @property
    def rate(self) -> int:
        """Samples per second of each channel."""
        return int(self.sound.samplerate)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.sound.channels)

    @property
    def format(self) -> str:
        """The container and the samples' format, for example "WAV PCM_16"."""
        return f"{self.sound.format} {self.sound.subtype}"

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield samples (frames, channels), float32 in [-1, 1], to the end or the limit.

        They are exactly those of ``file[round(start * rate):round(end * rate)]``. Raises
        UnreadableClipError, with the status empty where the file has nothing of the part.
        """
        first = round(self.start * self.rate)
        left: float = most_samples(self.longest_seconds, self.rate)
        if self.end < math.inf:
            left = min(left, round(self.end * self.rate) - first)
        if first < 0 or left <= 0:
            raise UnreadableClipError(
                f"there is no time from {self.start} to {self.end} s", "empty"
            )
        values = CODED_BLOCK_VALUES if self.sound.format in CODED else BLOCK_VALUES
        size = max(1, values // self.sound.channels)
        dtype = "int16" if self.sound.subtype == "PCM_16" else "float32"
        sound, at = self._sound_before(first)
        before = first - at
        is_empty, wanted, block = True, 0, np.zeros(0)
        while left > 0 and len(block) == wanted:
            wanted = int(min(size, before + left))
            try:
                block = sound.read(wanted, dtype=dtype, always_2d=True)
            except soundfile.SoundFileError as problem:
                raise UnreadableClipError(_reason(problem)) from problem
            if len(part := block[before:]):
                # NumPy makes the same numbers of integers as libsndfile, in a third of the time.
                yield part if dtype == "float32" else np.multiply(part, INT16_STEP)
                is_empty = False
            before -= len(block) - len(part)
            left -= len(part)
            at += len(block)
        if sound is not self.sound:
            _resumable.append((self._stamp(), sound, at))
        if is_empty and first:
            raise self._starts_after(at / self.rate)

    def _sound_before(self, first: int) -> tuple[soundfile.SoundFile, int]:
        """The file to read a part from, and the sample that it is at: ``first`` or one before."""
        sound = self.sound
        # In Vorbis libsndfile seeks a wrong place, once in 200 times; in Opus and MP3 samples
        # depend on those before them; in GSM, NMS and G.72x it cannot seek. These are decoded from
        # the start, or from where the part before ended.
        if first and (sound.format == "OGG" or not sound.seekable()):
            while _resumable:
                stamp, sound, at = _resumable.pop()
                if at <= first and stamp == self._stamp():
                    return sound, at
                sound.close()
            return _SoundFile(os.open(self.path, os.O_RDONLY), closefd=True), 0
        if first == 0:
            return sound, 0
        if first >= sound.frames:
            raise self._starts_after(sound.frames / self.rate)
        try:
            sound.seek(first)
        except soundfile.SoundFileError as problem:
            reason = f"cannot be decoded from {self.start} s on ({_reason(problem)})"
            raise UnreadableClipError(reason) from problem
        return sound, first

    def _stamp(self) -> tuple[int, ...]:
        # Processes share the position in a file that was open before they parted.
        facts = os.stat(self.path)
        return os.getpid(), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def _starts_after(self, end: float) -> UnreadableClipError:
        return UnreadableClipError(
            f"it starts at {self.start} s, but the file ends at {end:.3f} s", "empty"
        )

    def missing(self, frames: int) -> str:
        """How the clip, decoded to its end, is shorter than it should be; empty if it is not."""
        if self.end == math.inf or frames == 0:
            return _what_is_missing(self.sound, self.path, round(self.start * self.rate) + frames)
        # What else a long file lacks does not matter to its parts.
        file_end = self.start + frames / self.rate
        if self.end <= file_end + ROUNDED + 1 / self.rate:
            return ""
        return f"it ends at {self.end} s, but the file at {file_end:.3f} s"


def most_samples(longest_seconds: float, rate: int) -> int:
    """Number of samples that are used: one more than the limit shows that there is more."""
    return int(min(longest_seconds * rate, 1e18)) + 1


@contextmanager
def opened(
    path: str | Path, longest_seconds: float = math.inf, start: float = 0.0, end: float = math.inf
) -> Iterator[OpenClip]:
    """Open a clip; raise UnreadableClipError for what is no sound file, OSError as open does."""
    with open(path, "rb") as file:
        try:
            # By descriptor, without the name: its suffix must not decide the format.
            sound = _SoundFile(file.fileno(), closefd=False)
        except soundfile.LibsndfileError as problem:
            if problem.code in NOT_RECOGNISED:
                raise UnreadableClipError(other_files.kind_of(path), "not_audio") from problem
            raise UnreadableClipError(_reason(problem)) from problem
        with sound:
            if sound.format not in FORMATS:
                raise UnreadableClipError(
                    f"a file of kind {sound.format}, not {', '.join(FORMATS)}", "not_audio"
                )
            if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
                raise UnreadableClipError(f"a sample rate of {sound.samplerate} Hz in its header")
            yield OpenClip(sound, Path(path), longest_seconds, start, end)


def _what_is_missing(sound: soundfile.SoundFile, path: Path, frames: int) -> str:
    """How a file, decoded to its end, is shorter than its header says; empty if it is not."""
    if frames < sound.frames < UNKNOWN_FRAMES:
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
