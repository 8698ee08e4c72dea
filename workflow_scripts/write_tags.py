"""Write the labels of the sounds to tag, and why others could not be heard."""

import logging
from pathlib import Path
from typing import Any

from earmark.dataset import clips
from earmark.dataset import tables as csv_tables
from earmark.evaluation import combining
from earmark.evaluation import tags as tag_table
from earmark.runtime import job
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    train_predictions: list[str],
    labels_table: list[str],
    clips_table: str,
    tags: str,
    top: str,
    cfg: dict[str, Any],
) -> None:
    """Write ``tags`` (CSV) and ``top``, a copy of it.

    ``members``, ``train_predictions``, ``labels_table`` and ``cfg`` are as in
    ``combine_predictions``.
    """
    mean = combining.combine_files(cfg, members, train_predictions, labels_table)
    clip_table = clips.read(clips_table)
    table = tag_table.make(clip_table, mean)
    csv_tables.write_table(table, tags)
    with atomic_file(top) as temporary:
        temporary.write_bytes(Path(tags).read_bytes())
    unheard = int((table["label"].isna()).sum())
    log.info(
        "%s has the tags of %d sounds by %s.",
        top,
        len(clip_table) - unheard,
        cfg["name"],
        extra={"terminal": True},
    )
    if unheard:
        log.warning("%d sounds cannot be heard: the column problem of %s says why.", unheard, top)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
