"""Sound files opened and decoded, whole or in part, by libsndfile; what it cannot read by ffmpeg.

By a file's content and not by its name, and block by block, so that neither a long clip nor a wrong
header costs more memory than ``longest_seconds`` need. What decodes counts, and what a header says
of the length is only compared with it. Nothing here turns audio that cannot be read into silence:
it raises ``UnreadableClipError``.
"""

import io
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from earmark.dataset import ffmpeg, file_ends
from earmark.dataset.other_files import UnreadableClipError

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST")
# Others are of damaged headers, and resampling from or to them could fill the memory.
LOWEST_RATE, HIGHEST_RATE = 1_000, 400_000

INT16_STEP = np.float32(2**-15)
BLOCK_VALUES = 1 << 21
# libsndfile's numbers for a format it does not know, and for an MP3 in which it finds no frame.
NOT_RECOGNISED = (1, 7)
# A header that is wrong, rather than one of a codec that it does not know.
MALFORMED = (3, 24, 71)
# In libsndfile's log of a header: a declared size of the samples or the file, and the actual one.
DECLARED = re.compile(
    r"\b(data|SSND|Data Size|riff|RIFF|Riff size|FORM) *: (\d+) \(should be (\d+)\)"
)
OF_FILE, OF_SAMPLES = ("RIFF", "FORM"), ("data", "SSND")
# Sizes from here on are placeholders of programs that write to a pipe and cannot know the size.
UNKNOWN_SIZE = 0x7FFF_0000
# Some programs count the header's bytes as samples.
HEADER_COUNTED = 64
# libsndfile's number of samples where none is declared is this or larger.
UNKNOWN_FRAMES = 1 << 48
# More than any header: a file of this size that gives no samples is not just empty.
HEADER_BYTES = 1 << 14
# libsndfile gives nothing of the block in which an MP3 is damaged, so that it is one frame.
MPEG_FRAME = 1152
# Encoders fill an MP3's end with at most so many samples.
MOST_PADDING = 4095
ID3V1_BYTES = 128
# Far beyond any file's size.
ENDLESS_BYTES = 1 << 50
# On Windows libsndfile may have a C library of its own, with other descriptors.
BY_DESCRIPTOR = os.name != "nt"
# In seconds. Lists give times with three decimals, so a part may seem to end after its file.
ROUNDED = 1e-3


class _SoundFile(soundfile.SoundFile):
    """An open file, of which soundfile must have no name: its suffix must not decide the format.

    It begins at the byte ``begin``, and ``before`` samples of the whole file come before it.
    """

    def __init__(self, file: BinaryIO, begin: int = 0, before: int = 0) -> None:
        self.source, self.is_endless = file, False
        size = os.fstat(file.fileno()).st_size - begin
        whole = file.fileno() if BY_DESCRIPTOR else file
        super().__init__(_View(file, begin, size) if begin else whole, closefd=False)
        self.header_frames, self.header_log = self.frames, self.extra_info
        self.end = before + self.frames
        if self.subtype.startswith("MPEG") and self._guesses_frames(begin, size):
            self.close()
            self.is_endless = True
            super().__init__(_View(file, begin, ENDLESS_BYTES))
            self.end = before + self.frames

    def _guesses_frames(self, begin: int, size: int) -> bool:
        """Whether an MP3's number of samples is one by its size and its first frame's bit rate.

        That of LAME and others does not change with the size; a large change would be warned of.
        """
        place = self.source.tell()
        with soundfile.SoundFile(_View(self.source, begin, size + size // 1000 + 1)) as longer:
            is_guess = longer.frames != self.frames
        self.source.seek(place)
        return is_guess

    def following(self, before: int) -> "_SoundFile | None":
        """The sound that goes on where an MP3 ends: of a file joined to it, or beyond its count."""
        if self.format != "MP3":
            return None
        begin = self.source.tell()
        if self.source.read(3) == b"TAG":
            begin += ID3V1_BYTES
        try:
            sound = _SoundFile(self.source, begin, before)
        except soundfile.LibsndfileError:
            return None
        if sound.format != "MP3" or sound.header_frames <= MOST_PADDING:
            return None
        if (sound.samplerate, sound.channels) != (self.samplerate, self.channels):
            raise UnreadableClipError("sound of another rate or number of channels follows")
        return sound

    def seekable(self) -> bool:
        # read() would seek after each block. In MP3 that spoils the first samples of the next one,
        # and it fails at the end of a FLAC file that is shorter than declared.
        return False

    def can_seek(self) -> bool:
        """Whether seek() finds the exact place.

        In Vorbis libsndfile seeks a wrong place, once in 200 times; in Opus and MP3 samples depend
        on those before them; in GSM, NMS and G.72x it cannot seek.
        """
        is_exact = self.format != "OGG" and not self.subtype.startswith("MPEG")
        return is_exact and self.frames < UNKNOWN_FRAMES and super().seekable()


class _View(io.FileIO):
    """An open file from a byte on, which seems to have a number of bytes.

    By a guess that is too low libsndfile would end the sound early, so that it gets to see a very
    long file. Its decoder then also takes a last frame that is cut for an error, rather than the
    file's end.
    """

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        super().__init__(file.fileno(), closefd=False)
        self._begin, self._size = begin, size
        self.seek(0)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at_end = (offset, whence) == (0, os.SEEK_END)
        if not self._at_end:
            super().seek(offset + (0 if whence else self._begin), whence)
        return self.tell()

    def tell(self) -> int:
        return self._size if self._at_end else super().tell() - self._begin

    def readinto(self, buffer: Any) -> int:
        return 0 if self._at_end else super().readinto(buffer)


# The file that was decoded last from its start, with its stamp and the next sample: parts mostly
# follow one another. At most one.
_resumable: list[tuple[tuple[int, ...], _SoundFile, int]] = []


@dataclass
class OpenClip:
    """An open sound file, and the part of it from ``start`` to ``end`` in seconds."""

    sound: _SoundFile
    path: Path
    longest_seconds: float
    start: float
    end: float
    decoded: ffmpeg.Decoded | None = None
    _last: _SoundFile | None = None
    _zeros: bool = False

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
        if self.decoded:
            return f"{self.decoded.demuxer} by ffmpeg"
        return f"{self.sound.format} {self.sound.subtype}"

    @property
    def seconds(self) -> float:
        """Length of the file by its header; 0 if it does not say."""
        frames = self.sound.header_frames
        is_told = frames < UNKNOWN_FRAMES and not (self.decoded or self.sound.is_endless)
        return frames / self.rate if is_told else 0.0

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
        dtype = "int16" if self.sound.subtype == "PCM_16" else "float32"
        sound, at = self._sound_before(first)
        before = first - at
        is_empty, wanted, block, problem = True, 0, np.zeros(0), None
        while left > 0:
            # Decoders would take what follows, such as a tag, for damage.
            if at == sound.end or len(block) < wanted:
                if not (following := sound.following(at)):
                    break
                sound = following
            size = MPEG_FRAME if sound.is_endless else max(1, BLOCK_VALUES // self.channels)
            size = int(min(size, before + left))
            # A large array is mapped faster than a small one that is just enough.
            block = np.empty((size, self.channels), dtype)[: sound.end - at]
            wanted = len(block)
            try:
                block = sound.read(out=block)
            except soundfile.SoundFileError as error:
                # What came before the fault is there.
                block = block[: sound.tell() - (at - (sound.end - sound.frames))]
                self._zeros = sound.is_endless and file_ends.are_zeros(sound.source)
                problem = None if self._zeros else error
            if len(part := block[before:]):
                # NumPy makes the same numbers of integers as libsndfile, in a third of the time.
                yield part if dtype == "float32" else np.multiply(part, INT16_STEP)
                is_empty = False
            if problem:
                raise UnreadableClipError(_reason(problem)) from problem
            before -= len(block) - len(part)
            left -= len(part)
            at += len(block)
        self._last = sound
        if sound.source is not self.sound.source:
            _resumable.append((ffmpeg.stamp(self.path), sound, at))
        if is_empty and first:
            raise self._starts_after(at / self.rate)

    def _sound_before(self, first: int) -> tuple[_SoundFile, int]:
        """The file to read a part from, and the sample that it is at: ``first`` or one before."""
        sound = self.sound
        # Decoded from the start, or from where the part before ended.
        if first and not sound.can_seek():
            while _resumable:
                stamp, sound, at = _resumable.pop()
                if at <= first and stamp == ffmpeg.stamp(self.path):
                    return sound, at
                sound.close()
            return _SoundFile(open(self.path, "rb", buffering=0)), 0
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

    def _starts_after(self, end: float) -> UnreadableClipError:
        return UnreadableClipError(
            f"it starts at {self.start} s, but the file ends at {end:.3f} s", "empty"
        )

    def missing(self, frames: int) -> tuple[str, bool]:
        """How the clip, decoded to its end, is shorter than declared, empty if not; if it was cut.

        If nothing shows that it was cut, the header may be wrong.
        """
        last = self._last or self.sound
        log = self.sound.header_log + last.extra_info
        if "libogg reports a hole" in log:
            return "a hole, where a part of the file is missing", True
        if self.end < math.inf and frames:
            # What else a long file lacks does not matter to its parts.
            file_end = self.start + frames / self.rate
            if self.end <= file_end + ROUNDED + 1 / self.rate:
                return "", False
            return f"it ends at {self.end} s, but the file at {file_end:.3f} s", True
        frames += round(self.start * self.rate)
        if self.decoded:
            if counted := file_ends.counted_by_wavpack(self.path):
                return (f"{frames} of {counted} samples", True) if frames < counted else ("", False)
            if self.decoded.problem or self.decoded.demuxer != "ogg":
                return self.decoded.problem or self.decoded.remark, bool(self.decoded.problem)
            return file_ends.missing(self.path, "OGG")
        if self._zeros:
            return "there are zeros after what can be decoded", False
        return _what_is_missing(last, log, self.path, frames)


def most_samples(longest_seconds: float, rate: int) -> int:
    """Number of samples that are used: one more than the limit shows that there is more."""
    return int(min(longest_seconds * rate, 1e18)) + 1


@contextmanager
def opened(
    path: str | Path, longest_seconds: float = math.inf, start: float = 0.0, end: float = math.inf
) -> Iterator[OpenClip]:
    """Open a clip; raise UnreadableClipError for what is no sound file, OSError as open does."""
    with open(path, "rb", buffering=0) as file:
        decoded = None
        try:
            sound = _SoundFile(file)
        except soundfile.LibsndfileError as problem:
            # Parts are cut out of the whole file, which is decoded once.
            is_whole = start == 0 and end == math.inf
            try:
                decoded = ffmpeg.decode(path, longest_seconds if is_whole else math.inf)
            except UnreadableClipError:
                if problem.code in NOT_RECOGNISED:
                    raise
                raise UnreadableClipError(_reason(problem)) from problem
            if problem.code in MALFORMED:
                decoded = decoded._replace(remark=_reason(problem))
            sound = _SoundFile(decoded.file)
        with sound:
            if sound.format not in FORMATS:
                raise UnreadableClipError(
                    f"a file of kind {sound.format}, not {', '.join(FORMATS)}", "not_audio"
                )
            if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
                raise UnreadableClipError(f"a sample rate of {sound.samplerate} Hz in its header")
            yield OpenClip(sound, Path(path), longest_seconds, start, end, decoded)


def _what_is_missing(sound: _SoundFile, log: str, path: Path, frames: int) -> tuple[str, bool]:
    """How a file, decoded to its end, is shorter than declared, and whether it was cut."""
    if frames < sound.end < UNKNOWN_FRAMES:
        # Of a FLAC file that is cut, decoding fails: there the last of several segments has the
        # number of samples of them all.
        return f"{frames} of {sound.end} samples", sound.format != "FLAC"
    short = [
        (name, int(declared), int(there))
        for name, declared, there in DECLARED.findall(log)
        if int(there) < int(declared) < UNKNOWN_SIZE
    ]
    if told := [sizes for sizes in short if sizes[0] not in OF_FILE]:
        _, declared, there = told[-1]
        # Where the file has its size, only that of the samples is wrong.
        is_cut = any(
            name not in OF_SAMPLES and size > least + HEADER_COUNTED for name, size, least in short
        )
        return f"{there} of {declared} bytes", is_cut
    if (missing := file_ends.missing(path, sound.format, sound.source.tell()))[0]:
        return missing
    if frames == 0 and (size := path.stat().st_size) > HEADER_BYTES:
        return f"{size} bytes, but no samples according to its header", True
    return "", False


def _reason(problem: Exception) -> str:
    words = getattr(problem, "error_string", None) or str(problem)
    return str(words).removeprefix("Error :").strip().rstrip(".")
