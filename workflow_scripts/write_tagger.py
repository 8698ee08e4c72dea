"""Write a tagger: the networks of the submission, and what it takes to use them elsewhere."""

import logging
from pathlib import Path
from typing import Any

from earmark.dataset import clips
from earmark.evaluation import combining, scoring
from earmark.labels import label_table
from earmark.networks import saved_models
from earmark.runtime import job
from earmark.tagging import bundle
from earmark.tagging import card as card_of

log = logging.getLogger("earmark")

# What its models' metadata must have.
METADATA = {
    **{"network": str, "network_options": dict, "recipe": dict, "feature": dict},
    **{"classes": list, "clips": dict, "kept_epoch": int, "versions": dict},
}


def main(
    *,
    weights: list[str],
    metadata: list[str],
    train_predictions: list[str],
    clips_table: str,
    labels_table: str,
    clip_scores: list[str],
    description: str,
    card: str,
    copies: list[str],
    cfg: dict[str, Any],
) -> None:
    """Write the folder of ``description``, ``card`` and ``copies`` of the ``weights``.

    ``cfg["weights"]`` names the copies and gives the system of each. ``cfg`` further has what
    ``combine_predictions`` needs, the ``features`` of systems, ``every_clip`` (whether no fold was
    held out), ``seed`` and ``limits`` (of a clip's length). ``clip_scores`` are tables of the
    submission's scores for the card: out_of_fold.csv, and clip_scores.csv where the ground truth is
    known.
    """
    files = list(cfg["weights"].items())
    models, systems = {}, {}
    for (name, system), path in zip(files, metadata, strict=True):
        models[system] = model = saved_models.read_metadata(path, METADATA)
        names = (model[key] for key in ("network", "network_options", "recipe"))
        described = bundle.System(cfg["features"][system], *names, weights=[])
        systems.setdefault(system, described).weights.append(name)
    scores = combining.weighing_scores(cfg, train_predictions, [labels_table])
    tagger = bundle.Bundle(
        name=cfg["results"],
        classes=model["classes"],
        combination=bundle.Combination(cfg["kind"], cfg["exponent"], cfg["members"], scores),
        features={cfg["features"][system]: model["feature"] for system, model in models.items()},
        systems=systems,
        versions=model["versions"],
        **cfg["limits"],
    )
    scored = [scoring.score(scoring.read_clip_scores(path)) for path in clip_scores]
    about = card_of.make(
        tagger,
        cfg["name"],
        cfg["every_clip"],
        models,
        clips.read(clips_table),
        label_table.read(labels_table),
        [rows[(rows["system"] == cfg["name"]) & (rows["seed"] == cfg["seed"])] for rows in scored],
    )
    folder = Path(description).parent
    copied = {name: path for (name, _), path in zip(files, weights, strict=True)}
    bundle.write(folder, tagger, copied, about)
    log.info(
        "%s has the networks of %s: its README.md is about them.",
        folder,
        cfg["name"],
        extra={"terminal": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
