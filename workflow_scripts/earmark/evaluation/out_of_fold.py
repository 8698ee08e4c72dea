"""Train clips as judges: each predicted by the model that held out its fold.

Verified ones are what scores are taken from. What is measured so flatters a little: early stopping
and a weighted mean look at the same clips, and label spreading knew their labels when it promoted
others. It stands in for a truth of the test clips.

Columns of out_of_fold.csv: system (or ensemble), seed, clip, fold, label (as it is learned from),
verified, guess_1 to guess_3 (best first), probability (of guess_1), label_probability.
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from earmark.evaluation import ensemble
from earmark.evaluation.predictions import Predictions, same_classes
from earmark.inference import metrics

log = logging.getLogger("earmark")

GUESSES = tuple(f"guess_{rank}" for rank in range(1, metrics.GUESSES + 1))
COLUMNS = (
    "system",
    "seed",
    "clip",
    "fold",
    "label",
    "verified",
    *GUESSES,
    "probability",
    "label_probability",
)
NUMBERS = {
    **dict.fromkeys(("seed", "fold", "verified"), int),
    **dict.fromkeys(("probability", "label_probability"), float),
}


def known_clips(members: Sequence[Predictions]) -> list[str]:
    """Clips that all members predict, in the first one's order."""
    known = [
        {name for name, row in zip(one.clips, one.probabilities, strict=True) if row[0] == row[0]}
        for one in members
    ]
    return [name for name in members[0].clips if all(name in own for own in known)]


def score(found: Predictions, labels: pd.DataFrame) -> float:
    """MAP@3 on the verified clips of ``labels`` that are predicted; NaN if there are none."""
    verified = labels[(labels["verified"] == 1) & labels["clip"].isin(known_clips([found]))]
    truth = [found.classes.index(label) for label in verified["label"]]
    return metrics.map_at_3(found.of(verified["clip"].tolist()), truth)


def weighing_scores(members: Mapping[str, Predictions], labels: pd.DataFrame) -> list[float]:
    """Each member's score on all of its own clips, for a weighted mean.

    A member whose folds hold out no verified clip has no score (NaN), and that is told.
    """
    scores = [score(found, labels) for found in members.values()]
    without = [name for name, value in zip(members, scores, strict=True) if np.isnan(value)]
    if without:
        log.warning(
            "No verified clip is held out for %s, so a weighted mean cannot tell how good it is: "
            "%s. Verify more clips, or use fewer folds.",
            ", ".join(without),
            "all members weigh alike"
            if len(without) == len(scores)
            else "it weighs nothing beside the others",
        )
    return scores


def combine(
    members: Mapping[str, Predictions], labels: pd.DataFrame, kind: str, exponent: float, entry: str
) -> Predictions:
    """The members' mean for the clips that all of them predict, as on test clips.

    In a weighted mean each member weighs by its score on all of its own clips.
    """
    clips = known_clips(list(members.values()))
    classes = same_classes(list(members.values()), entry)
    scores = weighing_scores(members, labels) if kind == "weighted" else None
    if not clips:
        log.warning(
            "The members of %s (%s) hold out no fold in common, so no clip is new to all of them. "
            "Give their systems a fold that all of them list.",
            entry,
            ", ".join(members),
        )
        return Predictions([], classes, np.zeros((0, len(classes))))
    values = [found.of(clips) for found in members.values()]
    return Predictions(clips, classes, ensemble.combine(kind, values, scores, exponent))


def rows(
    entry: str, seed: int, found: Predictions, labels: pd.DataFrame, folds: pd.DataFrame
) -> pd.DataFrame:
    """Rows of out_of_fold.csv of one system or ensemble: its predicted clips that have a label."""
    table = labels[labels["clip"].isin(found.clips)].merge(folds[["clip", "fold"]], on="clip")
    values = found.of(table["clip"].tolist())
    names = np.array(found.classes)
    best = metrics.top_classes(values)
    number = [found.classes.index(label) for label in table["label"]]
    guesses = {
        column: names[best[:, rank]] if rank < best.shape[1] else ""
        for rank, column in enumerate(GUESSES)
    }
    table = table.assign(
        system=entry,
        seed=seed,
        **guesses,
        probability=values.max(axis=1).round(6) if len(values) else [],
        label_probability=values[np.arange(len(table)), number].round(6),
    )
    return table[list(COLUMNS)]
