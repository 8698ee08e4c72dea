"""Draw the autoencoder's loss, and a few clips with their reconstructions."""

import pandas as pd
import torch

from earmark.features import store
from earmark.networks import saved_models
from earmark.networks.autoencoder import Autoencoder
from earmark.report2018 import example_clips, spectrograms
from earmark.reporting import figures, training_curves
from earmark.runtime import job
from earmark.training.autoencoder import validation_clips

SHOWN_CLIPS = 3  # each with another label


def main(
    *,
    labels_table: str,
    clips_table: str,
    feature_file: str,
    weights: str,
    metadata: str,
    history: str,
    curves_png: str,
    curves_svg: str,
    reconstructions_png: str,
    reconstructions_svg: str,
) -> None:
    """Write the loss curves, and originals above reconstructions of a few validation clips."""
    figures.save(training_curves.autoencoder_curves(pd.read_csv(history)), curves_png, curves_svg)
    model = saved_models.read_metadata(metadata, {"batch_norm_momentum": float})
    clips = example_clips.read(labels_table, clips_table)
    clips = clips[clips["clip"].isin(validation_clips(clips["clip"].tolist()))]
    chosen = example_clips.of_different_labels(clips, SHOWN_CLIPS)
    with store.FeatureStore(feature_file) as features:
        originals = spectrograms.read(features, chosen)
        module = Autoencoder(features.shape, model["batch_norm_momentum"])
    saved_models.load(module, weights)
    with torch.no_grad():
        images = torch.stack([torch.from_numpy(one.values).float() for one in originals])
        outputs = module.eval()(images).numpy()
    figure = spectrograms.reconstructions(originals, outputs)
    figures.save(figure, reconstructions_png, reconstructions_svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
