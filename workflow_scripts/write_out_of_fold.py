"""What each system and ensemble says of the train clips that its models held out."""

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
    of = {tuple(key): path for key, path in zip(cfg["files"], members, strict=True)}
    known, held_out = label_table.read(labels_table), folds.read(folds_table)
    parts = []
    for seed in dict.fromkeys(seed for _, seed in cfg["files"]):
        read = {name: predictions.read(path) for (name, own), path in of.items() if own == seed}
        for entry, settings in cfg["entries"].items():
            own = {name: read[name] for name in settings["members"]}
            found = out_of_fold.combine(own, known, settings["kind"], settings["exponent"], entry)
            parts.append(out_of_fold.rows(entry, seed, found, known, held_out))
    tables.write_table(pd.concat(parts, ignore_index=True), out_of_fold_table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
