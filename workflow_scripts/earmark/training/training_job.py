"""What the trainings of classifiers and of the autoencoder share.

That is hardware, checkpoint, batches and the model's files; they differ in ``loop.TrainingTask``.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from earmark.dataset import tables
from earmark.dataset.hashing import hash_of
from earmark.features.store import FeatureStore
from earmark.inference import batches, gpu_store
from earmark.inference.batches import Augmentation, Batch, Examples
from earmark.inference.gpu_store import GpuFeatureStore
from earmark.inference.hardware import Hardware, choose_hardware
from earmark.networks import saved_models
from earmark.training import compiling, loop, recipes, seeds
from earmark.training.checkpoints import Checkpoint
from earmark.training.compiling import Forward
from earmark.training.recipes import Recipe


@dataclass(frozen=True)
class TrainingJob:
    """One training of one network.

    ``name``: its name in the log.
    ``cfg``: the rule's settings, among them the recipe, to be written into the metadata.
    ``inputs``: hashes of the input files by name, for the metadata.
    ``outputs``: paths of weights, metadata and history.
    ``code``: the code's hash, for the metadata.
    """

    name: str
    seed: int
    recipe: Recipe
    hardware: Hardware
    features: FeatureStore
    checkpoint: Checkpoint
    cfg: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    code: str = ""

    def batches(
        self,
        features: FeatureStore | GpuFeatureStore,
        clips: Examples,
        classes: int,
        augmentation: Augmentation,
        device: torch.device,
        *purpose: object,
    ) -> Iterator[Batch]:
        """One pass over ``clips``, in an order that follows from the job's seed and the purpose."""
        return batches.training_batches(
            features,
            clips,
            classes,
            self.recipe.batch_clips,
            self.recipe.crops.frames,
            augmentation,
            device,
            seeds.derive_seed(self.seed, *purpose),
        )

    def fit(
        self,
        module: nn.Module,
        train: Examples,
        classes: int,
        losses: Callable[[Forward, Batch], tuple[Tensor, dict[str, Tensor]]],
        validate: Callable[[FeatureStore | GpuFeatureStore], loop.Metrics],
        score: Callable[[loop.Metrics], tuple[float, ...]],
    ) -> loop.Trained:
        """Train ``module`` in place on the clips ``train``; see ``loop.TrainingTask``.

        ``losses`` is called with the module, or with its compiled form.
        """
        recipe, device = self.recipe, self.hardware.device
        self.hardware.move(module)
        shape = batches.input_shape(self.features, recipe.crops)
        example = torch.rand(min(recipe.batch_clips, len(train)), *shape, device=device)
        forward, compiled = compiling.compiled(
            module, example, self.hardware, recipe.settings.epochs * len(train)
        )
        features = gpu_store.on_gpu_if_it_fits(self.features, device)
        task = loop.TrainingTask(
            self.name,
            lambda epoch: self.batches(
                features, train, classes, recipe.augmentation, device, "batches", epoch
            ),
            max(1, -(-len(train) // recipe.batch_clips)),
            lambda batch: losses(forward, batch),
            lambda: validate(features),
            score,
        )
        optimizer = loop.make_optimizer(module, recipe.settings)
        trained = loop.fit(module, optimizer, recipe.settings, task, self.checkpoint, self.seed)
        return replace(trained, compiled=compiled)

    def save(self, module: nn.Module, trained: loop.Trained, **metadata: Any) -> None:
        """Write the model: weights (safetensors), metadata (JSON) and history (CSV).

        The metadata are settings, hashes of inputs and code, the hardware, the metrics of the
        epoch that was kept, and ``metadata``.
        """
        saved_models.save(
            self.outputs["weights"],
            self.outputs["metadata"],
            module,
            **self.cfg,
            **metadata,
            feature=self.features.settings,
            inputs=self.inputs,
            code=self.code,
            hardware={
                **self.hardware.numerics(),
                "device_name": self.hardware.device_name(),
                "compiled": trained.compiled,
            },
            kept_epoch=trained.kept_epoch,
            kept_metrics=trained.kept_metrics(),
        )
        tables.write_table(trained.history, self.outputs["history"])


@contextmanager
def open_training_job(
    name: str,
    seed: int,
    cfg: Mapping[str, Any],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    code: str,
    threads: int,
    hardware_settings: Mapping[str, Any],
) -> Iterator[TrainingJob]:
    """A training, with its checkpoint locked.

    ``inputs`` are paths by name, among them ``features``; ``outputs`` are those of the job.
    """
    hardware = choose_hardware(threads, seed, hardware_settings)
    hashes = {name: hash_of(path)[1] for name, path in inputs.items()}
    same = [cfg, hashes, code, hardware.numerics(), hardware.compile_from_clips]
    path = Path(outputs["weights"]).with_name("checkpoint.pt")
    checkpoint = Checkpoint(path, json.dumps(same, sort_keys=True))
    with FeatureStore(inputs["features"]) as features, checkpoint.locked():
        recipe = recipes.from_settings(cfg["recipe"], features.settings.get("range_db", 0.0))
        yield TrainingJob(
            name, seed, recipe, hardware, features, checkpoint, cfg, hashes, outputs, code
        )
