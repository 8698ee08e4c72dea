"""Spread the verified labels of one group to its other clips."""

import logging
from typing import Any

import numpy as np

from earmark.dataset import clips, tables
from earmark.features import store
from earmark.labels import label_table, selections, spreading
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *, labels_table: str, clips_table: str, vectors: str, spread: str, cfg: dict[str, Any]
) -> None:
    """Write the group's table: clip, given, spread, confidence, state.

    ``vectors`` is a file of latents or of spectrograms; ``cfg`` has ``classes`` of the group,
    ``latent_divisor`` and the settings of the kernel.
    """
    labelled = selections.labelled(label_table.read(labels_table), clips.read(clips_table))
    members = labelled[labelled["label"].isin(cfg["classes"])]
    points = store.read_vectors(vectors, members["clip"].tolist())
    points /= np.float32(cfg["latent_divisor"])
    table = spreading.spread(
        members["clip"].tolist(),
        members["label"].tolist(),
        members["verified"].to_numpy() == 1,
        points,
        cfg,
    )
    undecided = int((table["state"] == "undecided").sum())
    if undecided and members["label"].nunique() == 1:
        log.warning(
            "%s: spreading cannot confirm labels in a group with one class (%s): %d clips are "
            "undecided and not promoted. Put the class into a group with others.",
            spread,
            members["label"].iloc[0],
            undecided,
        )
    elif undecided:
        log.warning(
            "%s: %d of %d clips are undecided (too far from all verified clips, for this gamma) "
            "and not promoted. Try a smaller gamma, or `gamma: auto`.",
            spread,
            undecided,
            len(table),
        )
    tables.write_table(table, spread)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
