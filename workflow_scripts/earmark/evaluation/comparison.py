"""Standard errors of MAP@3, and confidence intervals of the difference of two systems.

Both systems guess the same clips, and a clip that is hard for one is mostly hard for the other.
So differences are taken clip by clip, and clips are resampled with replacement (paired bootstrap;
Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16). Scores vary with the
clips and with the training's seed. Seeds are averaged first, which equals resampling the same clips
for all seeds, as means are linear. Clips of one recording are drawn together.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from earmark.inference import metrics
from earmark.runtime.errors import EarmarkError

RESAMPLES = 10_000


class Summary(NamedTuple):
    """A system's mean and its uncertainty.

    ``clip_error``: standard error over clips, of each clip's mean over seeds.
    ``seed_deviation``: sample standard deviation of the seeds' means; NaN for one seed.
    """

    mean: float
    clip_error: float
    seed_deviation: float


class Difference(NamedTuple):
    """A difference of two means and its 95 % interval, which is NaN for a single clip."""

    difference: float
    low: float
    high: float


def summarise(values: np.ndarray) -> Summary:
    """Summary of average precisions (seeds, clips)."""
    mean, error = metrics.mean_and_error(values.mean(axis=0))
    seeds = values.mean(axis=1)
    return Summary(mean, error, float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan"))


def paired_bootstrap(
    values: np.ndarray,
    other: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
    recordings: np.ndarray | None = None,
) -> Difference:
    """The difference ``values`` - ``other`` of average precisions, with its percentile interval.

    Both are (seeds, clips), of the same clips; ``recordings`` (clips,) are drawn if they are given,
    or else clips. The same ``seed`` gives the same result.
    """
    differences = values.mean(axis=0) - other.mean(axis=0)
    mean = float(differences.mean())
    codes = np.arange(len(differences))
    if recordings is not None:
        codes = np.unique(recordings, return_inverse=True)[1]
    sums, counts = np.bincount(codes, differences), np.bincount(codes)
    if len(sums) < 2:
        return Difference(mean, float("nan"), float("nan"))
    interval = stats.bootstrap(
        (sums, counts),
        lambda drawn, sizes, axis: drawn.sum(axis=axis) / sizes.sum(axis=axis),
        paired=True,
        n_resamples=resamples,
        batch=1000,  # resamples at a time, to limit memory
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Difference(mean, float(interval.low), float(interval.high))


def compare(
    scores: pd.DataFrame, system: str, other: str, folds: pd.DataFrame, by_class: bool = True
) -> pd.DataFrame:
    """The differences ``system`` - ``other`` of MAP@3 and accuracy: of all clips, and per class.

    ``scores`` are rows of ``scoring.read_clip_scores``. Those of train clips have labels, and
    recordings in ``folds``; of test clips there is only the first row, whose label is empty.
    Raises EarmarkError for systems that are not in ``scores``, or without clips in common.
    """
    sides: list[pd.DataFrame] = []
    for name in (system, other):
        rows = scores[scores["system"] == name]
        if rows.empty:
            there = ", ".join(scores["system"].unique())
            raise EarmarkError(f"There are no scores of {name}. Name one of: {there}.")
        sides.append(rows.pivot(index="seed", columns="clip", values="average_precision"))
    clips = sides[0].columns.intersection(sides[1].columns)
    if clips.empty:
        raise EarmarkError(
            f"{system} and {other} have no scored clip in common. Train both with the same folds."
        )
    values = np.stack([side[clips].to_numpy().mean(axis=0) for side in sides])
    hits = np.stack([(side[clips].to_numpy() == 1).mean(axis=0) for side in sides])
    recordings = clips.to_numpy()
    chosen = {"": np.arange(len(clips))}
    if "label" in scores.columns:
        labels = scores.drop_duplicates("clip").set_index("clip")["label"].reindex(clips).to_numpy()
        recordings = folds.set_index("clip")["recording"].reindex(clips).to_numpy()
        if by_class:
            chosen |= {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    rows = []
    for label, places in chosen.items():
        found = [
            paired_bootstrap(own[:1, places], own[1:, places], 1, recordings=recordings[places])
            for own in (values, hits)
        ]
        rows.append((label, len(places), *found[0], *found[1]))
    columns = ["label", "clips", "difference", "low", "high"]
    columns += ["accuracy_difference", "accuracy_low", "accuracy_high"]
    return pd.DataFrame(rows, columns=columns)


def sentence(compared: pd.DataFrame, system: str, other: str, on: str) -> str:
    """The first row of ``compare`` in words; ``on`` says which clips these are."""
    row = compared.iloc[0]
    return (
        f"{system} against {other} on {row['clips']} clips ({on}): MAP@3 {row['difference']:+.3f}, "
        f"95 % interval {row['low']:+.3f} to {row['high']:+.3f}; accuracy "
        f"{row['accuracy_difference']:+.1%}, {row['accuracy_low']:+.1%} to "
        f"{row['accuracy_high']:+.1%}."
    )
