"""Train the autoencoder on the spectrograms of all clips; labels and folds are not used."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from earmark.features.store import FeatureStore
from earmark.inference import batches
from earmark.inference.batches import Batch, Examples
from earmark.inference.resident import ResidentStore
from earmark.networks.autoencoder import Autoencoder, validation_clips
from earmark.training import loop
from earmark.training.compiling import Forward
from earmark.training.jobs import TrainingJob


def train(job: TrainingJob, module: Autoencoder, clips: Sequence[str]) -> loop.Trained:
    """Train ``module`` in place on ``clips``, of which some are held out.

    Columns of the history: epoch, learning_rate, train_loss and, where clips are held out,
    validation_loss.
    """
    held_out = validation_clips(clips)
    learned = [clip for clip in clips if clip not in held_out]
    rows = job.features.rows_of(learned)
    train = Examples(rows, np.zeros_like(rows), np.ones(len(rows), np.float32), learned)
    validation_rows = job.features.rows_of(sorted(held_out))

    def loss_of(images: Tensor, forward: Forward) -> Tensor:
        with job.hardware.autocast():
            reconstructions = forward(images)
        return nn.functional.mse_loss(reconstructions.float(), images)

    def losses(forward: Forward, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss = loss_of(batch.inputs, forward)
        return loss, {"loss": loss.detach() * len(batch.inputs)}

    @torch.no_grad()
    def validate(features: FeatureStore | ResidentStore) -> loop.Figures:
        if not held_out:
            return {}
        module.eval()
        total = 0.0
        for indices, images in _images(job, features, validation_rows):
            total += loss_of(images, module).item() * len(indices)
        return {"validation_loss": total / len(held_out)}

    def score(figures: loop.Figures) -> tuple[float, ...]:
        # Without held-out clips the latest epoch counts as the best.
        return (-figures["validation_loss"] if held_out else figures["epoch"],)

    return job.fit(module, train, 1, job.features.shape[1], losses, validate, score)


@torch.no_grad()
def encode(job: TrainingJob, module: Autoencoder, clips: Sequence[str]) -> np.ndarray:
    """Latents (n, d) of ``clips``, by the module in the mode that it is in."""
    latents = []
    for _, images in _images(job, job.features, job.features.rows_of(clips)):
        with job.hardware.autocast():
            latents.append(module.encode(images).float().cpu().numpy())
    return np.concatenate(latents)


def _images(
    job: TrainingJob, features: FeatureStore | ResidentStore, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Batches (indices into ``rows``, images) in order."""
    return batches.prediction_batches(
        features, rows, job.recipe.batch_clips, 0, 1, job.hardware.device
    )
