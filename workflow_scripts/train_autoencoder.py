"""Train the autoencoder on all train clips and store their latents."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from earmark.dataset import clips, tables
from earmark.features import finite, store
from earmark.inference import batches, hardware, resident
from earmark.inference.batches import Batch, Examples
from earmark.networks import saved_models
from earmark.networks.autoencoder import Autoencoder, validation_clips
from earmark.runtime import job
from earmark.training import checkpoints, compiling, learned, loop, recipes, seeds

log = logging.getLogger("earmark")


def main(
    *,
    clips_table: str,
    feature_file: str,
    weights: str,
    facts: str,
    history: str,
    latents: str,
    cfg: dict[str, Any],
    seed: int,
    threads: int,
    machine: dict[str, Any],
    code: str,
) -> None:
    """Train on the spectrograms of ``feature_file``; labels and folds are not used.

    ``cfg`` has the ``recipe``, ``batch_norm_momentum`` and ``latents_mode``. Writes weights, facts
    (JSON), history (CSV) and latents (n, d) of the train clips.
    """
    own_seed = seeds.derive_seed(seed, "autoencoder")
    place = hardware.prepare(threads, own_seed, machine)
    names = clips.usable(clips.read(clips_table)).tolist()
    recipe = recipes.from_settings(cfg["recipe"])
    inputs = {"clips": clips_table, "features": feature_file}
    checkpoint = checkpoints.beside(weights, [cfg, seed, code, place.numerics()], inputs.values())
    with store.FeatureStore(feature_file) as features, checkpoint.held():
        module = Autoencoder(features.shape, cfg["batch_norm_momentum"]).to(place.device)
        held_out = validation_clips(names)
        rows = features.rows_of(names)
        trained = _fit(
            module,
            features,
            [name for name in names if name not in held_out],
            sorted(held_out),
            recipe,
            place,
            checkpoint,
            own_seed,
        )
        saved_models.save(
            weights,
            facts,
            module,
            network="autoencoder",
            feature=features.settings,
            **cfg,
            seed=seed,
            inputs={part: checkpoints.content_hash(path) for part, path in inputs.items()},
            code=code,
            hardware={**place.facts(), "compiled": trained.compiled},
            kept_epoch=trained.kept_epoch,
            kept_figures=trained.kept_figures(),
            learned=learned.of_autoencoder(
                trained.history,
                recipe.plan.keep,
                _spread_of_pictures(features, rows, recipe, place),
            ),
        )
        # Last, for latents taken in training mode move the batch norms' running statistics.
        module.train(cfg["latents_mode"] == "training")
        found = _encode(module, features, rows, recipe, place)
        finite.check_clips(
            "latents",
            names,
            found,
            f"Look at them in {clips_table}, or lower the recipe's learning_rate "
            f"({recipe.plan.learning_rate:g}).",
        )
        store.write_latents(latents, names, found)
        tables.write_table(trained.history, history)


def _fit(
    module: Autoencoder,
    features: store.FeatureStore,
    train: list[str],
    validation: list[str],
    recipe: recipes.Recipe,
    place: hardware.Hardware,
    checkpoint: checkpoints.Checkpoint,
    seed: int,
) -> loop.Trained:
    place.move(module)
    example = torch.rand(recipe.batch_clips, *features.shape, device=place.device)
    unlabelled = Examples(
        features.rows_of(train),
        np.zeros(len(train), np.int64),
        np.ones(len(train), np.float32),
        train,
    )
    validation_rows = features.rows_of(validation)
    forward, compiled = compiling.compiled(module, example, place, recipe.plan.epochs * len(train))
    near = resident.near(features, place.device)

    def loss_of(
        images: torch.Tensor, network: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        with place.autocast():
            rebuilt = network(images)
        return nn.functional.mse_loss(rebuilt.float(), images)

    def batches_of(epoch: int) -> Iterator[Batch]:
        return batches.training_batches(
            near,
            unlabelled,
            1,
            recipe.batch_clips,
            0,
            recipe.augmentation,
            place.device,
            seeds.derive_seed(seed, "batches", epoch),
        )

    def losses(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = loss_of(batch.inputs, forward)
        return loss, {"loss": loss.detach() * len(batch.inputs)}

    @torch.no_grad()
    def evaluate() -> loop.Figures:
        if not validation:
            return {}
        module.eval()
        total = 0.0
        for places, images in _image_batches(near, validation_rows, recipe, place):
            total += loss_of(images, module).item() * len(places)
        return {"validation_loss": total / len(validation)}

    task = loop.TrainingTask(
        "autoencoder",
        batches_of,
        max(1, -(-len(train) // recipe.batch_clips)),
        losses,
        evaluate,
        # Without held-out clips the latest epoch counts as the best.
        lambda figures: (-figures["validation_loss"] if validation else figures["epoch"],),
    )
    optimizer = loop.make_optimizer(module, recipe.plan)
    return loop.fit(module, optimizer, recipe.plan, task, checkpoint, seed, compiled)


@torch.no_grad()
def _encode(
    module: Autoencoder,
    features: store.FeatureStore,
    rows: np.ndarray,
    recipe: recipes.Recipe,
    place: hardware.Hardware,
) -> np.ndarray:
    parts = []
    for _, images in _image_batches(features, rows, recipe, place):
        with place.autocast():
            parts.append(module.encode(images).float().cpu().numpy())
    return np.concatenate(parts)


def _spread_of_pictures(
    features: store.FeatureStore, rows: np.ndarray, recipe: recipes.Recipe, place: hardware.Hardware
) -> float:
    """Mean squared error of the mean picture of all ``rows``, taken for each of them."""
    first, second = 0.0, 0.0
    for _, images in _image_batches(features, rows, recipe, place):
        images = images.double()
        first, second = first + images.sum(0), second + images.square().sum(0)
    return float((second / len(rows) - (first / len(rows)).square()).mean())


def _image_batches(
    features: store.FeatureStore | resident.ResidentStore,
    rows: np.ndarray,
    recipe: recipes.Recipe,
    place: hardware.Hardware,
) -> Any:
    return batches.prediction_batches(features, rows, recipe.batch_clips, 0, 1, place.device)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
