"""Draw loss, accuracy and MAP@3 of one system, through all its self-training rounds."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.reporting import figures, training_curves
from earmark.runtime import job


def main(
    *, histories: list[str], metadata: list[str], png: str, svg: str, cfg: dict[str, Any]
) -> None:
    """Write the curves of ``histories``: the base model's, if any, then those of its rounds.

    ``metadata`` are the models' (model.json), ``cfg`` has the ``title`` and the ``rounds`` of the
    histories, where the base is 0.
    """
    parts = []
    for number, path, described in zip(cfg["rounds"], histories, metadata, strict=True):
        history = pd.read_csv(path).assign(round=number)
        model = json.loads(Path(described).read_text(encoding="utf-8"))
        parts.append(history.assign(kept=history["epoch"] == model["kept_epoch"]))
    title = f"{cfg['title']}: {model['clips']['validation']} validation clips"
    history = pd.concat(parts, ignore_index=True)
    figures.save(training_curves.training_curves(history, title), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
