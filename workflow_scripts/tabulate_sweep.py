"""Compare the settings of a sweep: a table and a figure."""

import logging
from typing import Any

import pandas as pd

from earmark.dataset import folds, tables
from earmark.evaluation import predictions, sweeps
from earmark.labels import label_table
from earmark.networks import cost, saved_models
from earmark.reporting import figures, sweep_figure
from earmark.runtime import job

log = logging.getLogger("earmark")

COUNTS = ("seeds", "clips", "multiply_adds", "parameters")


def main(
    *,
    members: list[str],
    metadata: list[str],
    labels_table: str,
    folds_table: str,
    table: str,
    png: str,
    svg: str,
    cfg: dict[str, Any],
) -> None:
    """Write a row per system of a sweep, and a figure of their scores.

    ``cfg["systems"]`` has, by system, the files of ``sweeps.seconds_of``. ``members`` are files of
    its train clips' predictions for each of ``cfg["seeds"]``, ``metadata`` those of one model each.
    Systems that are ``cfg["missing"]`` get an empty row.
    """
    systems = list(cfg["systems"])
    files = [(system, seed) for system in systems for seed in cfg["seeds"]]
    predicted = {key: predictions.read(path) for key, path in zip(files, members, strict=True)}
    folds_of_clips = folds.read(folds_table)
    scores = sweeps.clip_scores(predicted, label_table.read(labels_table), folds_of_clips)
    needed = {"network": str, "network_options": dict, "input_shape": list, "classes": list}
    costs = [cost.cost_of(saved_models.read_metadata(path, needed)) for path in metadata]
    found = sweeps.table(scores, systems, folds_of_clips).join(pd.DataFrame(costs))
    found["seconds"] = [sweeps.seconds_of(benchmarks) for benchmarks in cfg["systems"].values()]
    rows = found.set_index("system").reindex([*systems, *cfg["missing"]]).reset_index()
    rows = rows.astype(dict.fromkeys(COUNTS, "Int64"))
    tables.write_table(rows.round(6), table)
    figures.save(sweep_figure.sweep_figure(found), png, svg)
    if cfg["missing"]:
        log.warning("Without %s: not trained yet, or failed.", ", ".join(cfg["missing"]))
    log.info("Compared %d settings in %s.", len(found), table, extra={"terminal": True})


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
