"""What it costs that clips are parts of one long file: 100 of two seconds, beside 100 short files.

Each clip is decoded as training does, once to inspect it and once to load it, in one process. The
file is an hour of noise that swells, 44.1 kHz, mono, 16 bits; the parts lie anywhere in it, and the
short files have the same samples. They stay in the system's cache, so that decoding counts alone.

    .venv/bin/python benchmarks/parts.py [--repeats 5]
"""

import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import measuring
import numpy as np
import soundfile

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark.dataset import audio, clips

RATE, HOURS, CLIPS, SECONDS = 44100, 1, 100, 2


def make(folder: Path, format: str) -> dict[str, list[clips.Place]]:
    """Write the long file and the short ones; return the places of the clips in them."""
    rng = np.random.default_rng(1)
    long = folder / f"long.{format.lower()}"
    starts = np.sort(rng.uniform(0, HOURS * 3600 - SECONDS, CLIPS)).round(3).tolist()
    with soundfile.SoundFile(long, "w", RATE, 1, "PCM_16", format=format) as file:
        for second in range(HOURS * 3600):
            level = 3000 * (1.1 + math.sin(second))
            file.write((level * rng.standard_normal(RATE)).astype(np.int16))
    parts = [clips.Place(str(long), start, start + SECONDS) for start in starts]
    short = [clips.Place(str(folder / f"{number}.{format.lower()}")) for number in range(CLIPS)]
    for part, whole in zip(parts, short, strict=True):
        first = round(part.start * RATE)
        samples, _ = soundfile.read(long, SECONDS * RATE, first, dtype="int16")
        soundfile.write(whole.file, samples, RATE, format=format)
        assert np.array_equal(load(part), load(whole))
    return {"parts": parts, "files": short}


def load(place: clips.Place) -> np.ndarray:
    """Inspect and load a clip."""
    facts = audio.inspect(place.file, 0.05, 300.0, place.start, place.end)
    assert facts.status == "ok", facts
    return audio.load(place.file, RATE, 300.0, start=place.start, end=place.end)


def load_all(places: Sequence[clips.Place]) -> None:
    """Inspect and load clips one after the other."""
    for place in places:
        load(place)


def row(format: str, repeats: int) -> tuple[str, ...]:
    """Milliseconds for a clip of each kind, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), format)
        ways: dict[str, measuring.Way] = {
            name: lambda places=places: load_all(places) for name, places in made.items()
        }
        seconds = measuring.in_turn(ways, repeats)
    milliseconds = [
        f"{1000 * statistics.median(seconds[name]) / CLIPS:.2f}" for name in ("files", "parts")
    ]
    ratio = measuring.spread_of(measuring.ratios(seconds["parts"], seconds["files"]), ".2f")
    return format, *milliseconds, ratio


def section(repeats: int) -> str:
    """Measure both formats; return Markdown."""
    heads = ("Format", "short files, ms a clip", "one long file, ms a clip", "times as long")
    return measuring.table(heads, [row(format, repeats) for format in ("WAV", "FLAC")])


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, repeats=5))))
