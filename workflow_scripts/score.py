"""Score submissions against the published ground truth; the only script that reads it."""

from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import clips
from earmark.dataset import tables as csv_tables
from earmark.evaluation import (
    calibration,
    choosing,
    combining,
    evaluating,
    judging,
    scoring,
    submission,
)
from earmark.evaluation import truth as ground_truth
from earmark.runtime import job


def main(
    *,
    truth: str,
    submissions: list[str],
    members: list[str],
    calibrations: list[str],
    clips_table: str,
    choice: list[str],
    scores: str,
    clip_scores: str,
    tables: list[str],
    cfg: dict[str, Any],
) -> None:
    """Write scores.csv, the scores of each clip, and the tables of ``evaluating.write``.

    ``submissions`` are those of each of ``cfg["entries"]`` (settings by name) for each of
    ``cfg["seeds"]``; ``members`` and ``calibrations`` are the predictions and calibrations of each
    of ``cfg["systems"]``, by seed too. ``cfg["candidates"]`` are those of the submission.
    """
    by_seed = {}
    systems = cfg["systems"]
    for place, seed in enumerate(cfg["seeds"]):
        these = slice(place * len(systems), (place + 1) * len(systems))
        by_seed[seed] = (
            combining.read_means(dict(zip(systems, members[these], strict=True))),
            calibration.read_all(dict(zip(systems, calibrations[these], strict=True))),
        )
    names = [(seed, entry) for seed in cfg["seeds"] for entry in cfg["entries"]]
    classes = next(iter(next(iter(by_seed.values()))[0].values())).classes
    guesses = [submission.read(path, classes) for path in submissions]
    true_labels, remarks = ground_truth.fit(
        ground_truth.read_test(truth, classes), list(guesses[0]), classes, "test"
    )
    parts = [
        scoring.score_clips(entry, seed, guessed, true_labels)
        for (seed, entry), guessed in zip(names, guesses, strict=True)
    ]
    of_clips = pd.concat(parts, ignore_index=True)
    csv_tables.write_table(of_clips, clip_scores)
    csv_tables.write_table(scoring.score(of_clips), scores)
    judged = [
        one
        for seed, (by_system, known) in by_seed.items()
        for one in judging.tested(cfg["entries"], seed, by_system, known, true_labels)
    ]
    shown = choosing.shown(choice, cfg["candidates"], cfg["entries"])
    table = clips.read(clips_table)
    evaluating.write(Path(tables[0]).parent, judged, shown, table, remarks)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
