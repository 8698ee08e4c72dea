"""The numbers of the report.

Misprints are corrected here and listed in docs/departures.md; counts that are off by one stay as
they were printed. Accuracies are shares in [0, 1].
"""

from typing import NamedTuple

TOGETHER = "together"


class GroupRow(NamedTuple):
    """Counts of one group before and after label spreading; None where the report gives none."""

    group: str
    clips: int
    verified: int | None
    verified_after: int
    percent: float


TRAIN_CLIPS = 9473
"""Train clips of FSDKaggle2018, which the group tables count (report, section 1)."""

TEST_CLIPS, TEST_ERROR = 301, 0.014
"""Public test clips, on which MAP@3 is reported, and its standard error there (section 8)."""

_MUSIC = GroupRow("music", 4827, 2069, 3054, 63.27)
_CREATURE = GroupRow("creature", 2464, 708, 1340, 54.38)
_NON_HUMAN = GroupRow("non_human", 2182, 934, 1334, 61.14)

GROUP_TABLES: dict[str, tuple[GroupRow, ...]] = {
    "one": (GroupRow("all", TRAIN_CLIPS, 3710, 5174, 54.62),),
    "two": (
        _MUSIC,
        GroupRow("non_music", 4646, 1642, 2395, 51.55),
        GroupRow(TOGETHER, TRAIN_CLIPS, None, 5449, 57.52),
    ),
    "three": (
        _MUSIC,
        _CREATURE,
        _NON_HUMAN,
        GroupRow(TOGETHER, TRAIN_CLIPS, None, 5728, 60.47),
    ),
    "five": (
        GroupRow("musical", 1779, 853, 1295, 72.79),
        GroupRow("strings", 1200, 572, 811, 67.58),
        GroupRow("percussion", 1848, 644, 1162, 62.88),
        _CREATURE,
        _NON_HUMAN,
        GroupRow(TOGETHER, TRAIN_CLIPS, None, 5942, 62.73),
    ),
}
"""Group scheme -> rows: all clips, verified, verified after spreading, percent (report, section 4).

The report gives no verified count of all groups together.
"""


class RoundRow(NamedTuple):
    """One iteration of self-training; ``number`` is Earmark's round, None for the best of all."""

    number: int | None
    clips: int | None
    train_accuracy: float | None
    validation_accuracy: float | None


SELFTRAINING: dict[str, tuple[RoundRow, ...]] = {
    # The report's iteration 1 is the base training: round 0 here.
    "A": (
        RoundRow(0, 5449, 0.5687, 0.0368),
        RoundRow(1, 6118, 0.8635, 0.7610),
        RoundRow(2, 6109, 0.8801, 0.8346),
        RoundRow(None, None, 0.9012, 0.8474),
    ),
    # Its iteration 1 has pseudo-labels already (3,137 of an untrained network): round 1 here.
    "B": (
        RoundRow(1, 8042, None, None),
        RoundRow(30, 5022, None, None),
        RoundRow(None, None, 0.9798, 0.8787),
    ),
}
"""Setting -> the rows that are known (report, section 6)."""
