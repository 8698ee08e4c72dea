"""Train the autoencoder on the spectrograms of all clips; labels and folds are not used."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from earmark.features.store import FeatureStore
from earmark.inference import batches
from earmark.inference.batches import Batch, Crops, Examples
from earmark.inference.gpu_store import GpuFeatureStore
from earmark.networks.autoencoder import Autoencoder
from earmark.training import loop
from earmark.training.compiling import Forward
from earmark.training.training_job import TrainingJob

# One clip of so many is held out for validation (report, section 3: 10 %).
VALIDATION_EVERY_NTH = 10


def validation_clips(names: Sequence[str]) -> set[str]:
    """The clips held out for validation: by a hash of each name, whatever other clips there are.

    If the hash selects none of them, the clip with the lowest hash is held out.
    """
    by_hash = sorted((zlib.crc32(name.encode()), name) for name in names)
    chosen = {name for number, name in by_hash if number % VALIDATION_EVERY_NTH == 0}
    return chosen or ({by_hash[0][1]} if len(by_hash) > 1 else set())


def train(job: TrainingJob, module: Autoencoder, clips: Sequence[str]) -> loop.Trained:
    """Train ``module`` in place on ``clips``, except those held out for validation.

    Columns of the history: epoch, learning_rate, train_loss and, with validation clips,
    validation_loss.
    """
    held_out = validation_clips(clips)
    train_clips = [clip for clip in clips if clip not in held_out]
    rows = job.features.rows_of(train_clips)
    train = Examples(rows, np.zeros_like(rows), np.ones(len(rows), np.float32), train_clips)
    validation_rows = job.features.rows_of(sorted(held_out))
    crops, device = Crops(batch_clips=job.recipe.batch_clips), job.hardware.device

    def loss_of(images: Tensor, forward: Forward) -> Tensor:
        with job.hardware.autocast():
            reconstructions = forward(images)
        return nn.functional.mse_loss(reconstructions.float(), images)

    def losses(forward: Forward, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss = loss_of(batch.inputs, forward)
        return loss, {"loss": loss.detach() * len(batch.inputs)}

    @torch.no_grad()
    def validate(features: FeatureStore | GpuFeatureStore) -> loop.Metrics:
        if not held_out:
            return {}
        module.eval()
        total = 0.0
        for indices, images in batches.prediction_batches(features, validation_rows, crops, device):
            total += loss_of(images, module).item() * len(indices)
        return {"validation_loss": total / len(held_out)}

    return job.fit(module, train, 1, losses, validate, lambda epoch: (-epoch["validation_loss"],))


@torch.no_grad()
def encode(job: TrainingJob, module: Autoencoder, clips: Sequence[str]) -> np.ndarray:
    """Latents (n, d) of ``clips``, by the module in its current mode (training or evaluation)."""
    latents = []
    rows, crops = job.features.rows_of(clips), Crops(batch_clips=job.recipe.batch_clips)
    for _, images in batches.prediction_batches(job.features, rows, crops, job.hardware.device):
        with job.hardware.autocast():
            latents.append(module.encode(images).float().cpu().numpy())
    return np.concatenate(latents)
