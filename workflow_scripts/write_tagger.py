"""Write a tagger: the networks of the submission, and what it takes to use them elsewhere."""

import logging
from typing import Any

from earmark.dataset import clips
from earmark.evaluation import calibration, choosing, combining, scoring
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
    calibrations: list[str],
    choice: list[str],
    clips_table: str,
    labels_table: str,
    clip_scores: list[str],
    folder: str,
    cfg: dict[str, Any],
) -> None:
    """Write a bundle to ``folder``.

    ``cfg["candidates"]`` are settings of systems and ensembles, by name, of which ``choice`` (a
    file, or none) has the one to use. ``cfg["weights"]`` names the copies of ``weights`` and gives
    the system of each; ``cfg["features"]`` has the feature of each system, in the order of
    ``calibrations``. ``cfg`` further has ``every_clip`` (whether no fold was held out), ``seed``
    and ``limits`` (of a clip's length). ``clip_scores`` are tables of scores for the card:
    out_of_fold.csv, and clip_scores.csv where the ground truth is known.
    """
    submitted = choosing.chosen(choice, list(cfg["candidates"]))
    settings = cfg["candidates"][submitted]
    known = calibration.read_all(dict(zip(cfg["features"], calibrations, strict=True)))
    models, systems, copied = {}, {}, {}
    for (name, system), weights_file, path in zip(
        cfg["weights"].items(), weights, metadata, strict=True
    ):
        if system not in settings["members"]:
            continue
        copied[name] = weights_file
        models[system] = model = saved_models.read_metadata(path, METADATA)
        names = (model[key] for key in ("network", "network_options", "recipe"))
        described = bundle.System(
            cfg["features"][system], *names, weights=[], temperature=known[system].temperature
        )
        systems.setdefault(system, described).weights.append(name)
    scores = combining.weighing_scores(settings, known)
    tagger = bundle.Bundle(
        name=cfg["results"],
        classes=model["classes"],
        combination=bundle.Combination(
            settings["kind"], settings["exponent"], settings["members"], scores
        ),
        features={cfg["features"][system]: model["feature"] for system, model in models.items()},
        systems=systems,
        versions=model["versions"],
        **cfg["limits"],
    )
    scored = [scoring.score(scoring.read_clip_scores(path)) for path in clip_scores]
    about = card_of.make(
        tagger,
        submitted,
        cfg["every_clip"],
        models,
        clips.read(clips_table),
        label_table.read(labels_table),
        [rows[(rows["system"] == submitted) & (rows["seed"] == cfg["seed"])] for rows in scored],
    )
    bundle.write(folder, tagger, copied, about)
    log.info(
        "%s has the networks of %s. Its README.md says what they are for, and how good.",
        folder,
        submitted,
        extra={"terminal": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
