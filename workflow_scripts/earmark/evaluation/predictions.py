"""Files of predictions: class probabilities of the clips of one part, by one system and seed.

- Train clips: shape (n, classes). Each clip is predicted by the model that held out its fold; NaN
  where that fold was not trained, or the clip is in no fold or not usable.
- Test clips: shape (folds, n, classes), or (n, classes) after averaging.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from earmark.features import store


@dataclass(frozen=True)
class Predictions:
    """``probabilities`` (n, classes) or (folds, n, classes) of ``clips`` (n,)."""

    clips: list[str]
    classes: list[str]
    probabilities: np.ndarray

    def of(self, clips: Sequence[str]) -> np.ndarray:
        """Probabilities (..., clips, classes) of these clips, in this order."""
        row = {name: index for index, name in enumerate(self.clips)}
        return self.probabilities[..., [row[name] for name in clips], :]

    def mean_of_folds(self) -> "Predictions":
        """Probabilities (folds, n, classes) averaged to (n, classes)."""
        return replace(self, probabilities=self.probabilities.mean(axis=0))


def write(path: str | Path, predicted: Predictions) -> None:
    """Write predictions as float32. A clip that is NaN in all classes has no prediction."""
    with store.writing(path, classes=predicted.classes) as (file, _):
        store.add_names(file, predicted.clips)
        store.add_array(file, "probabilities", predicted.probabilities.astype(np.float32))


def read_classes(path: str | Path) -> list[str]:
    """Read the class names of a file of predictions, without its probabilities."""
    with store.reading(path, "prediction") as file:
        return list(json.loads(file.attrs["classes"]))


def read(path: str | Path) -> Predictions:
    """Read predictions back. Raises EarmarkError when the file is damaged."""
    with store.reading(path, "prediction") as file:
        classes = json.loads(file.attrs["classes"])
        clips = file["clip"].asstr()[:].tolist()
        values = file["probabilities"][:]
        if values.shape[-2:] != (len(clips), len(classes)):
            raise ValueError(
                f"probabilities of shape {values.shape} of {len(clips)} clips and {len(classes)} "
                f"classes"
            )
        # A clip without a prediction is NaN in all classes.
        if not (np.isfinite(values).all(-1) | np.isnan(values).all(-1)).all():
            raise ValueError("some probabilities are NaN or infinite")
        return Predictions(clips, classes, values)


def same_classes(members: Sequence[Predictions], name: str) -> list[str]:
    """Return the class names that all ``members`` of ``name`` have."""
    classes = members[0].classes
    if any(member.classes != classes for member in members):
        raise ValueError(f"The members of {name} were trained on different classes.")
    return classes
