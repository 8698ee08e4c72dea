"""Put the out-of-fold predictions of each system and ensemble into one table."""

from typing import Any

import pandas as pd

from earmark.dataset import folds, tables
from earmark.evaluation import out_of_fold, predictions
from earmark.labels import label_table
from earmark.runtime import job


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
    paths = {tuple(key): path for key, path in zip(cfg["files"], members, strict=True)}
    labels, folds_of_clips = label_table.read(labels_table), folds.read(folds_table)
    parts = []
    for seed in dict.fromkeys(seed for _, seed in paths):
        read = {name: predictions.read(path) for (name, own), path in paths.items() if own == seed}
        for entry, settings in cfg["entries"].items():
            own = {name: read[name] for name in settings["members"]}
            mean = out_of_fold.combine(own, labels, settings["kind"], settings["exponent"], entry)
            parts.append(out_of_fold.rows(entry, seed, mean, labels, folds_of_clips))
    tables.write_table(pd.concat(parts, ignore_index=True), out_of_fold_table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
