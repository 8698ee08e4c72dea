"""The demo data set: which clip is what, which labels are wrong, and the files on disk.

Every clip has a generator of its own, from the seed, the split and its number, so the bytes do not
depend on how the work is spread over processes.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from earmark.labels.class_groups import CLASSES, SCHEMES
from earmark.runtime import pools, progress
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file
from earmark.synthesis import room, tones
from earmark.synthesis.registry import MODELS
from earmark.synthesis.tones import Signal

SAMPLE_RATE = 44100
SHORTEST, LONGEST = 0.3, 8.0
# The last member of SeedSequence([seed, split, index]): train and test clips, and the lists.
TRAIN, TEST, LISTS = 0, 1, 2
FEWEST_VERIFIED = 3
# Class counts lie within this share of the mean.
COUNT_SPREAD = 0.3
# A wrong label is this much likelier to be a class of the same small group (scheme "five").
CONFUSABLE_WEIGHT = 4.0
PUBLIC_FRACTION = 0.19
NO_LABEL = "None"
SUBMISSION = "Laughter Hi-hat Flute"

DEFAULTS: dict[str, float] = {
    "clips_per_class": 15,
    "test_clips_per_class": 5,
    "verified_fraction": 0.39,
    "wrong_fraction": 0.33,
    "wrong_in_group": 0.8,
    "empty_test_clips": 3,
}


@dataclass(frozen=True)
class TrainClip:
    """One row of the train list, with the class that is really to be heard."""

    fname: str
    label: str
    verified: bool
    truth: str


@dataclass(frozen=True)
class TestClip:
    """One row of the test list; an ``Ignored`` clip is an empty file without a label."""

    __test__ = False  # no test case, whatever its name

    fname: str
    label: str
    usage: str


def clip_length(rng: np.random.Generator) -> float:
    """Draw a clip's length in seconds: right-skewed, about 2 in the mean, 0.3 to 8."""
    return float(np.clip(rng.lognormal(np.log(1.75), 0.75), SHORTEST, LONGEST - 0.2))


def synthesise_clip(
    label: str, seed: int, split: int, index: int, sample_rate: int = SAMPLE_RATE
) -> Signal:
    """Compute clip ``index`` of ``split`` as a recording (n,) of class ``label``; peak below 1."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, split, index]))
    seconds = clip_length(rng)
    # Most clips are cut close, some leave a good part silent.
    quiet = 0.5 * seconds * rng.random() ** 4
    dry = tones.without_tail(MODELS[label](rng, max(0.2, seconds - quiet), sample_rate))
    shortest = tones.length_of(SHORTEST, sample_rate)
    n = max(shortest, len(dry) + tones.length_of(quiet + rng.uniform(0.01, 0.1), sample_rate))
    return room.record(rng, dry, min(n, tones.length_of(LONGEST, sample_rate)), sample_rate)


def draw_counts(rng: np.random.Generator, mean: float, fewest: int) -> dict[str, int]:
    """Draw the number of clips of every class, within COUNT_SPREAD around ``mean``."""
    counts = mean * rng.uniform(1 - COUNT_SPREAD, 1 + COUNT_SPREAD, len(CLASSES))
    return {
        name: max(fewest, round(float(count))) for name, count in zip(CLASSES, counts, strict=True)
    }


def draw_names(rng: np.random.Generator, count: int) -> list[str]:
    """Draw ``count`` different file names of 8 hex digits, in no order."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[f"{rng.integers(2**32):08x}.wav"] = None
    return list(names)


def draw_other_class(rng: np.random.Generator, label: str, in_group: bool) -> str:
    """Draw a class that ``label`` is mistaken for, within its group of scheme "two" or outside."""
    group = next(classes for classes in SCHEMES["two"].values() if label in classes)
    close = next(classes for classes in SCHEMES["five"].values() if label in classes)
    others = [name for name in CLASSES if name != label and (name in group) == in_group]
    weights = np.array([CONFUSABLE_WEIGHT if name in close else 1.0 for name in others])
    return others[int(rng.choice(len(others), p=weights / weights.sum()))]


def draw_train_list(
    rng: np.random.Generator,
    settings: Mapping[str, float],
    names: Sequence[str],
    counts: Mapping[str, int],
) -> list[TrainClip]:
    """Draw the train list, sorted by name: labels, what is verified, what is really heard.

    ``names`` has one name per clip, ``counts`` the clips per given label. Exactly the shares of
    ``settings`` are wrong, and wrong within the group, but for rounding.
    """
    labels = [name for name in CLASSES for _ in range(counts[name])]
    verified = []
    for name in CLASSES:
        sure = max(FEWEST_VERIFIED, round(settings["verified_fraction"] * counts[name]))
        verified += [position < sure for position in range(counts[name])]
    unsure = rng.permutation(np.flatnonzero(~np.array(verified)))
    wrong = unsure[: round(settings["wrong_fraction"] * len(unsure))]
    in_group = round(settings["wrong_in_group"] * len(wrong))
    truths = list(labels)
    for place, position in enumerate(wrong):
        truths[position] = draw_other_class(rng, labels[position], place < in_group)
    rows = zip(names, labels, verified, truths, strict=True)
    return sorted((TrainClip(*row) for row in rows), key=lambda clip: clip.fname)


def draw_test_list(
    rng: np.random.Generator, names: Sequence[str], counts: Mapping[str, int], empty: int
) -> list[TestClip]:
    """Draw the test list, sorted by name: ``counts`` clips per class and ``empty`` ignored ones."""
    labels = [name for name in CLASSES for _ in range(counts[name])]
    usages = np.full(len(labels), "Private", dtype=object)
    public = rng.permutation(len(labels))[: round(PUBLIC_FRACTION * len(labels))]
    usages[public] = "Public"
    rows = [*zip(labels, usages, strict=True), *[(NO_LABEL, "Ignored")] * empty]
    clips = (TestClip(name, *row) for name, row in zip(names, rows, strict=True))
    return sorted(clips, key=lambda clip: clip.fname)


def draw_lists(settings: Mapping[str, float], seed: int) -> tuple[list[TrainClip], list[TestClip]]:
    """Draw both lists of the set that ``settings`` (see DEFAULTS) and ``seed`` describe.

    Raises EarmarkError for a setting that is unknown or out of range.
    """
    full = checked(settings)
    rng = np.random.default_rng(np.random.SeedSequence([seed, LISTS, 0]))
    train = draw_counts(rng, full["clips_per_class"], FEWEST_VERIFIED)
    test = draw_counts(rng, full["test_clips_per_class"], 1)
    empty = int(full["empty_test_clips"])
    train_size, test_size = sum(train.values()), sum(test.values()) + empty
    names = draw_names(rng, train_size + test_size)
    return (
        draw_train_list(rng, full, names[:train_size], train),
        draw_test_list(rng, names[train_size:], test, empty),
    )


def checked(settings: Mapping[str, float]) -> dict[str, float]:
    """Fill ``settings`` up with DEFAULTS; raise EarmarkError for what cannot be meant."""
    unknown = sorted(set(settings) - set(DEFAULTS))
    if unknown:
        raise EarmarkError(
            f"The demo set has no setting '{unknown[0]}'. Write one of: {', '.join(DEFAULTS)}."
        )
    full = {**DEFAULTS, **settings}
    for name, value in full.items():
        share = name not in ("clips_per_class", "test_clips_per_class", "empty_test_clips")
        lowest = 0 if share or name == "empty_test_clips" else 1
        if value < lowest or (share and value > 1):
            limits = "between 0 and 1" if share else f"of {lowest} or more"
            raise EarmarkError(f"The demo set's '{name}' is {value}. Write a number {limits}.")
    return full


def write_wav(path: Path, sound: Signal) -> None:
    """Write ``sound`` (n,) within -1 to 1 as 16-bit PCM mono."""
    samples = np.round(sound * 32767).astype(np.int16)
    # By way of memory: of a full disk soundfile says no more than "System error".
    content = io.BytesIO()
    soundfile.write(content, samples, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with ``header`` and ``rows``."""
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def write_clip(task: tuple[Path, str, int, int], seed: int) -> None:
    """Write the clip ``task`` names: path, true label, split, number. NO_LABEL: no samples."""
    path, label, split, index = task
    sound = np.zeros(0) if label == NO_LABEL else synthesise_clip(label, seed, split, index)
    write_wav(path, sound)


def synthesise(
    folder: str | Path, settings: Mapping[str, float], seed: int, threads: int = 1
) -> None:
    """Write the whole demo set to ``folder`` in the layout of FSDKaggle2018, and its truth.

    ``settings`` overrides DEFAULTS; ``threads`` is the number of processes. Raises EarmarkError
    for a setting that is unknown or out of range.
    """
    folder = Path(folder)
    train, test = draw_lists(settings, seed)
    tasks = [(folder / "audio_train" / c.fname, c.truth, TRAIN, i) for i, c in enumerate(train)]
    tasks += [(folder / "audio_test" / c.fname, c.label, TEST, i) for i, c in enumerate(test)]
    for name in ("audio_train", "audio_test"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    written = pools.parallel_map(partial(write_clip, seed=seed), tasks, threads)
    for _ in progress.track(written, len(tasks), "clips synthesised"):
        pass
    write_table(
        folder / "train.csv",
        ("fname", "label", "manually_verified"),
        ((clip.fname, clip.label, int(clip.verified)) for clip in train),
    )
    write_table(
        folder / "train_truth.csv",
        ("fname", "true_label"),
        ((clip.fname, clip.truth) for clip in train),
    )
    write_table(
        folder / "sample_submission.csv",
        ("fname", "label"),
        ((clip.fname, SUBMISSION) for clip in test),
    )
    write_table(
        folder / "test_post_competition.csv",
        ("fname", "label", "usage"),
        ((clip.fname, clip.label, clip.usage) for clip in test),
    )
