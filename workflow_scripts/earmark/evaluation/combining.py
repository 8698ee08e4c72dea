"""From files of predictions to the mean of a system or ensemble."""

from collections.abc import Mapping
from typing import Any

from earmark.evaluation import calibration, ensemble, predictions
from earmark.evaluation.calibration import Calibration
from earmark.evaluation.predictions import Predictions


def read_means(paths: Mapping[str, str]) -> dict[str, Predictions]:
    """Read the predictions of systems, by name, and average their folds."""
    return {name: predictions.read(path).mean_of_folds() for name, path in paths.items()}


def combine(
    name: str,
    settings: Mapping[str, Any],
    by_system: Mapping[str, Predictions],
    calibrations: Mapping[str, Calibration],
    calibrated: bool = False,
) -> Predictions:
    """The mean of a system or ensemble called ``name``; if ``calibrated``, of calibrated members.

    ``settings`` have ``members``, which are in ``by_system``, ``kind`` and ``exponent``. A weighted
    mean and calibrated members need ``calibrations``.
    """
    members = {member: by_system[member] for member in settings["members"]}
    if calibrated:
        members = {
            member: calibration.apply(predicted, calibrations[member].temperature)
            for member, predicted in members.items()
        }
    clips = next(iter(members.values())).clips
    scores = weighing_scores(settings, calibrations)
    return ensemble.combine_predictions(name, settings, members, clips, scores)


def weighing_scores(
    settings: Mapping[str, Any], calibrations: Mapping[str, Calibration]
) -> list[float] | None:
    """Each member's out-of-fold score for a weighted mean; None for others."""
    if settings["kind"] != "weighted":
        return None
    scores = (calibrations[member].map3 for member in settings["members"])
    return [float("nan") if score is None else score for score in scores]
