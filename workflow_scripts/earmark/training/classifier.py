"""Train a named network on a selection of labels.

Used by the base models and by each self-training round, which differ in labels, epochs and starting
weights only.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from earmark.dataset import tables
from earmark.features.store import FeatureStore
from earmark.inference import batches, metrics, predicting, resident
from earmark.inference.batches import Augmentation, Batch, Examples
from earmark.inference.hardware import Hardware
from earmark.labels import label_table, selections
from earmark.networks import saved_models
from earmark.networks.layers import Standardise
from earmark.runtime.errors import EarmarkError
from earmark.training import checkpoints, compiling, learned, loop, seeds
from earmark.training.checkpoints import Checkpoint
from earmark.training.recipes import Recipe

log = logging.getLogger("earmark")


@dataclass(frozen=True)
class Data:
    """What to learn from, what to validate by (clips of the fold held out), and the classes."""

    train: Examples
    validation: Examples
    classes: list[str]


def split(
    store: FeatureStore,
    selection: pd.DataFrame,
    folds: pd.DataFrame,
    fold: int,
    validation: str = "verified",
) -> Data:
    """Part a selection (see ``selections``) by one fold.

    Clips of ``fold`` are held out. Of them, the verified ones validate, or, with ``validation``
    "all", every one with its given label, right or wrong.
    Raises EarmarkError when a class has nothing left to learn from.
    """
    classes = label_table.classes_of(selection)
    inside = selection["clip"].isin(folds.loc[folds["fold"] == fold, "clip"])
    train = selections.learned(selection[~inside])
    missing = sorted(set(classes) - set(train["label"]))
    if missing:
        raise EarmarkError(
            f"With fold {fold} held out, the class '{missing[0]}' has no clip left to learn from "
            f"({len(missing)} such classes). Verify more of its clips, or use fewer folds."
        )
    held_out = selection[inside]
    validating = held_out if validation == "all" else held_out[held_out["verified"] == 1]
    if validating.empty:
        log.warning(
            "Fold %d holds out no clip to validate by: the weights of the last epoch are kept, and "
            "patience does not count. Verify more clips, or use fewer folds.",
            fold,
        )
    return Data(
        examples(store, train, classes),
        examples(store, validating.assign(weight=1.0), classes),
        classes,
    )


def examples(store: FeatureStore, labels: pd.DataFrame, classes: list[str]) -> Examples:
    """Turn rows (clip, label, weight) into row and class numbers."""
    number = {name: index for index, name in enumerate(classes)}
    return Examples(
        store.rows_of(labels["clip"]),
        np.array([number[label] for label in labels["label"]], dtype=np.int64),
        labels["weight"].to_numpy(dtype=np.float32),
        labels["clip"].tolist(),
    )


def train(
    module: nn.Module,
    store: FeatureStore,
    data: Data,
    recipe: Recipe,
    hardware: Hardware,
    checkpoint: Checkpoint,
    seed: int,
    name: str = "training",
) -> loop.Trained:
    """Train ``module`` in place; return its history, one row per epoch, and the epoch kept.

    Columns of the history: epoch, learning_rate, train_loss, train_accuracy and, where clips are
    held out, validation_loss, validation_accuracy, validation_map3. ``name`` says on the terminal
    whose training it is.
    """
    crop = predicting.input_shape(store, recipe.crops.frames)[1]
    count = len(data.classes)
    hardware.move(module)
    example = torch.rand(min(recipe.batch_clips, len(data.train)), store.shape[0], crop)
    example = example.to(hardware.device)
    _learn_statistics(module, store, data, recipe, crop, seeds.derive_seed(seed, "statistics"))
    clips = recipe.plan.epochs * len(data.train)
    forward, compiled = compiling.compiled(module, example, hardware, clips)
    features = resident.near(store, hardware.device)

    def batches_of(epoch: int) -> Iterator[Batch]:
        return batches.training_batches(
            features,
            data.train,
            count,
            recipe.batch_clips,
            crop,
            recipe.augmentation,
            hardware.device,
            seeds.derive_seed(seed, "batches", epoch),
        )

    def losses(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with hardware.autocast():
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

    def validate() -> loop.Figures:
        if len(data.validation) == 0:
            return {}
        probabilities = predicting.predict(
            module, features, data.validation.rows, recipe.crops, hardware, count
        )
        predicting.check(data.validation.clips, probabilities, recipe.plan.learning_rate)
        return validation_figures(probabilities, data.validation.labels)

    task = loop.TrainingTask(
        name,
        batches_of,
        max(1, -(-len(data.train) // recipe.batch_clips)),
        losses,
        validate,
        _accuracy_then_loss if recipe.watch == "accuracy" else _loss,
    )
    optimizer = loop.make_optimizer(module, recipe.plan)
    return loop.fit(module, optimizer, recipe.plan, task, checkpoint, seed, compiled)


def _learn_statistics(
    module: nn.Module, store: FeatureStore, data: Data, recipe: Recipe, crop: int, seed: int
) -> None:
    """Let layers that standardise their input see one pass of it, if they have not yet."""
    for part in module.modules():
        if isinstance(part, Standardise) and not part.learned:
            stream = batches.training_batches(
                store,
                data.train,
                len(data.classes),
                recipe.batch_clips,
                crop,
                Augmentation(),
                torch.device("cpu"),
                seed,
            )
            part.learn(batch.inputs for batch in stream)


def validation_figures(probabilities: np.ndarray, labels: np.ndarray) -> loop.Figures:
    """Loss, accuracy and MAP@3 of probabilities (n, classes) against class numbers (n,)."""
    right = probabilities[np.arange(len(labels)), labels]
    return {
        "validation_loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
        "validation_accuracy": float((probabilities.argmax(1) == labels).mean()),
        "validation_map3": metrics.map_at_3(probabilities, labels),
    }


def _accuracy_then_loss(figures: loop.Figures) -> tuple[float, ...]:
    # Without held-out clips the latest epoch counts as the best.
    if "validation_accuracy" not in figures:
        return (figures["epoch"],)
    return figures["validation_accuracy"], -figures["validation_loss"]


def _loss(figures: loop.Figures) -> tuple[float, ...]:
    if "validation_loss" not in figures:
        return (figures["epoch"],)
    return (-figures["validation_loss"],)


def build(store: FeatureStore, classes: int, cfg: Mapping[str, Any]) -> nn.Module:
    """The untrained network of a training's ``cfg``, for so many classes."""
    crops = predicting.crops_of(cfg["recipe"])
    return predicting.build_for(store, crops, cfg["network"], cfg["network_options"], classes)


def save(
    module: nn.Module,
    store: FeatureStore,
    data: Data,
    hardware: Hardware,
    trained: loop.Trained,
    outputs: Mapping[str, str | Path],
    name: str,
    cfg: Mapping[str, Any],
    inputs: Mapping[str, str | Path],
    code: str,
) -> None:
    """Write a trained model: ``outputs`` weights (safetensors), facts (JSON) and history (CSV).

    The facts are all that it takes to use the model and to trust it: ``cfg`` of the training, the
    hashes of the ``inputs`` files and of the code, where it was trained, and how good it was on the
    clips that validate. The log warns of a network that learned nothing.
    """
    crops, classes = predicting.crops_of(cfg["recipe"]), len(data.classes)
    judging, held_out = learned.examples_to_judge_by(data.train, data.validation)
    probabilities = predicting.predict(module, store, judging.rows, crops, hardware, classes)
    predicting.check(judging.clips, probabilities, cfg["recipe"]["learning_rate"])
    saved_models.save(
        outputs["weights"],
        outputs["facts"],
        module,
        **cfg,
        classes=data.classes,
        feature=store.settings,
        input_shape=list(predicting.input_shape(store, crops.frames)),
        clips={"train": len(data.train), "validation": len(data.validation)},
        inputs={part: checkpoints.content_hash(path) for part, path in inputs.items()},
        code=code,
        hardware={**hardware.facts(), "compiled": trained.compiled},
        kept_epoch=trained.kept_epoch,
        kept_figures=trained.kept_figures(),
        learned=learned.of_classifier(name, judging, held_out, data.classes, probabilities),
    )
    tables.write_table(trained.history, outputs["history"])
