"""Training recipes: the config's entries under ``recipes``."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from earmark.inference.batches import Augmentation, Crops
from earmark.networks import saved_models
from earmark.runtime.errors import EarmarkError
from earmark.training.loop import TrainingSettings

Part = TypeVar("Part", TrainingSettings, Augmentation)


@dataclass(frozen=True)
class Recipe:
    """A training recipe: the config's entry under ``recipes``.

    ``batch_clips`` is the batch size of training, ``crops`` how clips are cut for predicting, and
    ``watch`` decides which epoch is best (``metrics.epoch_score``).
    """

    settings: TrainingSettings
    augmentation: Augmentation
    crops: Crops
    batch_clips: int
    label_smoothing: float = 0.0
    watch: str = "accuracy"


def from_settings(settings: Mapping[str, Any], range_db: float = 0.0) -> Recipe:
    """Return the recipe of a config's entry, for a feature whose levels have this range.

    Raises EarmarkError for a mixup of powers without levels.
    """
    if settings.get("mixup_of") == "power" and not range_db:
        raise EarmarkError(
            "The recipe has mixup_of: power, but its feature has no levels with a range_db. Write "
            "mixup_of: inputs."
        )
    settings = {**settings, "range_db": range_db}

    def part(kind: type[Part]) -> Part:
        names = {field.name for field in fields(kind)}
        return kind(**{name: value for name, value in settings.items() if name in names})

    names = ("batch_clips", "label_smoothing", "watch")
    others = {name: settings[name] for name in names if name in settings}
    crops = Crops.of_recipe(settings)
    return Recipe(part(TrainingSettings), part(Augmentation), crops, **others)


def for_every_clip(cfg: Mapping[str, Any], models_of_folds: Sequence[str]) -> Mapping[str, Any]:
    """The settings ``cfg`` of a training, with the epochs that the folds' models kept.

    A network that learns from every clip has none for validation: it is trained for the median
    (the higher of two) of these epochs. Without ``models_of_folds``, metadata of models, ``cfg``
    stays as it is.
    """
    if not models_of_folds:
        return cfg
    models = [saved_models.read_metadata(path, {"kept_epoch": int}) for path in models_of_folds]
    epochs = statistics.median_high(model["kept_epoch"] for model in models)
    recipe = {**cfg["recipe"], "epochs": epochs, "keep": "last", "patience": 0}
    return {**cfg, "recipe": recipe}
