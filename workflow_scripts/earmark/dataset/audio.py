"""Clips from disk: decode, inspect, mix to mono, resample.

A clip is a file, or the part of one from ``start`` to ``end`` in seconds. Nothing here turns audio
that cannot be read into silence: it raises ``UnreadableClipError``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from earmark.dataset import decoding, other_files
from earmark.dataset.decoding import OpenClip, UnreadableClipError

# Status -> meaning. Where several fit a clip, the lowest in this list is its status.
STATUSES = {
    "ok": "sound, complete",
    "clipped": "cut off at full scale in many places",
    "too_short": "shorter than shortest_seconds",
    "too_long": "longer than longest_seconds; only that much is used",
    "truncated": "shorter than its header or its end says; what there is, is used",
    "silent": "zeros, or all samples equal",
    "empty": "no samples",
    "non_finite": "NaN or infinite samples",
    "unreadable": "a sound file that cannot be decoded or opened",
    "not_audio": "not a sound file",
    "absent": "listed, but missing",
}
# Their samples are decoded and used; features of all others are those of silence.
STATUSES_WITH_SOUND = ("ok", "clipped", "too_short", "too_long", "truncated")

# Half a step of 16-bit audio: with a peak below it, nothing was recorded.
SILENT_PEAK = 1.0 / 65536
# In multiples of full scale. Spectra of larger numbers overflow.
LARGEST_PEAK = 1e6
# Channels cancel where their mean has less than this share of the largest one's swing.
CANCELLED_SHARE = 1e-3
# Clipped: this share of a clip lies in flat tops, three or more equal samples near full scale.
FLAT_SHARE, FLAT_LEVEL = 1e-3, 0.99


@dataclass(frozen=True)
class ClipFacts:
    """A clip's entries in the clips table. ``status`` is one of ``STATUSES``.

    ``format`` is the container and the samples' format, for example "WAV PCM_16". ``problem`` says
    in words what is wrong, where the status alone does not. ``channel`` is the number of the one
    that is used alone, because the channels cancel each other.
    """

    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    format: str = ""
    peak: float = 0.0
    status: str = "ok"
    problem: str = ""
    channel: int | None = None


@dataclass(frozen=True)
class SamplesInMemory:
    """A clip of ``samples`` (n, channels), float32 in [-1, 1], used like an ``OpenClip``."""

    samples: np.ndarray
    rate: int
    longest_seconds: float = math.inf
    format: str = ""

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[1]

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield what is used of the samples."""
        if len(self.samples):
            yield self.samples[: decoding.most_samples(self.longest_seconds, self.rate)]

    def missing(self, frames: int) -> tuple[str, bool]:
        """Nothing is."""
        return "", False


def inspect(
    path: str | Path,
    shortest_seconds: float,
    longest_seconds: float,
    start: float = 0.0,
    end: float = math.inf,
) -> ClipFacts:
    """Open and decode a clip, and return its facts; never raises for bad content."""
    facts = partial(_facts, shortest_seconds=shortest_seconds)
    return _facts_of(path, facts, longest_seconds, start, end)


def header(path: str | Path) -> ClipFacts:
    """Facts of a file by its header alone, which is quick: it is opened, and not decoded.

    The status is ok, empty, unreadable, not_audio or absent. ``seconds`` is 0 where the header does
    not say; ``peak`` is always 0.
    """
    return _facts_of(path, _facts_of_header, 0.0)


def seconds(path: str | Path) -> float:
    """Length of a file by its header, or else of what decodes; 0 if there is no sound."""
    return header(path).seconds or inspect(path, 0.0, math.inf).seconds


def load(
    path: str | Path,
    sample_rate: int,
    longest_seconds: float = math.inf,
    cut: bool = False,
    start: float = 0.0,
    end: float = math.inf,
) -> np.ndarray:
    """Return a clip, or its first ``longest_seconds``, as mono float32 samples (n,).

    Channels are averaged; of those that cancel each other, the loudest is taken. What goes beyond
    full scale is scaled down to it. Resampling to ``sample_rate`` Hz is polyphase with SciPy's
    default Kaiser window. With ``cut``, a file that cannot be decoded to its end gives what comes
    before. Raises UnreadableClipError when the file cannot be decoded or has nothing of the part,
    OSError when it cannot be opened.
    """
    with decoding.opened(path, longest_seconds, start, end) as clip:
        file_rate = clip.rate
        mix = _Mix(clip.channels)
        samples = _mono(clip, mix, cut)
    if (channel := mix.loudest_if_cancelled()) is not None:
        with decoding.opened(path, longest_seconds, start, end) as clip:
            samples = _mono(clip, mix, cut, channel)
    return resampled(_scaled(samples), file_rate, sample_rate)


def decode(
    sound: str | Path | SamplesInMemory, shortest_seconds: float, longest_seconds: float
) -> tuple[ClipFacts, np.ndarray]:
    """``inspect`` and ``load`` at once: a clip's facts, and its samples (n,) at its own rate.

    There are none unless the status is one of ``STATUSES_WITH_SOUND``; never raises for bad
    content. Samples in memory have their own limit.
    """
    parts: list[np.ndarray] = []
    facts_of = partial(_facts, shortest_seconds=shortest_seconds, means=parts)
    if isinstance(sound, SamplesInMemory):
        facts = facts_of(sound)
        if facts.channel is not None:
            parts = [next(sound.blocks())[:, facts.channel]]
    else:
        facts = _facts_of(sound, facts_of, longest_seconds)
        if facts.channel is not None:
            with decoding.opened(sound, longest_seconds) as clip:
                parts = [_mono(clip, _Mix(clip.channels), True, facts.channel)]
    if facts.status not in STATUSES_WITH_SOUND:
        parts = []
    return facts, _scaled(_joined(parts))


def resampled(samples: np.ndarray, file_rate: int, sample_rate: int) -> np.ndarray:
    """Samples (n,) at ``file_rate`` Hz, resampled to ``sample_rate`` Hz as ``load`` does."""
    if file_rate == sample_rate or samples.size == 0:
        return samples
    from scipy.signal import resample_poly

    return resample_poly(samples, sample_rate, file_rate).astype(np.float32)


def _scaled(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1]: what goes beyond is scaled down."""
    peak = float(max(samples.max(), -samples.min())) if samples.size else 0.0
    return samples / peak if peak > 1 else samples


def _mono(clip: OpenClip, mix: "_Mix", cut: bool, channel: int | None = None) -> np.ndarray:
    """The mean of a clip's channels, or one of them, as samples (n,)."""
    parts: list[np.ndarray] = []
    try:
        for block in clip.blocks():
            parts.append(mix.add(block) if channel is None else block[:, channel].copy())
    except UnreadableClipError:
        if not (cut and parts):
            raise
    missing, is_cut = ("", False) if parts else clip.missing(0)
    if is_cut:
        raise UnreadableClipError(missing)
    return _joined(parts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    # Most clips come in one block, which need not be copied.
    return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.float32)])


class _Mix:
    """The mean of a clip's channels, block by block, and whether anything is left in it."""

    def __init__(self, channels: int) -> None:
        # Highest and lowest sample of each channel, and after them of their mean.
        self._highest = np.full(channels + (channels > 1), -np.inf, np.float32)
        self._lowest = -self._highest

    def add(self, block: np.ndarray) -> np.ndarray:
        """The mean (frames,) of a block's channels."""
        is_mono = block.shape[1] == 1
        mean = block[:, 0] if is_mono else block.mean(axis=1, dtype=np.float32)
        # Column by column: ten times as fast as max(axis=0).
        columns = [mean] if is_mono else [*block.T, mean]
        self._highest = np.maximum(self._highest, [column.max() for column in columns])
        self._lowest = np.minimum(self._lowest, [column.min() for column in columns])
        return mean

    def is_constant(self) -> bool:
        """Whether all samples of each channel are equal."""
        return bool((self._highest == self._lowest).all())

    def loudest_if_cancelled(self) -> int | None:
        """The channel to take in place of the mean, if the channels cancel each other in it."""
        # Not peaks: an offset is not heard.
        with np.errstate(over="ignore", invalid="ignore"):
            swings = self._highest - self._lowest
        loudest = int(swings.argmax())
        return loudest if swings[-1] < CANCELLED_SHARE * swings[loudest] else None


def _facts_of(
    path: str | Path, facts: Callable[[OpenClip], ClipFacts], *limits: float
) -> ClipFacts:
    try:
        if not Path(path).is_file():
            return ClipFacts(status="absent", problem=other_files.why_absent(path))
        with decoding.opened(path, *limits) as clip:
            return facts(clip)
    except UnreadableClipError as problem:
        return ClipFacts(status=problem.status, problem=str(problem))
    except OSError as problem:
        return ClipFacts(status="unreadable", problem=str(problem.strerror or problem))


def _facts(
    clip: OpenClip | SamplesInMemory,
    shortest_seconds: float,
    means: list[np.ndarray] | None = None,
) -> ClipFacts:
    """A clip's facts; the mean of its channels is appended to ``means`` block by block."""
    frames, flat, peak, broken = 0, 0, 0.0, ""
    mix = _Mix(clip.channels)
    try:
        for block in clip.blocks():
            frames += len(block)
            mean = mix.add(block)
            if means is not None:
                means.append(mean)
            level = np.abs(block)
            # Not max(), which would lose a NaN.
            peak = float(np.maximum(peak, level.max()))
            if peak >= FLAT_LEVEL:
                equal = (block[1:-1] == block[:-2]) & (block[1:-1] == block[2:])
                flat += int((equal & (level[1:-1] >= FLAT_LEVEL)).sum())
    except UnreadableClipError as failure:
        if failure.status == "empty":
            raise
        broken = str(failure)
    seconds, channels, channel = frames / clip.rate, clip.channels, None
    too_long = seconds > clip.longest_seconds
    missing, is_cut = (broken, bool(broken)) if broken or too_long else clip.missing(frames)
    if is_cut and frames == 0:
        raise UnreadableClipError(missing)
    status, problem = "ok", ""
    if frames == 0:
        status = "empty"
    elif not math.isfinite(peak):
        status, problem, peak = "non_finite", "NaN or infinite samples", 0.0
    elif peak > LARGEST_PEAK:
        status, problem, peak = "non_finite", f"samples of {peak:.3g} times full scale", 0.0
    # One sample equals itself, and says nothing.
    elif peak < SILENT_PEAK or (frames > 1 and mix.is_constant()):
        status, problem = "silent", missing
    elif is_cut:
        status, problem = "truncated", missing
    elif too_long:
        status, problem = "too_long", f"longer than {clip.longest_seconds:g} s"
    elif seconds < shortest_seconds:
        status, problem = "too_short", f"shorter than {shortest_seconds:g} s"
    elif flat > FLAT_SHARE * frames * channels:
        status, problem = "clipped", f"{100 * flat / (frames * channels):.1f} % of it clipped"
    elif missing:
        problem = f"perhaps cut: {missing}"
    if status in STATUSES_WITH_SOUND and (channel := mix.loudest_if_cancelled()) is not None:
        cancelled = f"the channels cancel each other: only {channel + 1} of {channels} is used"
        problem = f"{problem}; {cancelled}" if problem else cancelled
    return ClipFacts(seconds, clip.rate, channels, clip.format, peak, status, problem, channel)


def _facts_of_header(clip: OpenClip) -> ClipFacts:
    frames = clip.sound.frames
    missing, is_cut = ("", False) if frames else clip.missing(0)
    if is_cut:
        raise UnreadableClipError(missing)
    status = "ok" if frames else "empty"
    return ClipFacts(clip.seconds, clip.rate, clip.channels, clip.format, 0.0, status)
