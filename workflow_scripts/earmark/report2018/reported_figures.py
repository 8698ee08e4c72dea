"""The report's own figures, and where Earmark departs from the report or had to read between lines.

Misprints are corrected here and listed in ``DISCREPANCIES``; counts that are off by one stay as
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


class Discrepancy(NamedTuple):
    """What the report or its code did, what Earmark does, and the option for the report's way.

    ``section`` is the report's, as this project numbers them.
    """

    section: int
    report: str
    earmark: str
    option: str


DISCREPANCIES = (
    Discrepancy(
        1,
        "The challenge's sample submission spells a class `Hi-Hat`.",
        "Guesses carry the train list's spelling, `Hi-hat`.",
        "None: the other spelling is no class.",
    ),
    Discrepancy(
        2,
        "An empty or silent clip became a picture that is loudest everywhere.",
        "It becomes a picture of floor everywhere.",
        "`features.*.silence: loudest`",
    ),
    Discrepancy(
        2,
        "Each clip's range of levels was stretched to 0..255, so its quietest value was floor.",
        "The floor lies a fixed range below the clip's loudest value (80 dB).",
        "`features.*.stretch: true`",
    ),
    Discrepancy(
        3,
        "Latents were taken with the autoencoder in training mode, so that a clip's depended on "
        "the other clips of its batch.",
        "They are taken in evaluation mode.",
        "`autoencoders.*.latents_mode: training`",
    ),
    Discrepancy(
        4,
        "The code divided the latents by 80 once more: gamma 20 is 20/6400 on the latents "
        "themselves.",
        "The divisor is a setting, 1.0 if nothing else is said.",
        "`spreading.*.latent_divisor: 80.0` with `gamma: 20.0`",
    ),
    Discrepancy(
        4,
        "A clip that no verified clip reaches through the kernel got the first class, and was "
        "promoted if that was its label.",
        "It is undecided, is never promoted, and is counted in the tables.",
        "`spreading.*.isolated: first_class`",
    ),
    Discrepancy(
        4,
        "2,069 verified music clips and 644 verified percussion clips: one too many each.",
        "Counts come from the list: 2,068 and 643. The reported columns keep the report's.",
        "None: a slip in counting.",
    ),
    Discrepancy(
        4,
        "The figures 4626 and 62.13 are misprints, of 4646 clips and, it seems, of 62.73 %.",
        "The reported columns have the corrected figures, which sums and shares confirm.",
        "None: misprints.",
    ),
    Discrepancy(
        4,
        "The t-SNE figures left out some classes.",
        "The classes are split over the panels so that all are drawn.",
        "None: nothing depends on it.",
    ),
    Discrepancy(
        5,
        "`vgg_more` has more layers, but fewer weights than `vgg_fewer` (1,112,121 and "
        "1,265,385 parameters with the statistics).",
        "Both keep the report's names.",
        "None needed: the same networks.",
    ),
    Discrepancy(
        5,
        'The row "longer frequency window" can mean kernels that are tall in frequency, or a '
        "longer window of the Fourier transform.",
        "Both are run, a row each.",
        "None needed: `cnn2d_tall`, and a feature with more `window_samples`.",
    ),
    Discrepancy(
        6,
        "Setting B chose its first 3,137 pseudo-labels with a network that was not trained yet.",
        "The network is trained on the base first.",
        "`selftraining.*.start: untrained`",
    ),
    Discrepancy(
        6,
        "The validation clips have noisy labels, and are reused.",
        "Verified clips alone validate.",
        "`systems.*.validation: all`",
    ),
    Discrepancy(
        6,
        '"Iteration 1" of setting A trains on the 5,449 clips of the base alone.',
        "That is round 0 in the table; the report's iterations 2 and 3 are rounds 1 and 2. In "
        "setting B iteration 1 is round 1.",
        "None needed: a matter of numbering.",
    ),
    Discrepancy(
        6,
        "Setting A counts 5,449 clips, the whole base. Setting B's 8,042 less the 3,137 "
        "pseudo-labels are 4,905, nine tenths of the base.",
        "Clips are counted as trained on, without the held-out fold.",
        "None: a matter of counting.",
    ),
    Discrepancy(
        6,
        "The lower threshold rises from 0.35 to 0.65 by 0.01 an iteration, in at most 30 "
        "iterations: the last one has 0.64.",
        "The step is 0.01, and 0.65 is the limit it never reaches.",
        "None needed: `selftraining.*.lower_step` sets another rise.",
    ),
    Discrepancy(
        7,
        'The ensemble "GM" is no geometric mean but the sum of p^0.25, a power mean.',
        "Both exist, each by its name.",
        "`ensembles.*`: `kind: power`, `exponent: 0.25`",
    ),
    Discrepancy(
        8,
        "Systems are compared by their public score: 301 clips, a standard error of 0.014.",
        "All 1,600 scored clips count, the public and private parts stand beside it, and "
        "differences come with an interval.",
        "None needed: the column of the public part.",
    ),
    Discrepancy(
        8,
        "The best ensemble is given as .911. Scored again with the published truth it has .912 "
        "public, .863 private and .872 on all 1,600 clips.",
        "The figure on all clips is the one to compare with.",
        "None: the challenge's score and the published truth differ.",
    ),
    Discrepancy(
        8,
        '"VGG fewer" stands there with two scores, .835 and .843, without a reason.',
        "Two systems with the same settings, a row each: they differ in their seed alone.",
        "None needed: a system's name is part of its seed.",
    ),
    Discrepancy(
        8,
        'It is not said how "the autoencoder\'s promoted set" (.879) differs from "the '
        'music/non-music set" (.785, .835, .843).',
        "Read as labels spread in latent space, and labels spread in spectrogram space.",
        "None: a reading.",
    ),
    Discrepancy(
        8,
        "The six members of the ensemble above .8 are not named.",
        "Six systems of the kinds that the report has above .8.",
        "`ensembles.*.members`: ours are a reading.",
    ),
    Discrepancy(
        8,
        'The ensemble "four semi + train" names no members.',
        "Read as two self-trained systems (settings A and B) and two trained ones.",
        "`ensembles.*.members`: ours are a reading.",
    ),
)
"""Every known departure from the report, in the order of its sections."""
