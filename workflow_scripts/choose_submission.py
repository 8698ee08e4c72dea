"""Choose the submission among candidates: the best out of fold, or the first."""

import logging
from typing import Any

from earmark.dataset import folds, tables
from earmark.evaluation import choosing, out_of_fold, predictions
from earmark.labels import label_table
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    labels_table: str,
    folds_table: str,
    choice: str,
    cfg: dict[str, Any],
) -> None:
    """Write choice.csv.

    ``members`` are files of train clips' predictions by each of ``cfg["systems"]``;
    ``cfg["candidates"]`` are settings of systems and ensembles, by name, the default first.
    """
    by_system = {
        system: predictions.read(path) for system, path in zip(cfg["systems"], members, strict=True)
    }
    values, recordings = out_of_fold.paired_scores(
        cfg["candidates"], by_system, label_table.read(labels_table), folds.read(folds_table)
    )
    table = choosing.choose(values, recordings)
    tables.write_table(table.round(6), choice)
    log.info("%s", choosing.sentence(table), extra={"terminal": True})


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
