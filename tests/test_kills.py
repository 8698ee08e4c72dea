"""Killed on the way and started again, a run ends as if nothing had happened. Few epochs of a tiny
set; `make test-long` kills the demo many times.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kills
import pytest
from kills import (
    ALL_TERMINATED,
    CTRL_C,
    SNAKEMAKE_KILLED,
    TRAINING_KILLED,
    TRAINING_TERMINATED,
    Kill,
)
from tiny import REPO, merged, read_rows, snakemake
from tiny_run import SHORT, Run

EPOCHS = 16
LONGER = {**SHORT, "epochs": EPOCHS}
AUTOENCODER = "results/four/autoencoders/stft/latents.h5"
MODEL = "results/four/models/vgg_fewer/seed1/fold0/model.json"
SUBMISSION = "submission.csv"
LOGS = Path("logs/four")


class Reference:
    """A finished run that nobody disturbed, of few targets and longer trainings."""

    def __init__(self, finished: Run, base: Path) -> None:
        copied = finished.copy(base)
        changed: dict[str, Any] = {
            "submission": "vgg_fewer_semi",
            "selftraining": {"short": {"rounds": 1}},
            "recipes": {"autoencoder": {**LONGER, "patience": 0}, "vgg": LONGER, "adjust": LONGER},
            # The unverified clips are the pool of self-training.
            "systems": {"vgg_fewer": {"labels": "verified"}},
        }
        self.overlay = merged(copied.overlay, changed)
        self.directory = copied.directory
        for part in kills.TRAINED:
            shutil.rmtree(copied.results / part)
        code, text = snakemake(self.directory, SUBMISSION, AUTOENCODER, overlay=self.overlay)
        assert code == 0, text
        (pseudo,) = self.directory.glob("results/four/selftraining/*/*/*/*/pseudo_labels.csv")
        assert len(read_rows(pseudo)) > 0


@pytest.fixture(scope="module")
def reference(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(finished, tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize(
    ("target", "log", "parts", "epoch", "kind"),
    [
        (
            SUBMISSION,
            LOGS / "selftrain_round/vgg_fewer_semi/seed1_fold0_round1.log",
            ("selftraining", "predictions", "guesses"),
            3,
            TRAINING_KILLED,
        ),
        (AUTOENCODER, LOGS / "train_autoencoder/stft.log", ("autoencoders",), 5, SNAKEMAKE_KILLED),
        *[
            (MODEL, LOGS / "train_model/vgg_fewer/seed1_fold0.log", ("models",), epoch, kind)
            for epoch, kind in ((2, TRAINING_TERMINATED), (7, ALL_TERMINATED), (4, CTRL_C))
        ],
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_the_same_command_ends_with_the_same_bytes(
    reference: Reference,
    tmp_path: Path,
    target: str,
    log: Path,
    parts: tuple[str, ...],
    epoch: int,
    kind: str,
) -> None:
    directory = tmp_path / "run"
    kills.without(reference.directory, directory, "four", parts)
    run = kills.Disturbed(directory, [target], reference.overlay)
    kill = Kill(target, log, epoch, kind)
    run.finish([kill])
    assert kill.done, "the training was over before it could be killed"
    assert len(run.codes) == 2, run.printed
    # No more than the epoch in hand was lost: what was done before is not done again.
    text = (directory / log).read_text(encoding="utf-8")
    epochs = [int(number) for number in re.findall(r"INFO epoch (\d+)/", text)]
    assert kill.resumed_after is not None
    assert kill.resumed_after >= epoch
    assert epochs == list(range(kill.resumed_after + 1, EPOCHS + 1))
    # A job that SIGTERM or SIGINT reaches, or whose Snakemake is gone, saves within the epoch.
    stopped = re.search(r"Stopped by SIG(TERM|INT) in epoch", run.printed[0])
    assert bool(stopped) == (kind != TRAINING_KILLED), run.printed[0]
    expected = kills.outcome(reference.directory, "four")
    if target != SUBMISSION:
        del expected[SUBMISSION]
    found = kills.outcome(directory, "four")
    assert found.keys() == expected.keys()
    assert [path for path, content in expected.items() if found[path] != content] == []


def test_a_killed_writer_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(REPO / "tests" / "killed_writers.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPO / "workflow_scripts")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert len(told) == 9
    assert {name: found["wrong"] for name, found in told.items() if found["wrong"]} == {}
    # A kill before or after the writing would show nothing.
    assert sum(found["halfway"] for found in told.values()) > len(told)
