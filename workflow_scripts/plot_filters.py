"""Draw what the first layer's filters respond to, and what they make of one clip.

The former is found by activation maximisation: gradient ascent on the input (Erhan et al. 2009; see
``earmark.report2018.activation``).
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
        (sound,) = spectrograms.read(features, chosen)
        module, _, described = predicting.load(features, weights, metadata)
    name = described["network"]
    layers, last = activation.first_layer(module.eval())
    preferred = activation.preferred_inputs(layers, seeds.derive_seed(seed, "filters")).numpy()
    bin_hertz = 1000 * sound.highest_khz / sound.values.shape[0]
    title = f"{name}: what the first layer's {len(preferred)} filters respond to"
    figure = spectrograms.filters(preferred, bin_hertz, title)
    figures.save(figure, filters_png, filters_svg)
    image = torch.from_numpy(sound.values).float()
    maps = activation.output_of(last, module, image).numpy()
    label, clip = figures.readable(chosen["label"].item()), chosen["clip"].item()
    title = f"{name}: the first layer's maps of {clip} ({label})"
    figures.save(spectrograms.feature_maps(sound, maps, title), maps_png, maps_svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
