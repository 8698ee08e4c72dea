"""Write a tagger: the networks of the submission, and what it takes to use them elsewhere."""

import logging
import shutil
from pathlib import Path
from typing import Any

from earmark.dataset import clips
from earmark.evaluation import combining, scoring
from earmark.labels import label_table
from earmark.networks import saved_models
from earmark.runtime import job
from earmark.tagging import bundle
from earmark.tagging import card as model_card

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
    held out), ``seed`` and ``longest_seconds``. ``clip_scores`` are tables of the submission's
    scores for the card: out_of_fold.csv, and clip_scores.csv where the ground truth is known.
    """
    models = [saved_models.read_metadata(path, METADATA) for path in metadata]
    described = bundle.Bundle(
        name=cfg["results"],
        classes=models[0]["classes"],
        combination=bundle.Combination(
            cfg["kind"],
            cfg["exponent"],
            cfg["members"],
            combining.weighing_scores(cfg, train_predictions, [labels_table]),
        ),
        features={},
        systems={},
        longest_seconds=cfg["longest_seconds"],
    )
    files = list(cfg["weights"].items())
    for (name, system), model in zip(files, models, strict=True):
        if model["classes"] != described.classes:
            raise ValueError(f"The members of {cfg['name']} were trained on different classes.")
        feature = cfg["features"][system]
        described.features[feature] = model["feature"]
        options, recipe = model["network_options"], model["recipe"]
        entry = bundle.System(feature, model["network"], options, recipe, [])
        described.systems.setdefault(system, entry).weights.append(name)
    tables = [scoring.score(scoring.read_clip_scores(path)) for path in clip_scores]
    facts = model_card.Facts(
        submission=cfg["name"],
        learned_from_every_clip=cfg["every_clip"],
        models={system: model for (_, system), model in zip(files, models, strict=True)},
        clips=clips.read(clips_table),
        labels=label_table.read(labels_table),
        scores=[
            table[(table["system"] == cfg["name"]) & (table["seed"] == cfg["seed"])]
            for table in tables
        ],
    )
    folder = Path(description).parent
    # It may have weights of other members.
    shutil.rmtree(folder, ignore_errors=True)
    copied = {name: path for (name, _), path in zip(files, weights, strict=True)}
    bundle.write(folder, described, copied, model_card.make(described, facts))
    log.info(
        "%s has the networks of %s, and a README.md about them. Try `earmark tag %s FOLDER`.",
        folder,
        cfg["name"],
        folder,
        extra={"terminal": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
