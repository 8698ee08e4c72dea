"""Train a named network on a label table and predict every clip with it.

Used by the base models and by each self-training round, which differ in labels, epochs and starting
weights only.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from earmark import (
    batches,
    compiling,
    finite,
    manifest,
    metrics,
    networks,
    resident,
    seeds,
    training,
)
from earmark.batches import Augmentation, Batch, Examples
from earmark.checkpoints import Checkpoint
from earmark.hardware import Hardware
from earmark.recipes import Recipe
from earmark.resident import ResidentStore
from earmark.runtime.errors import EarmarkError
from earmark.store import FeatureStore

log = logging.getLogger("earmark")


def input_shape(store: FeatureStore | ResidentStore, recipe: Recipe) -> tuple[int, int]:
    """(frequency, time) of the network's inputs. Raises EarmarkError without a crop length."""
    if store.fixed:
        return store.shape
    if recipe.crop_frames <= 0:
        raise EarmarkError(
            f"The features {store.path} have no fixed length: the recipe needs `crop_frames`, for "
            f"example 128."
        )
    return store.shape[0], recipe.crop_frames


@dataclass(frozen=True)
class Task:
    """What to learn and what to judge by: label table, verified held-out clips, classes."""

    train: Examples
    validation: Examples
    classes: list[str]


def make_task(
    store: FeatureStore,
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    fold: int,
    validation: str = "verified",
) -> Task:
    """Join a manifest and a label table (fname, label, source, weight) for one fold.

    Clips of ``fold`` are held out. Of them, the verified ones validate, or, with ``validation``
    "all", every one with its given label, right or wrong. Only usable clips count.
    Raises EarmarkError when a class has nothing left to learn from.
    """
    classes = classes_of(clips)
    usable = manifest.usable(clips)
    held_out = usable[usable["fold"] == fold]
    known = labels[labels["fname"].isin(set(usable["fname"]) - set(held_out["fname"]))]
    missing = sorted(set(classes) - set(known["label"]))
    if missing:
        raise EarmarkError(
            f"With fold {fold} held out, the class '{missing[0]}' has no clip left to learn from "
            f"({len(missing)} such classes). Verify more of its clips, or use fewer folds."
        )
    judges = held_out if validation == "all" else held_out[held_out["verified"] == 1]
    if judges.empty:
        log.warning(
            "Fold %d holds out no clip to validate by: the weights of the last epoch are kept, and "
            "patience does not count. Verify more clips, or use fewer folds.",
            fold,
        )
    return Task(
        examples(store, known, classes),
        examples(store, judges.assign(weight=1.0), classes),
        classes,
    )


def classes_of(clips: pd.DataFrame) -> list[str]:
    """Class names of a manifest, in the order of their numbers."""
    return sorted(clips.loc[clips["split"] == "train", "label"].unique())


def examples(store: FeatureStore, labels: pd.DataFrame, classes: Sequence[str]) -> Examples:
    """Turn rows (fname, label, weight) into row and class numbers."""
    number = {name: index for index, name in enumerate(classes)}
    return Examples(
        store.rows_of(labels["fname"]),
        np.array([number[label] for label in labels["label"]], dtype=np.int64),
        labels["weight"].to_numpy(dtype=np.float32),
        labels["fname"].tolist(),
    )


def train(
    module: nn.Module,
    store: FeatureStore,
    task: Task,
    recipe: Recipe,
    machine: Hardware,
    checkpoint: Checkpoint,
    seed: int,
) -> pd.DataFrame:
    """Train ``module`` in place; return its history, one row per epoch.

    Columns: epoch, learning_rate, train_loss, train_accuracy and, where clips are held out,
    validation_loss, validation_accuracy, validation_map3.
    """
    crop = input_shape(store, recipe)[1]
    count = len(task.classes)
    machine.move(module)
    example = torch.rand(min(recipe.batch_clips, len(task.train)), store.shape[0], crop)
    example = example.to(machine.device)
    _learn_statistics(module, store, task, recipe, crop, seeds.derive_seed(seed, "statistics"))
    clips = recipe.plan.epochs * len(task.train)
    forward, _ = compiling.compiled(module, example, machine, clips)
    features = resident.near(store, machine.device)

    def batches_of(epoch: int) -> Iterator[Batch]:
        return batches.training_batches(
            features,
            task.train,
            count,
            recipe.batch_clips,
            crop,
            recipe.augmentation,
            machine.device,
            seeds.derive_seed(seed, "batches", epoch),
        )

    def losses(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with machine.autocast():
            logits = forward(batch.inputs)
        each = nn.functional.cross_entropy(
            logits.float(),
            batch.targets,
            reduction="none",
            label_smoothing=recipe.label_smoothing,
        )
        loss = (each * batch.weights).sum() / batch.weights.sum().clamp_min(1e-9)
        right = (logits.argmax(1) == batch.targets.argmax(1)).sum()
        return loss, {"loss": loss.detach() * len(each), "accuracy": right}

    def evaluate() -> training.Figures:
        if len(task.validation) == 0:
            return {}
        probabilities = predict(module, features, task.validation.rows, recipe, machine, count)
        check_predictions(task.validation.fnames, probabilities, recipe)
        return validation_figures(probabilities, task.validation.labels)

    lessons = training.Lessons(
        batches_of,
        max(1, -(-len(task.train) // recipe.batch_clips)),
        losses,
        evaluate,
        _accuracy_then_loss if recipe.watch == "accuracy" else _loss,
    )
    optimizer = training.make_optimizer(module, recipe.plan)
    return training.fit(module, optimizer, recipe.plan, lessons, checkpoint, seed)


def _learn_statistics(
    module: nn.Module, store: FeatureStore, task: Task, recipe: Recipe, crop: int, seed: int
) -> None:
    """Let layers that standardise their input see one pass of it, if they have not yet."""
    for part in module.modules():
        if isinstance(part, networks.Standardise) and not part.learned:
            stream = batches.training_batches(
                store,
                task.train,
                len(task.classes),
                recipe.batch_clips,
                crop,
                Augmentation(),
                torch.device("cpu"),
                seed,
            )
            part.learn(batch.inputs for batch in stream)


def validation_figures(probabilities: np.ndarray, labels: np.ndarray) -> training.Figures:
    """Loss, accuracy and MAP@3 of probabilities (n, classes) against class numbers (n,)."""
    right = probabilities[np.arange(len(labels)), labels]
    return {
        "validation_loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
        "validation_accuracy": float((probabilities.argmax(1) == labels).mean()),
        "validation_map3": metrics.map_at_3(probabilities, labels),
    }


def _accuracy_then_loss(figures: training.Figures) -> tuple[float, ...]:
    # Without held-out clips the latest epoch counts as the best.
    if "validation_accuracy" not in figures:
        return (figures["epoch"],)
    return figures["validation_accuracy"], -figures["validation_loss"]


def _loss(figures: training.Figures) -> tuple[float, ...]:
    if "validation_loss" not in figures:
        return (figures["epoch"],)
    return (-figures["validation_loss"],)


@torch.no_grad()
def predict(
    module: nn.Module,
    store: FeatureStore | ResidentStore,
    rows: np.ndarray,
    recipe: Recipe,
    machine: Hardware,
    classes: int,
) -> np.ndarray:
    """Class probabilities (n, classes) of the store's ``rows``, averaged over a clip's crops."""
    module.eval()
    crop = input_shape(store, recipe)[1]
    total = torch.zeros(len(rows), classes)
    crops = torch.zeros(len(rows), 1)
    stream = batches.prediction_batches(
        store, rows, 2 * recipe.batch_clips, crop, recipe.test_crops, machine.device
    )
    for places, inputs in stream:
        with machine.autocast():
            logits: Tensor = module(inputs)
        probabilities = logits.float().softmax(1).cpu()
        index = torch.from_numpy(places)
        total.index_add_(0, index, probabilities)
        crops.index_add_(0, index, torch.ones(len(index), 1))
    return (total / crops.clamp_min(1)).numpy()


def check_predictions(fnames: Sequence[str], probabilities: np.ndarray, recipe: Recipe) -> None:
    """Raise EarmarkError, with the clips' names, where probabilities are not finite."""
    finite.check_clips(
        "predictions",
        fnames,
        probabilities,
        f"Look at them in manifest.csv, or lower the recipe's learning_rate "
        f"({recipe.plan.learning_rate:g}).",
    )


def build_for(
    store: FeatureStore, recipe: Recipe, network: str, options: Mapping[str, Any], classes: int
) -> nn.Module:
    """Build ``network`` for the inputs that this store and recipe give."""
    return networks.build(network, input_shape(store, recipe), classes, **options)
