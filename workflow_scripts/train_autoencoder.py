"""Train the autoencoder on all train clips and store their latents."""

from typing import Any

from earmark.dataset import clips
from earmark.features import store
from earmark.networks.autoencoder import Autoencoder
from earmark.runtime import job
from earmark.training import autoencoder, seeds, training_job


def main(
    *,
    clips_table: str,
    feature_file: str,
    weights: str,
    metadata: str,
    history: str,
    latents: str,
    cfg: dict[str, Any],
    seed: int,
    threads: int,
    hardware_settings: dict[str, Any],
    code: str,
) -> None:
    """Train on the spectrograms of ``feature_file``; labels and folds are not used.

    ``cfg`` has the ``recipe``, ``batch_norm_momentum`` and ``latents_mode``. Writes weights,
    metadata (JSON), history (CSV) and latents (n, d) of the train clips.
    """
    training_seed = seeds.derive_seed(seed, "autoencoder")
    cfg = {**cfg, "network": "autoencoder", "seed": seed}
    inputs = {"clips": clips_table, "features": feature_file}
    outputs = {"weights": weights, "metadata": metadata, "history": history}
    with training_job.open_training_job(
        "autoencoder", training_seed, cfg, inputs, outputs, code, threads, hardware_settings
    ) as training:
        usable = clips.usable(clips.read(clips_table)).tolist()
        model = Autoencoder(training.features.shape, cfg["batch_norm_momentum"])
        training.save(model, autoencoder.train(training, model, usable))
        # Last, as latents taken in training mode change batch norms' running statistics.
        model.train(cfg["latents_mode"] == "training")
        store.write_latents(latents, usable, autoencoder.encode(training, model, usable))


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
