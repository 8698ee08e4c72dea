"""Evaluate systems and ensembles on verified train clips, by models that held them out."""

import logging
from pathlib import Path
from typing import Any

from earmark.dataset import clips, folds
from earmark.evaluation import choosing, evaluating, judging, predictions
from earmark.labels import label_table
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    labels_table: str,
    folds_table: str,
    clips_table: str,
    choice: list[str],
    scores: str,
    tables: list[str],
    cfg: dict[str, Any],
) -> None:
    """Write the tables of ``evaluating.write`` to the folder of ``scores``.

    ``members`` are files of train clips' predictions, ``cfg["files"]`` gives (system, seed) of
    each; ``cfg["entries"]`` are settings of systems and ensembles by name, ``cfg["candidates"]``
    those of the submission; ``cfg`` further has what ``judging.remarks`` needs.
    """
    labels, folds_of_clips = label_table.read(labels_table), folds.read(folds_table)
    by_seed: dict[int, dict[str, predictions.Predictions]] = {}
    for (system, seed), path in zip(cfg["files"], members, strict=True):
        by_seed.setdefault(seed, {})[system] = predictions.read(path)
    judged = [
        one
        for seed, by_system in by_seed.items()
        for one in judging.held_out(cfg["entries"], seed, by_system, labels, folds_of_clips)
    ]
    shown = choosing.shown(choice, cfg["candidates"], cfg["entries"])
    told = judging.remarks(judged, labels, cfg)
    table = evaluating.write(Path(scores).parent, judged, shown, clips.read(clips_table), told)
    for sentence in told:
        log.info("%s", sentence, extra={"terminal": sentence == judging.NO_TRUTH})
    for row in table[(table["split"] == "all") & (table["system"] == shown)].itertuples():
        log.info(
            "%s, seed %s, out of fold: accuracy %.1f %% (95 %% interval %.1f to %.1f %%) on %d "
            "verified clips.",
            *(row.system, row.seed, 100 * row.accuracy, 100 * row.accuracy_low),
            *(100 * row.accuracy_high, row.clips),
            extra={"terminal": True},
        )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
