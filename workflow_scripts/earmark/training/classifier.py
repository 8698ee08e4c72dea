"""Train a network of the catalogue on a selection of labels.

For base models and rounds of self-training, which differ in labels, recipe and first weights only.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from earmark.features.store import FeatureStore
from earmark.inference import batches, metrics, predicting
from earmark.inference.batches import Augmentation, Batch, Examples
from earmark.inference.gpu_store import GpuFeatureStore
from earmark.labels import label_table, selections
from earmark.networks.layers import Standardise
from earmark.runtime.errors import EarmarkError
from earmark.training import loop
from earmark.training.compiling import Forward
from earmark.training.training_job import TrainingJob

log = logging.getLogger("earmark")

# On fewer clips than this, chance decides whether a network is better than guessing.
ENOUGH_CLIPS = 20


@dataclass(frozen=True)
class Data:
    """Clips to train on, clips to validate on (of the held-out fold), and the class names."""

    train: Examples
    validation: Examples
    classes: list[str]


def split(
    store: FeatureStore,
    selection: pd.DataFrame,
    folds: pd.DataFrame,
    fold: int | str,
    validation: str = "verified",
) -> Data:
    """Split a selection (see ``selections``) by one fold.

    Clips of ``fold`` are held out, and none with the fold "all". The verified ones among them are
    for validation, or, with ``validation`` "all", every one, with its given label. Raises
    EarmarkError when a class has no clip left to train on.
    """
    classes = label_table.classes_of(selection)
    inside = selection["clip"].isin(folds.loc[folds["fold"] == fold, "clip"])
    train = selections.training_rows(selection[~inside])
    missing = sorted(set(classes) - set(train["label"]))
    if missing:
        raise EarmarkError(
            f"With fold {fold} held out, the class '{missing[0]}' has no clip left to train on "
            f"({len(missing)} such classes). Verify more of its clips, or use fewer folds."
        )
    held_out = selection[inside]
    validation_rows = held_out if validation == "all" else held_out[held_out["verified"] == 1]
    if validation_rows.empty and fold != "all":
        log.warning(
            "Fold %d has no validation clips: the last epoch's weights are kept, without early "
            "stopping. Verify more clips, or use fewer folds.",
            fold,
        )
    return Data(
        examples(store, train, classes),
        examples(store, validation_rows.assign(weight=1.0), classes),
        classes,
    )


def examples(store: FeatureStore, labels: pd.DataFrame, classes: list[str]) -> Examples:
    """Rows (clip, label, weight) with their row and class numbers."""
    number = {name: index for index, name in enumerate(classes)}
    return Examples(
        store.rows_of(labels["clip"]),
        np.array([number[label] for label in labels["label"]], dtype=np.int64),
        labels["weight"].to_numpy(dtype=np.float32),
        labels["clip"].tolist(),
    )


def predict(job: TrainingJob, module: nn.Module, clips: Sequence[str], classes: int) -> np.ndarray:
    """Probabilities (n, classes) of ``clips``, in the precision of predictions."""
    hardware = job.hardware.for_predicting()
    rows = job.features.rows_of(clips)
    return predicting.predict(
        module.to(hardware.device), job.features, rows, job.recipe.crops, hardware, classes
    )


def train_and_save(
    job: TrainingJob, module: nn.Module, labels: pd.DataFrame, folds: pd.DataFrame
) -> None:
    """Train ``module`` on the selected ``labels``, and write the model.

    The job's ``cfg`` has ``fold`` and ``validation``, and in self-training the ``round``.
    """
    cfg, features = job.cfg, job.features
    data = split(features, labels, folds, cfg["fold"], cfg["validation"])
    trained = train(job, module, data)
    if "round" in cfg:
        trained.history.insert(0, "clips", len(data.train))
        trained.history.insert(0, "round", cfg["round"])
    warn_if_nothing_learned(job, module, data)
    job.save(
        module,
        trained,
        classes=data.classes,
        input_shape=batches.input_shape(features, job.recipe.crops),
        clips={"train": len(data.train), "validation": len(data.validation)},
    )


def train(job: TrainingJob, module: nn.Module, data: Data) -> loop.Trained:
    """Train ``module`` in place.

    Columns of the history: epoch, learning_rate, train_loss, train_accuracy and, with validation
    clips, validation_loss, validation_accuracy, validation_map3.
    """
    recipe, hardware, classes = job.recipe, job.hardware, len(data.classes)
    for layer in module.modules():
        if isinstance(layer, Standardise) and not layer.is_fitted:
            cpu, plain = torch.device("cpu"), Augmentation()
            stream = job.batches(job.features, data.train, classes, plain, cpu, "statistics")
            layer.fit(batch.inputs for batch in stream)

    def losses(forward: Forward, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with hardware.autocast():
            logits = forward(batch.inputs)
        each = nn.functional.cross_entropy(
            logits.float(),
            batch.targets,
            reduction="none",
            label_smoothing=recipe.label_smoothing,
        )
        loss = (each * batch.weights).sum() / batch.weights.sum().clamp_min(1e-9)
        correct = (logits.argmax(1) == batch.targets.argmax(1)).sum()
        return loss, {"loss": loss.detach() * len(each), "accuracy": correct}

    def validate(features: FeatureStore | GpuFeatureStore) -> loop.Metrics:
        if len(data.validation) == 0:
            return {}
        probabilities = predicting.predict(
            module, features, data.validation.rows, recipe.crops, hardware, classes
        )
        predicting.check_finite(data.validation.clips, probabilities, recipe.settings.learning_rate)
        return validation_metrics(probabilities, data.validation.labels)

    def score(epoch: loop.Metrics) -> tuple[float, ...]:
        return metrics.epoch_score(epoch, recipe.watch)

    return job.fit(module, data.train, classes, losses, validate, score)


def validation_metrics(probabilities: np.ndarray, labels: np.ndarray) -> loop.Metrics:
    """Loss, accuracy and MAP@3 of probabilities (n, classes) against class numbers (n,)."""
    of_label = probabilities[np.arange(len(labels)), labels]
    return {
        "validation_loss": float(-np.log(np.maximum(of_label, 1e-12)).mean()),
        "validation_accuracy": float((probabilities.argmax(1) == labels).mean()),
        "validation_map3": metrics.map_at_3(probabilities, labels),
    }


def warn_if_nothing_learned(job: TrainingJob, module: nn.Module, data: Data) -> None:
    """Log a warning if always guessing the most frequent class would be as accurate.

    Both are compared on the validation clips or, where they are few or of one class, on the
    training clips.
    """
    clips, which = data.validation, "validation"
    if len(clips) < ENOUGH_CLIPS or len(np.unique(clips.labels)) < 2:
        clips, which = data.train, "training"
    probabilities = predict(job, module, clips.clips, len(data.classes))
    accuracy = (probabilities.argmax(1) == clips.labels).mean()
    counts = np.bincount(clips.labels)
    if accuracy <= counts.max() / len(clips):
        log.warning(
            "%s learned nothing: its accuracy on %d %s clips is %.0f %%, and always guessing %s "
            "would score %.0f %%. Try more epochs or another learning_rate in its recipe, and "
            "check the labels.",
            job.name,
            len(clips),
            which,
            100 * accuracy,
            data.classes[counts.argmax()],
            100 * counts.max() / len(clips),
        )
