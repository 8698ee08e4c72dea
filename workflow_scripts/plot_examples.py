"""Draw the spectrograms of an example clip of each of a few classes."""

from typing import Any

import pandas as pd

from earmark.features import store
from earmark.report2018 import example_clips, spectrograms
from earmark.reporting import figures
from earmark.runtime import job


def main(
    *,
    labels_table: str,
    clips_table: str,
    feature_file: str,
    png: str,
    svg: str,
    cfg: dict[str, Any],
) -> None:
    """Write a figure with a verified train clip of median length for each of ``cfg['labels']``."""
    clips = example_clips.read(labels_table, clips_table)
    chosen = pd.concat([example_clips.of_label(clips, label) for label in cfg["labels"]])
    with store.FeatureStore(feature_file) as features:
        examples = spectrograms.read(features, chosen)
    figures.save(spectrograms.examples(examples), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
