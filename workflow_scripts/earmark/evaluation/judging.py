"""Which clips judge a system, by which predictions, and what is to be said about that."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from earmark.evaluation import calibration, combining, ensemble, evaluating, out_of_fold
from earmark.evaluation.calibration import Calibration
from earmark.evaluation.evaluating import Judged
from earmark.evaluation.intervals import variance_of_mean
from earmark.evaluation.predictions import Predictions
from earmark.inference import metrics

log = logging.getLogger("earmark")

NO_TRUTH = "There are no test clips with known labels, so all scores are out of fold."
Entries = Mapping[str, Mapping[str, Any]]


def held_out(
    entries: Entries,
    seed: int,
    by_system: Mapping[str, Predictions],
    labels: pd.DataFrame,
    folds: pd.DataFrame,
) -> list[Judged]:
    """Systems and ensembles on their verified clips, out of fold.

    ``entries`` are settings of ensembles by name. Each clip's probabilities are calibrated by a
    temperature that was fitted on other folds (see ``calibration.cross_fitted``).
    """
    verified = labels[labels["verified"] == 1].merge(folds, on="clip")
    verified = verified.assign(split="fold " + verified["fold"].astype(str))
    fitted, temperature = {}, {}
    for name, predicted in by_system.items():
        rows = verified[verified["clip"].isin(out_of_fold.predicted_clips([predicted]))]
        values, truth = out_of_fold.with_truth(predicted, rows)
        temperature[name] = calibration.fit(values, truth)
        temperatures = calibration.cross_fitted(
            values, truth, rows["fold"].to_numpy(), rows["recording"].tolist()
        )
        clips, values = rows["clip"].tolist(), calibration.calibrated(values, temperatures[:, None])
        fitted[name] = replace(predicted, clips=clips, probabilities=values)
    judged = []
    for name, settings in entries.items():
        members = {member: by_system[member] for member in settings["members"]}
        raw = out_of_fold.combine(name, settings, members, labels)
        clips = verified[verified["clip"].isin(raw.clips)]
        scores = None
        if settings["kind"] == "weighted":
            scores = out_of_fold.weighing_scores(members, labels)
        calibrated = ensemble.combine_predictions(
            name,
            settings,
            {member: fitted[member] for member in members},
            clips["clip"].tolist(),
            scores,
        )
        judged.append(evaluating.judge(name, seed, clips, raw, calibrated, temperature.get(name)))
    return judged


def tested(
    entries: Entries,
    seed: int,
    by_system: Mapping[str, Predictions],
    calibrations: Mapping[str, Calibration],
    truth: pd.DataFrame,
) -> list[Judged]:
    """Systems and ensembles on test clips; ``truth`` has clip, label and usage."""
    clips = truth.assign(recording=truth["clip"], split=truth["usage"], fold="")
    return [
        evaluating.judge(
            name,
            seed,
            clips,
            combining.combine(name, settings, by_system, calibrations),
            combining.combine(name, settings, by_system, calibrations, calibrated=True),
            calibrations[name].temperature if name in calibrations else None,
        )
        for name, settings in entries.items()
    ]


def remarks(judged: Sequence[Judged], labels: pd.DataFrame, cfg: Mapping[str, Any]) -> list[str]:
    """Sentences that belong to out-of-fold scores; the log warns of systems that learned nothing.

    ``cfg`` names the systems that ``stop`` by their validation, that learn from ``promoted``
    labels, the ``weighted`` ensembles, and says whether test clips have a truth (``has_truth``).
    """
    verified = set(labels.loc[labels["verified"] == 1, "clip"])
    judging = verified & {clip for one in judged for clip in one.clips["clip"]}
    # Where a list does not say which labels are verified, all count as such.
    which = "" if labels["verified"].all() else " with a verified label"
    told = [
        f"{len(judging)} of {len(verified)} train clips{which} are judged on, each predicted by "
        f"networks that held out its fold."
    ]
    if judging < verified:
        told.append(
            f"The other {len(verified - judging)} are in folds that no network held out, in no "
            f"fold, or cannot be learned from."
        )
    if not cfg["has_truth"]:
        told.append(NO_TRUTH)
    sentences = {
        "stop": "Early stopping, or the choice of an epoch, looked at the same clips for {}: their "
        "scores may be a little too high.",
        "promoted": "{} learned from labels promoted by spreading, which started from the verified "
        "labels of all folds.",
        "weighted": "The weights of {} follow from MAP@3 on the same clips.",
    }
    told += [text.format(", ".join(cfg[key])) for key, text in sentences.items() if cfg[key]]
    few = {
        f"{one.system} ({len(one.clips)})": None
        for one in judged
        if one.temperature is not None and len(one.clips) < calibration.FEWEST_CLIPS
    }
    if few:
        told.append(
            f"A temperature needs {calibration.FEWEST_CLIPS} verified clips held out. There are "
            f"fewer for {', '.join(few)}: their probabilities are as they were (temperature 1)."
        )
    told += [_nothing_learned(one) for one in judged if has_learned_nothing(one, labels)]
    return told


def has_learned_nothing(one: Judged, labels: pd.DataFrame) -> bool:
    """Whether a system's MAP@3 is within two standard errors of that of always guessing the most
    frequent labels.
    """
    if one.temperature is None or len(one.clips) < 2:
        return False
    frequent = labels["label"].value_counts(sort=True).index[: metrics.GUESSES].to_numpy()
    always = np.tile(frequent, (len(one.clips), 1))
    truth = one.clips["label"].to_numpy()
    better = metrics.average_precision(metrics.top_classes(one.raw), one.truth)
    better = better - metrics.average_precision(always, truth)
    return bool(better.mean() <= 2 * np.sqrt(variance_of_mean(better, one.recordings)))


def _nothing_learned(one: Judged) -> str:
    told = (
        f"{one.system}, seed {one.seed}, has learned nothing that shows on {len(one.clips)} clips: "
        f"always guessing the most frequent labels would be about as good. Look at its curves, "
        f"train it longer, or leave it out."
    )
    log.warning("%s", told)
    return told
