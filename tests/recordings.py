"""Long recordings of real clips at known places, with annotations as Raven and Audacity write them.

Nothing of the product is imported here.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

# Classes of ESC-50 that are events, and one that can be heard all the time.
CLASSES = ("dog", "crow", "church_bells", "siren", "glass_breaking", "sheep", "can_opening", "hen")
AMBIENCE = "wind"
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"


class Event(NamedTuple):
    """A label from ``start`` to ``end`` in seconds."""

    start: float
    end: float
    label: str


def _clips(esc50: Path, fold: str, label: str) -> tuple[list[np.ndarray], int]:
    """The sounds of a class in a fold, without the zeros that they are padded with."""
    with (esc50 / "esc50.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["fold"] == fold]
    sounds = []
    rate = 0
    for row in rows:
        if row["category"] == label:
            samples, rate = soundfile.read(esc50 / "audio" / row["filename"])
            loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
            sounds.append(samples[loud[0] : loud[-1] + 1])
    return sounds, rate


def write(
    path: Path,
    esc50: Path,
    fold: str,
    minutes: float,
    classes: Sequence[str] = CLASSES,
    gap: float = 8.0,
    longest: float = 4.0,
) -> list[Event]:
    """Write a recording of a fold's clips, one about every ``gap`` seconds, and return its events.

    A clip has at most its first ``longest`` seconds. Below them is ambience, 15 dB lower.
    """
    rng = np.random.default_rng(int(fold))
    ambience, rate = _clips(esc50, fold, AMBIENCE)
    size = round(minutes * 60 * rate)
    order = rng.integers(len(ambience), size=size // rate)
    quiet = np.concatenate([ambience[number] for number in order])[:size]
    sound = 0.03 * quiet / quiet.std()
    sounds = {label: _clips(esc50, fold, label)[0] for label in classes}
    events = []
    at = rng.uniform(1.0, gap)
    while True:
        label = classes[len(events) % len(classes)]
        clip = sounds[label][rng.integers(len(sounds[label]))][: round(longest * rate)]
        first = round(at * rate)
        if first + len(clip) > size:
            break
        sound[first : first + len(clip)] += 0.17 * clip / clip.std()
        events.append(Event(first / rate, (first + len(clip)) / rate, label))
        at = events[-1].end + rng.uniform(0.5 * gap, 1.5 * gap)
    soundfile.write(path, np.clip(sound, -1, 1), rate)
    return events


def write_raven(path: Path, events: Iterable[Event], column: str = "Annotation") -> None:
    """A selection table; each selection has a row for the spectrogram and one for the waveform."""
    lines = [RAVEN + column]
    for number, (start, end, label) in enumerate(events, start=1):
        for view in ("Waveform 1", "Spectrogram 1"):
            cells = (number, view, 1, f"{start:.9f}", f"{end:.9f}", "100.000", "7900.000", label)
            lines.append("\t".join(map(str, cells)))
    path.write_text("\r\n".join([*lines, ""]))


def write_audacity(path: Path, events: Iterable[Event]) -> None:
    """A label file; each second label has frequencies in a line of their own."""
    lines = []
    for number, (start, end, label) in enumerate(events):
        lines.append(f"{start:.6f}\t{end:.6f}\t{label}")
        lines += ["\\\t100.000000\t7900.000000"] * (number % 2)
    path.write_text("\n".join([*lines, ""]))


def found_and_false(events: Sequence[Event], tagged: Sequence[Event]) -> tuple[int, int]:
    """How many events were found, and how many were tagged that there are not.

    An event is found by one of its label that overlaps it.
    """

    def meet(one: Event, other: Event) -> bool:
        return one.label == other.label and one.start < other.end and other.start < one.end

    found = sum(any(meet(event, one) for one in tagged) for event in events)
    return found, sum(not any(meet(event, one) for event in events) for one in tagged)
