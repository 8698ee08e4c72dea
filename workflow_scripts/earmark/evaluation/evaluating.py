"""The tables of an evaluation: how good systems are, how sure that is, and where they fail.

Clips whose label is known judge: verified train clips, each predicted by the model that held out
its fold, or test clips. Guesses are those of the submission; ``nll``, ``ece`` and confidence are of
calibrated probabilities. docs/evaluation.md explains the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial import distance

from earmark.dataset import tables
from earmark.evaluation import calibration, class_scores
from earmark.evaluation.intervals import interval
from earmark.evaluation.predictions import Predictions
from earmark.inference import metrics

DIGITS = 6
MOST_ERRORS = 200
MEAN = "mean"


@dataclass(frozen=True)
class Judged:
    """What one system or ensemble, with one seed, says of clips whose label is known.

    ``clips`` has clip, label, recording, split (such as "fold 0"), fold. ``raw`` and ``calibrated``
    are probabilities (clips, classes); labels that no system knows are classes too.
    ``temperature`` is None for ensembles.
    """

    system: str
    seed: int
    clips: pd.DataFrame
    classes: list[str]
    raw: np.ndarray
    calibrated: np.ndarray
    temperature: float | None

    @property
    def truth(self) -> np.ndarray:
        """Class numbers (clips,)."""
        number = {label: place for place, label in enumerate(self.classes)}
        return np.array([number[label] for label in self.clips["label"]], dtype=int)

    @property
    def recordings(self) -> np.ndarray:
        """Numbers of recordings (clips,)."""
        return pd.factorize(self.clips["recording"])[0]


def judge(
    system: str,
    seed: int,
    clips: pd.DataFrame,
    raw: Predictions,
    calibrated: Predictions,
    temperature: float | None,
) -> Judged:
    """The ``Judged`` of predictions for ``clips``, which may have labels of no class."""
    unknown = sorted(set(clips["label"]) - set(raw.classes))
    clips = clips.reset_index(drop=True)

    def values(of: Predictions) -> np.ndarray:
        found = of.of(clips["clip"].tolist()).astype(np.float64)
        return np.pad(found, ((0, 0), (0, len(unknown))))

    both = values(raw), values(calibrated)
    return Judged(system, seed, clips, [*raw.classes, *unknown], *both, temperature)


def write(
    folder: str | Path,
    judged: Sequence[Judged],
    shown: str,
    clips_table: pd.DataFrame,
    remarks: Sequence[str],
) -> pd.DataFrame:
    """Write the tables to a folder; return the scores.

    The confusion matrix and errors are those of the system or ensemble ``shown``. ``clips_table``
    says where clips are.
    """
    of_shown = [one for one in judged if one.system == shown]
    made = {
        "scores": scores(judged),
        "classes": _of_each(judged, classes),
        "confusion": confusion(of_shown),
        "reliability": _of_each(judged, reliability),
        "errors": errors(of_shown[0], clips_table),
        "remarks": pd.DataFrame({"remark": list(remarks)}, dtype=str),
    }
    for name, table in made.items():
        tables.write_table(table.round(DIGITS), Path(folder) / f"{name}.csv")
    return made["scores"]


def scores(judged: Sequence[Judged]) -> pd.DataFrame:
    """A row per system, seed and split, and one for the mean over seeds, if there are several."""
    rows = []
    for system in dict.fromkeys(one.system for one in judged):
        seeds = [one for one in judged if one.system == system]
        clips, recordings = seeds[0].clips, seeds[0].recordings
        splits = dict.fromkeys(clips.sort_values("fold", kind="stable")["split"])
        for split in ("all", *(name for name in splits if name)):
            chosen = np.flatnonzero((clips["split"] == split) | (split == "all"))
            found: dict[int | str, dict[str, Any]] = {
                one.seed: _scores(one, chosen) for one in seeds
            }
            if len(seeds) > 1:
                names, of_seeds = found[seeds[0].seed], list(found.values())
                found[MEAN] = {k: np.mean([one[k] for one in of_seeds], axis=0) for k in names}
            for seed, values in found.items():
                row = {"system": system, "seed": seed, "split": split, "clips": len(chosen)}
                row["recordings"] = len(set(recordings[chosen]))
                for name, value in values.items():
                    if name in class_scores.METRICS:
                        row |= class_scores.with_interval(name, value, recordings[chosen])
                    else:
                        row[name] = value
                rows.append(row)
    return pd.DataFrame(rows)


def _scores(one: Judged, chosen: np.ndarray) -> dict[str, Any]:
    """Values of the ``chosen`` clips for ``class_scores.METRICS``, and numbers for the others."""
    truth, raw, calibrated = one.truth[chosen], one.raw[chosen], one.calibrated[chosen]
    return {
        **class_scores.clip_values(truth, raw),
        "nll": calibration.mean_loss(calibrated, truth),
        "ece": calibration.expected_error(calibrated, truth),
        "nll_before": calibration.mean_loss(raw, truth),
        "ece_before": calibration.expected_error(raw, truth),
        "temperature": np.nan if one.temperature is None else one.temperature,
    }


def _of_each(judged: Sequence[Judged], make: Any) -> pd.DataFrame:
    parts = [make(one) for one in judged]
    for one, part in zip(judged, parts, strict=True):
        part.insert(0, "system", one.system)
        part.insert(1, "seed", one.seed)
    return pd.concat(parts, ignore_index=True)


def classes(one: Judged) -> pd.DataFrame:
    """A row per class: clips, precision, recall, F1 and average precision, with intervals."""
    return class_scores.table(one.truth, one.raw, one.recordings, one.classes)


def reliability(one: Judged) -> pd.DataFrame:
    """Mean confidence and accuracy, with its interval, in bins of equal mass by confidence."""
    confidence = one.calibrated.max(axis=1)
    hits = (one.calibrated.argmax(axis=1) == one.truth).astype(float)
    rows = []
    for number, chosen in enumerate(calibration.equal_bins(confidence)):
        low, high = interval(hits[chosen], one.recordings[chosen])
        row = (number, len(chosen), confidence[chosen].mean(), hits[chosen].mean(), low, high)
        rows.append(row)
    columns = ["bin", "clips", "confidence", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def confusion(judged: Sequence[Judged]) -> pd.DataFrame:
    """Counts of (label, guess) by seed, in an order in which classes that are confused are near.

    ``share`` is of the label's clips. Zeros are left out, but for the diagonal.
    """
    counts = [_counts(one) for one in judged]
    order = cluster(np.sum(counts, axis=0))
    rows = []
    for one, matrix in zip(judged, counts, strict=True):
        of_label = matrix.sum(axis=1)
        for row in order:
            for column in order:
                count = matrix[row, column]
                if count or row == column:
                    share = count / of_label[row] if of_label[row] else float("nan")
                    names = (one.classes[row], one.classes[column])
                    rows.append((one.system, one.seed, *names, count, share))
    columns = ["system", "seed", "label", "guess", "clips", "share"]
    return pd.DataFrame(rows, columns=columns)


def _counts(one: Judged) -> np.ndarray:
    matrix = np.zeros((len(one.classes), len(one.classes)), dtype=int)
    np.add.at(matrix, (one.truth, metrics.top_classes(one.raw, 1)[:, 0]), 1)
    return matrix


def cluster(counts: np.ndarray) -> list[int]:
    """An order of the classes of a confusion matrix (label, guess): confused ones are neighbours.

    Leaves of average linkage, optimally ordered (Bar-Joseph et al. 2001), by shares of confusions
    in both directions.
    """
    if len(counts) < 3:
        return list(range(len(counts)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    apart = 1 - (shares + shares.T) / 2
    np.fill_diagonal(apart, 0)
    linked = hierarchy.linkage(distance.squareform(apart), "average", optimal_ordering=True)
    return [int(leaf) for leaf in hierarchy.leaves_list(linked)]


def errors(one: Judged, clips_table: pd.DataFrame) -> pd.DataFrame:
    """The clips whose first guess is wrong, the most confident first; at most ``MOST_ERRORS``."""
    best = metrics.top_classes(one.raw)
    probabilities = np.take_along_axis(one.calibrated, best, axis=1)
    wrong = np.flatnonzero(best[:, 0] != one.truth)
    wrong = wrong[np.argsort(-probabilities[wrong, 0], kind="stable")][:MOST_ERRORS]
    table = one.clips.iloc[wrong][["clip", "fold", "label"]].merge(
        clips_table[["clip", "file", "start", "end"]], on="clip", how="left"
    )
    table = table[["clip", "file", "start", "end", "fold", "label"]]
    # With two classes, the third guess is empty.
    names = np.array(one.classes)[best[wrong]]
    for kind, values, empty in (
        ("guess", names, ""),
        ("probability", probabilities[wrong], np.nan),
    ):
        for rank in range(metrics.GUESSES):
            there = rank < best.shape[1]
            table[f"{kind}_{rank + 1}"] = values[:, rank] if there else empty
    table["label_probability"] = one.calibrated[wrong, one.truth[wrong]]
    table.insert(0, "system", one.system)
    table.insert(1, "seed", one.seed)
    return table
