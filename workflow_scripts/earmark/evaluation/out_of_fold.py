"""Out-of-fold predictions: each train clip predicted by the model that held out its fold.

Only verified clips are scored. Their scores replace those of test clips whose ground truth is not
known, and are a little too high: early stopping and weighted means use the same clips, and label
spreading used their labels to promote others.

Columns of out_of_fold.csv: system (or ensemble), seed, clip, fold, label (from labels.csv),
verified, guess_1 to guess_3 (best first), probability (of guess_1), label_probability.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.evaluation import calibration, ensemble
from earmark.evaluation.calibration import Calibration
from earmark.evaluation.predictions import Predictions
from earmark.inference import metrics

log = logging.getLogger("earmark")

GUESS_COLUMNS = tuple(f"guess_{rank}" for rank in range(1, metrics.GUESSES + 1))
COLUMNS = (
    "system",
    "seed",
    "clip",
    "fold",
    "label",
    "verified",
    *GUESS_COLUMNS,
    "probability",
    "label_probability",
)
NUMBERS = {
    **dict.fromkeys(("seed", "fold", "verified"), int),
    **dict.fromkeys(("probability", "label_probability"), float),
}


def predicted_clips(members: Sequence[Predictions]) -> list[str]:
    """Clips that all members predict, in the first one's order."""
    predicted = [set(np.array(one.clips)[~np.isnan(one.probabilities[:, 0])]) for one in members]
    return [name for name in members[0].clips if all(name in clips for clips in predicted)]


def with_truth(member: Predictions, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, classes) of the clips of ``rows``, and the class numbers (n,) of labels."""
    truth = np.array([member.classes.index(label) for label in rows["label"]], dtype=int)
    return member.of(rows["clip"].tolist()), truth


def score(member: Predictions, labels: pd.DataFrame) -> float:
    """MAP@3 on the verified clips of ``labels`` that are predicted; NaN if there are none."""
    return metrics.map_at_3(*_verified(member, labels))


def calibrate(member: Predictions, labels: pd.DataFrame) -> Calibration:
    """What the verified clips of ``labels`` that are predicted say of a system."""
    values, truth = _verified(member, labels)
    map3 = metrics.map_at_3(values, truth) if len(truth) else None
    return Calibration(len(truth), calibration.fit(values, truth), map3)


def _verified(member: Predictions, labels: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """``with_truth`` of the verified clips that are predicted."""
    predicted = predicted_clips([member])
    return with_truth(member, labels[(labels["verified"] == 1) & labels["clip"].isin(predicted)])


def weighing_scores(members: Mapping[str, Predictions], labels: pd.DataFrame) -> list[float]:
    """Each member's score on all of its own clips, for a weighted mean.

    A member whose folds hold out no verified clip has no score (NaN); the log warns of it.
    """
    scores = [score(member, labels) for member in members.values()]
    without = [name for name, value in zip(members, scores, strict=True) if np.isnan(value)]
    if without:
        log.warning(
            "No verified clip is held out for %s, so it has no score for a weighted mean: its "
            "weight is 0, or, where no member has a score, that of the others. Verify more clips, "
            "or use fewer folds.",
            ", ".join(without),
        )
    return scores


def combine(
    name: str, settings: Mapping[str, Any], members: Mapping[str, Predictions], labels: pd.DataFrame
) -> Predictions:
    """The members' mean, as on test clips, for the clips that all of them predict.

    ``name`` is the system or ensemble, whose ``settings`` have ``kind`` and ``exponent``.
    """
    clips = predicted_clips(list(members.values()))
    if not clips:
        log.warning(
            "The members of %s (%s) hold out no fold in common, so no clip is new to all of them. "
            "Give their systems a fold that all of them list.",
            name,
            ", ".join(members),
        )
    scores = weighing_scores(members, labels) if settings["kind"] == "weighted" else None
    return ensemble.combine_predictions(name, settings, members, clips, scores)


def paired_scores(
    entries: Mapping[str, Mapping[str, Any]],
    by_system: Mapping[str, Predictions],
    labels: pd.DataFrame,
    folds: pd.DataFrame,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Average precisions (n,) of systems and ensembles on the verified clips that all of them
    predict, and the recordings (n,) of these. ``entries`` are settings by name.
    """
    means = {
        name: combine(name, one, {member: by_system[member] for member in one["members"]}, labels)
        for name, one in entries.items()
    }
    clips = predicted_clips(list(means.values()))
    table = labels[(labels["verified"] == 1) & labels["clip"].isin(clips)].merge(folds, on="clip")
    values = {}
    for name, mean in means.items():
        probabilities, truth = with_truth(mean, table)
        values[name] = metrics.average_precision(metrics.top_classes(probabilities), truth)
    return values, table["recording"].to_numpy()


def rows(
    name: str, seed: int, predicted: Predictions, labels: pd.DataFrame, folds: pd.DataFrame
) -> pd.DataFrame:
    """Rows of out_of_fold.csv of one system or ensemble: its predicted clips that have a label."""
    table = labels[labels["clip"].isin(predicted.clips)].merge(folds[["clip", "fold"]], on="clip")
    values = predicted.of(table["clip"].tolist())
    # With two classes, the third guess is empty.
    class_names = np.array([*predicted.classes, *[""] * metrics.GUESSES])
    best = metrics.top_classes(values)
    best = np.pad(best, ((0, 0), (0, metrics.GUESSES - best.shape[1])), constant_values=-1)
    number = [predicted.classes.index(label) for label in table["label"]]
    table = table.assign(
        system=name,
        seed=seed,
        **dict(zip(GUESS_COLUMNS, class_names[best].T, strict=True)),
        probability=values.max(axis=1, initial=0).round(6),
        label_probability=values[np.arange(len(table)), number].round(6),
    )
    return table[list(COLUMNS)]
