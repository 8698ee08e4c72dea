"""Verified train clips as judges: each is predicted by the models whose fold held it out.

What is measured so flatters a little: early stopping and a weighted mean look at the same clips,
and label spreading knew their labels when it promoted others. It stands in for a truth of the test
clips.
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from earmark import ensemble, metrics
from earmark.features import store
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Held-out fold -> prediction file of the model that held it out.
Files = Mapping[int, str]


def files_of(members: Sequence[str], folds: Mapping[str, Sequence[int]]) -> dict[str, Files]:
    """Sort the flat list of prediction files: system -> fold -> file.

    ``folds`` lists each system's folds in the order of its files.
    """
    wanted = [(system, fold) for system, own in folds.items() for fold in own]
    if len(wanted) != len(members):
        raise ValueError(f"There are {len(members)} prediction files for {len(wanted)} models.")
    found: dict[str, dict[int, str]] = {system: {} for system in folds}
    for (system, fold), path in zip(wanted, members, strict=True):
        found[system][fold] = path
    return dict(found)


def judges_of(clips: pd.DataFrame, fold: int) -> pd.DataFrame:
    """Rows of the manifest: the verified clips of ``fold``."""
    return clips[(clips["fold"] == fold) & (clips["verified"] == 1)]


def validation_score(clips: pd.DataFrame, files: Files) -> float:
    """MAP@3 on the verified clips that each fold's model did not see."""
    probabilities: list[np.ndarray] = []
    labels: list[int] = []
    for fold, path in files.items():
        judges = judges_of(clips, fold)
        found, classes = store.read_predictions(path, judges["fname"].tolist())
        probabilities.append(found)
        labels += [classes.index(label) for label in judges["label"]]
    return metrics.map_at_3(np.concatenate(probabilities), labels)


def weighing_scores(
    clips: pd.DataFrame, members: Mapping[str, Files], kind: str
) -> list[float] | None:
    """Each member's score on all of its own folds for a weighted mean; None for other means.

    A member whose folds hold out no verified clip has no score (NaN), and that is told.
    """
    if kind != "weighted":
        return None
    scores = [validation_score(clips, files) for files in members.values()]
    without = [name for name, score in zip(members, scores, strict=True) if np.isnan(score)]
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


def average_precision(
    clips: pd.DataFrame, members: Mapping[str, Files], kind: str, exponent: float, entry: str
) -> pd.DataFrame:
    """Return fname, average_precision of the judges of every fold that all ``members`` held out.

    The members' probabilities are combined as ``entry`` combines them on test clips; in a weighted
    mean each member weighs by its score on all of its own folds. Raises EarmarkError when the
    members share no fold, or their folds have no verified clip.
    """
    shared = [
        fold
        for fold in next(iter(members.values()))
        if all(fold in files for files in members.values())
    ]
    if not shared:
        raise EarmarkError(
            f"The members of {entry} ({', '.join(members)}) hold out no fold in common, so no clip "
            f"is new to all of them. Give their systems a fold that all of them list."
        )
    scores = weighing_scores(clips, members, kind)
    parts = []
    for fold in shared:
        judges = judges_of(clips, fold)
        if judges.empty:
            continue
        read = [
            store.read_predictions(files[fold], judges["fname"].tolist())
            for files in members.values()
        ]
        classes = same_classes([names for _, names in read], entry)
        found = ensemble.combine(kind, [values for values, _ in read], scores, exponent)
        truth = np.array([classes.index(label) for label in judges["label"]])
        values = metrics.average_precision(metrics.top_classes(found), truth)
        parts.append(pd.DataFrame({"fname": judges["fname"], "average_precision": values}))
    if not parts:
        raise EarmarkError(
            f"The folds that {entry} holds out ({', '.join(map(str, shared))}) have no verified "
            f"clip to judge by. Verify some clips, or use fewer folds."
        )
    return pd.concat(parts, ignore_index=True)


def same_classes(found: Sequence[list[str]], entry: str) -> list[str]:
    """Return the class names that all members of ``entry`` have."""
    if any(names != found[0] for names in found):
        raise ValueError(f"The members of {entry} were trained on different classes.")
    return found[0]
