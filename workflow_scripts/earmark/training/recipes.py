"""Training recipes: the config's entries under ``recipes``, as what training needs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from earmark.inference.batches import Augmentation, Crops
from earmark.training.loop import Plan

Part = TypeVar("Part", Plan, Augmentation)


@dataclass(frozen=True)
class Recipe:
    """A training recipe: the config's entry under ``recipes``.

    ``crop_frames`` and ``test_crops`` matter for features without a fixed length only. ``watch``
    says whether an epoch is better by its validation "accuracy" (then its loss) or by its "loss".
    """

    plan: Plan
    augmentation: Augmentation
    batch_clips: int
    crop_frames: int = 0
    test_crops: int = 1
    label_smoothing: float = 0.0
    watch: str = "accuracy"

    @property
    def crops(self) -> Crops:
        """How clips are cut for predicting."""
        return Crops(self.crop_frames, self.test_crops, 2 * self.batch_clips)


def from_settings(settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a config entry describes."""
    rest = dict(settings)

    def taken(kind: type[Part]) -> Part:
        names = [field.name for field in fields(kind) if field.name in rest]
        return kind(**{name: rest.pop(name) for name in names})

    return Recipe(taken(Plan), taken(Augmentation), **rest)
