"""Labels and trainings that are hard to learn from: each works, or ends in a sentence.

``spoil`` takes a written data set (``tiny.TinySet``), changes its lists or sounds, and returns what
the config says on top of a tiny run. ``expected`` is part of the error's sentence; or "works", or
"works: " and part of what the log must tell.
"""

from collections.abc import Callable, Mapping
from typing import Any

from corpus import Kind
from tiny import TRAIN_HEADER, TinySet, write_rows

MUSIC, OTHERS = ("Cello", "Flute"), ("Bark", "Knock")
# (fname, label, verified)
Row = tuple[str, str, int]
Overlay = dict[str, Any]


def rows(change: Callable[[list[Row]], list[Row]], overlay: Mapping[str, Any] | None = None) -> Any:
    """A kind that edits the train list."""

    def spoil(made: TinySet) -> Overlay:
        made.train[:] = change(sorted(made.train, key=lambda row: (row[1], row[0])))
        write_rows(made.train_list, TRAIN_HEADER, made.train)
        return dict(overlay or {})

    return spoil


def config(overlay: Mapping[str, Any]) -> Callable[[TinySet], Overlay]:
    """A kind that is in the config alone."""
    return lambda made: dict(overlay)


def verified(which: Callable[[str, int], bool]) -> Any:
    """Set who is verified: ``which(label, number)`` counts the clips of each label from 0."""

    def change(train: list[Row]) -> list[Row]:
        counts: dict[str, int] = {}
        found = []
        for fname, label, _ in train:
            number = counts[label] = counts.get(label, -1) + 1
            found.append((fname, label, int(which(label, number))))
        return found

    return change


def first_of(most: Mapping[str, int]) -> Callable[[list[Row]], list[Row]]:
    """Keep so many clips of these labels, the first of each verified."""

    def change(train: list[Row]) -> list[Row]:
        counts: dict[str, int] = {}
        found = []
        for fname, label, flag in train:
            number = counts[label] = counts.get(label, -1) + 1
            if number < most.get(label, len(train)):
                found.append((fname, label, 1 if number == 0 else flag))
        return found

    return change


def renamed(names: Mapping[str, str]) -> Callable[[list[Row]], list[Row]]:
    return lambda train: [(fname, names.get(label, label), flag) for fname, label, flag in train]


def same_sound(made: TinySet, among: int) -> Overlay:
    """The first ``among`` train clips are copies of one file."""
    first, *others = [made.audio_train / fname for fname, _, _ in sorted(made.train)[:among]]
    for path in others:
        path.write_bytes(first.read_bytes())
    return {}


def recipe(**settings: float) -> Callable[[TinySet], Overlay]:
    return config({"recipes": {name: settings for name in ("vgg", "adjust")}})


def bounds(**settings: float) -> Callable[[TinySet], Overlay]:
    return config({"selftraining": {"short": settings}})


ONE_SCHEME = {"spreading": {"latent_two": {"scheme": "one"}}}
NO_VERIFIED = "has no usable verified clip"

KINDS = [
    Kind(
        "one class in the whole set",
        "there is nothing to tell apart",
        rows(lambda train: [row for row in train if row[1] == "Cello"]),
    ),
    Kind("no clip verified", NO_VERIFIED, rows(verified(lambda label, number: False))),
    Kind(
        "a group without a verified clip",
        NO_VERIFIED,
        rows(verified(lambda label, number: label in MUSIC)),
    ),
    Kind(
        "a class without a verified clip",
        NO_VERIFIED,
        rows(verified(lambda label, number: label != "Knock")),
    ),
    Kind(
        "a label in no group of the scheme",
        "is in no group of the scheme 'two'",
        rows(renamed({"Cello": "Theremin"}), {"spreading": {"latent_two": {"scheme": "two"}}}),
    ),
    Kind(
        "a held-out fold that is not drawn",
        "has 2, but the folds are 0, 1",
        config({"systems": {"vgg_fewer": {"folds": [2]}}}),
    ),
    Kind(
        "a group with one class",
        "works: cannot confirm labels in a group with one class",
        rows(lambda train: [row for row in train if row[1] != "Flute"]),
    ),
    Kind("a group with one clip", "works", rows(first_of({"Cello": 1, "Flute": 0}))),
    Kind("a class with one clip", "works", rows(first_of({"Cello": 1}))),
    Kind(
        "each class with one clip",
        "works: has no validation clips",
        rows(first_of(dict.fromkeys((*MUSIC, *OTHERS), 1))),
    ),
    Kind(
        "more folds than clips",
        "works: No verified clip is held out for",
        config({"folds": 60, "systems": {"vgg_fewer": {"folds": [59]}}}),
    ),
    Kind("every clip verified", "works", rows(verified(lambda label, number: True))),
    Kind(
        "a held-out fold without a verified clip",
        "works: has no validation clips",
        rows(verified(lambda label, number: number == 0)),
    ),
    Kind("two classes, fewer than guesses", "works", rows(first_of({"Flute": 0, "Knock": 0}))),
    Kind(
        "a spreading that promotes nothing",
        "works: too far from all verified clips",
        config({"spreading": {"latent_two": {"gamma": 1.0e12}}}),
    ),
    Kind(
        "two clips with the same sound and different labels",
        "works",
        lambda made: same_sound(made, 2),
    ),
    Kind("all clips with the same sound", "works", lambda made: same_sound(made, len(made.train))),
    Kind(
        "labels that look like formulas, tags or patterns",
        "works",
        rows(
            renamed(
                {
                    "Cello": r"$\frac$",
                    "Flute": "<b>&amp",
                    "Bark": "a, b*[c] / d",
                    "Knock": "猫{0}%s",
                }
            ),
            ONE_SCHEME,
        ),
    ),
    Kind("a label that is long", "works", rows(renamed({"Cello": "x" * 100}), ONE_SCHEME)),
    Kind(
        "a round of self-training that no clip passes",
        "works: round 1 adds no clip",
        bounds(lower_first=0.999, lower_last=0.999, upper=1.0),
    ),
    Kind(
        "a round of self-training that every clip passes",
        "works",
        bounds(lower_first=0.0, lower_last=0.0, upper=1.0),
    ),
    Kind(
        "a learning rate far too high",
        "lower the recipe's learning_rate (1e+30)",
        recipe(learning_rate=1.0e30),
    ),
    Kind(
        "a learning rate far too low",
        "works: learned nothing",
        recipe(learning_rate=1.0e-30),
    ),
    Kind(
        "fewer clips than a batch",
        "works",
        recipe(batch_clips=500),
    ),
]
