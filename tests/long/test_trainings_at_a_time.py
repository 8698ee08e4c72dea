"""Trainings share no processors, whatever -j says."""

import os
import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tiny import make_set, merged, snakemake
from tiny_run import CLASSES, TINY

MODELS = [("vgg_fewer", 0), ("cnn_logmel", 0), ("cnn_logmel", 1)]


def interval(log: Path) -> tuple[datetime, datetime]:
    """First and last time in a log."""
    found = re.findall(r"^(\d{4}-\d\d-\d\d [\d:,]+) ", log.read_text(), re.M)
    first, *_, last = (datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f") for text in found)
    return first, last


def test_no_more_training_threads_than_processors(tmp_path: Path) -> None:
    processors = len(os.sched_getaffinity(0))
    made = make_set(tmp_path / "four", CLASSES, clips=8)
    overlay = merged(
        TINY,
        {
            "dataset": str(made.folder),
            "training_threads": processors,
            "systems": {"vgg_fewer": {"labels": "everything"}, "vgg_fewer_semi": None},
            "ensembles": dict.fromkeys(("arithmetic", "geometric", "power", "weighted")),
        },
    )
    wanted = [f"results/four/models/{s}/seed1/fold{f}/model.json" for s, f in MODELS]
    code, text = snakemake(tmp_path / "run", *wanted, f"-j{4 * processors}", overlay=overlay)
    assert code == 0, text
    logs = [tmp_path / f"run/logs/four/train_model/{s}/seed1_fold{f}.log" for s, f in MODELS]
    intervals = sorted(map(interval, logs))
    for (_, end), (begin, _) in pairwise(intervals):
        assert end <= begin
