"""Put the out-of-fold predictions of each system and ensemble into one table."""

import logging
from typing import Any

import pandas as pd

from earmark.dataset import folds, tables
from earmark.evaluation import out_of_fold, predictions, scoring
from earmark.labels import label_table
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    labels_table: str,
    folds_table: str,
    out_of_fold_table: str,
    cfg: dict[str, Any],
) -> None:
    """Write out_of_fold.csv.

    ``members`` are files of the train clips' predictions, ``cfg["files"]`` gives (system, seed) of
    each; ``cfg["entries"]`` are the systems and ensembles, by name, with ``members``, ``kind`` and
    ``exponent``.
    """
    paths: dict[int, dict[str, str]] = {}
    for (system, seed), path in zip(cfg["files"], members, strict=True):
        paths.setdefault(seed, {})[system] = path
    labels, folds_of_clips = label_table.read(labels_table), folds.read(folds_table)
    parts = []
    for seed, files in paths.items():
        by_system = {system: predictions.read(path) for system, path in files.items()}
        for name, settings in cfg["entries"].items():
            predicted = {member: by_system[member] for member in settings["members"]}
            mean = out_of_fold.combine(name, settings, predicted, labels)
            parts.append(out_of_fold.rows(name, seed, mean, labels, folds_of_clips))
    tables.write_table(pd.concat(parts, ignore_index=True), out_of_fold_table)
    scores = scoring.score(scoring.read_clip_scores(out_of_fold_table))
    for row in scores[scores["split"] == "all"].itertuples():
        log.info(
            "%s, seed %s, out of fold: the first guess is right for %.1f %% of %d verified clips, "
            "MAP@3 is %.3f (standard error %.3f). Each clip's guesses are in %s.",
            *(row.system, row.seed, 100 * row.accuracy, row.clips, row.map3, row.standard_error),
            out_of_fold_table,
            extra={"terminal": True},
        )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
