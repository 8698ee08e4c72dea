"""Draw what the first layer's filters respond to, and their feature maps of one clip.

The former is computed by activation maximisation (see ``earmark.report2018.activation``).
"""

from typing import Any

import torch

from earmark.features import store
from earmark.inference import predicting
from earmark.report2018 import activation, example_clips, spectrograms
from earmark.reporting import figures
from earmark.runtime import job
from earmark.training import seeds


def main(
    *,
    labels_table: str,
    clips_table: str,
    feature_file: str,
    weights: str,
    metadata: str,
    filters_png: str,
    filters_svg: str,
    maps_png: str,
    maps_svg: str,
    cfg: dict[str, Any],
    seed: int,
) -> None:
    """Write a figure of all first-layer filters and one of their maps of a verified train clip.

    ``cfg`` has the ``label`` of the clip, which is of median length.
    """
    clips = example_clips.read(labels_table, clips_table)
    chosen = example_clips.of_label(clips, cfg["label"])
    with store.FeatureStore(feature_file) as features:
        (spectrogram,) = spectrograms.read(features, chosen)
        module, _, model = predicting.load(features, weights, metadata)
    name = model["network"]
    layers, last = activation.first_layer(module.eval())
    preferred = activation.preferred_inputs(layers, seeds.derive_seed(seed, "filters")).numpy()
    bin_hertz = 1000 * spectrogram.highest_khz / spectrogram.values.shape[0]
    title = f"{name}: what the first layer's {len(preferred)} filters respond to"
    figure = spectrograms.filters(preferred, bin_hertz, title)
    figures.save(figure, filters_png, filters_svg)
    image = torch.from_numpy(spectrogram.values).float()
    maps = activation.output_of(last, module, image).numpy()
    label, clip = figures.readable(chosen["label"].item()), chosen["clip"].item()
    title = f"{name}: the first layer's maps of {clip} ({label})"
    figures.save(spectrograms.feature_maps(spectrogram, maps, title), maps_png, maps_svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
