"""What a page plays and shows of a clip: six seconds of it as MP3, and their spectrogram."""

import base64
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import soundfile

from earmark.dataset import audio
from earmark.dataset.clips import Place
from earmark.dataset.decoding import UnreadableClipError
from earmark.runtime import pools, progress

log = logging.getLogger("earmark")

SECONDS = 6.0
# The part that is played lies around the loudest second.
LOUD_SECONDS = 1.0
# Sample rates of MP3 (MPEG-2 and 2.5) that 32 kbit/s are enough for, with libsndfile's compression
# level for that rate: 0 is the highest bitrate of the kind, 1 the lowest.
RATES = {8_000: 32 / 56, 12_000: 32 / 56, 16_000: 128 / 152, 24_000: 128 / 152}
WIDTH, HEIGHT = 480, 128
WINDOW_SECONDS = 0.046
RANGE_DB = 70.0
PICTURE_BYTES = 12_000
# kHz that an axis may name, each with room above the one before.
KILOHERTZ = (0.2, 1, 3, 10, 30, 100)


@dataclass(frozen=True)
class Media:
    """A clip's ``audio`` (MP3) and ``picture`` (WebP) in Base64, or empty, and a remark on both.

    ``frequencies`` and ``times`` are ticks of the picture's axes: (text, percent of the axis).
    """

    audio: str = ""
    picture: str = ""
    remark: str = ""
    frequencies: Sequence[tuple[str, float]] = field(default=())
    times: Sequence[tuple[str, float]] = field(default=())


def of_clips(places: Sequence[Place], longest_seconds: float, processes: int) -> list[Media]:
    """The media of the clips at ``places``, computed by ``processes``."""
    work = partial(of_clip, longest_seconds=longest_seconds)
    found = pools.parallel_map(work, places, processes)
    return list(progress.track(found, len(places), "clips drawn"))


def of_clip(place: Place, longest_seconds: float) -> Media:
    """The media of one clip; a sentence alone for one that cannot be decoded."""
    try:
        rate = audio.header(place.file).sample_rate
        samples = audio.load(place.file, rate, longest_seconds, True, place.start, place.end)
    except (UnreadableClipError, OSError) as problem:
        return Media(remark=f"There is nothing to hear: {problem}.")
    samples = np.nan_to_num(samples)
    if not samples.any():
        return Media(remark="There is nothing to hear: the clip is silent.")
    first, last = loudest_part(samples, rate)
    part, whole = samples[first:last], len(samples) / rate
    start, end = first / rate, last / rate
    remark = f"{whole:.1f} s"
    if len(part) < len(samples):
        remark = f"{SECONDS:g} s of {whole:.1f} s, from {start:.1f} s"
    return Media(
        base64.b64encode(mp3(part, rate)).decode(),
        base64.b64encode(webp(levels(part, rate))).decode(),
        remark,
        [(f"{k:g} kHz", _percent(_mel(1000 * k), _mel(rate / 2))) for k in _heard(rate)],
        [(f"{at:g} s", _percent(at - start, end - start)) for at in _seconds(start, end)],
    )


def loudest_part(samples: np.ndarray, rate: int) -> tuple[int, int]:
    """First and last sample of the SECONDS around the loudest second; of a short clip, all."""
    length = round(SECONDS * rate)
    if len(samples) <= length:
        return 0, len(samples)
    loud = round(LOUD_SECONDS * rate)
    energy = np.cumsum(np.square(samples, dtype=np.float64))
    loudest = int((energy[loud:] - energy[:-loud]).argmax()) + 1
    first = min(max(0, loudest + loud // 2 - length // 2), len(samples) - length)
    return first, first + length


def mp3(samples: np.ndarray, rate: int) -> bytes:
    """Samples (n,) as MP3 of 32 kbit/s, at a rate of at most 24 kHz."""
    rates = [one for one in RATES if one <= rate] or list(RATES)[:1]
    file = io.BytesIO()
    soundfile.write(
        file,
        audio.resampled(samples, rate, rates[-1]),
        rates[-1],
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=RATES[rates[-1]],
        bitrate_mode="CONSTANT",
    )
    return file.getvalue()


def levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples (n,) -> levels (HEIGHT, WIDTH) in [0, 1]: -RANGE_DB to 0 dB of the loudest.

    Columns are windows at even distances; rows, from the top, are even steps of the mel scale.
    """
    size = 2 ** round(np.log2(max(4.0, WINDOW_SECONDS * rate)))
    padded = np.pad(samples, size // 2)
    starts = np.linspace(0, len(padded) - size, WIDTH).astype(int)
    frames = padded[starts[:, None] + np.arange(size)] * np.hanning(size)
    power = np.square(np.abs(np.fft.rfft(frames)))
    edges = _hertz(np.linspace(0, _mel(rate / 2), HEIGHT + 1)[:-1])
    bins = np.minimum(np.round(edges * size / rate).astype(int), size // 2)
    rows = np.maximum.reduceat(power, bins, axis=1).T[::-1]
    decibels = 10 * np.log10(np.maximum(rows / rows.max(), 1e-12))
    return np.clip(1 + decibels / RANGE_DB, 0, 1)


def webp(values: np.ndarray) -> bytes:
    """Values in [0, 1] as a picture of at most PICTURE_BYTES, coarser where it must be."""
    import matplotlib as mpl
    from PIL import Image

    picture = Image.fromarray(mpl.colormaps["magma"](values, bytes=True)[..., :3])
    for quality in (60, 40, 20, 5, 0):
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality, method=4)
        if file.tell() <= PICTURE_BYTES:
            break
    return file.getvalue()


def _mel(hertz: Any) -> Any:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def _hertz(mel: Any) -> Any:
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def _percent(part: float, whole: float) -> float:
    return round(100 * float(part) / float(whole), 2)


def _heard(rate: int) -> list[float]:
    return [kilohertz for kilohertz in KILOHERTZ if 1000 * kilohertz < 0.47 * rate]


def _seconds(start: float, end: float) -> list[float]:
    """Times of about five ticks from ``start`` to ``end``."""
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if end - start < 6 * step), 1.0)
    count = int(np.floor(end / step + 1e-6))
    return [round(n * step, 3) for n in range(int(np.ceil(start / step - 1e-6)), count + 1)]
