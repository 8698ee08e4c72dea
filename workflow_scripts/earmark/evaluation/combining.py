"""From files of predictions to the mean of a system or ensemble."""

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.evaluation import ensemble, out_of_fold, predictions
from earmark.evaluation.predictions import Predictions
from earmark.labels import label_table


def combine_files(
    settings: Mapping[str, Any],
    members: Sequence[str],
    train_predictions: Sequence[str],
    labels_table: Sequence[str],
) -> Predictions:
    """The mean of the ``members``: files of predictions, whose folds are averaged first.

    ``settings`` are those of the system or ensemble: ``name``, ``members``, ``kind`` and
    ``exponent``. A weighted mean needs ``train_predictions`` and ``labels_table``, one file.
    """
    means = [predictions.read(path).mean_of_folds() for path in members]
    by_system = dict(zip(settings["members"], means, strict=True))
    scores = weighing_scores(settings, train_predictions, labels_table)
    name, clips = settings["name"], means[0].clips
    return ensemble.combine_predictions(name, settings, by_system, clips, scores)


def weighing_scores(
    settings: Mapping[str, Any], train_predictions: Sequence[str], labels_table: Sequence[str]
) -> list[float] | None:
    """Each member's out-of-fold score for a weighted mean; None without ``train_predictions``."""
    if not train_predictions:
        return None
    predicted = map(predictions.read, train_predictions)
    by_system = dict(zip(settings["members"], predicted, strict=True))
    return out_of_fold.weighing_scores(by_system, label_table.read(labels_table[0]))
