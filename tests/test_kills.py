"""Killed on the way and started again, a run ends as if nothing had happened. Few epochs of a tiny
set; `make test-long` kills the demo many times.
"""

import re
from pathlib import Path
from typing import Any

import kills
import pytest
from kills import ALL_TERMINATED, SNAKEMAKE_KILLED, TRAINING_KILLED, TRAINING_TERMINATED, Kill
from test_end_to_end import CLASSES, SHORT, TINY
from tiny import make_set, merged, snakemake

LONGER = {**SHORT, "epochs": 40}
LOGS = Path("logs/four")
JOBS = {
    "autoencoder": LOGS / "train_autoencoder/stft.log",
    "model": LOGS / "train_model/cnn_logmel/seed1_fold0.log",
    "round": LOGS / "selftrain_round/vgg_fewer_semi/seed1_fold0_round1.log",
}


class Reference:
    """A finished run that nobody disturbed."""

    def __init__(self, base: Path) -> None:
        made = make_set(base / "four", CLASSES, clips=8)
        epochs: dict[str, Any] = {
            "dataset": str(made.folder),
            "submission": "arithmetic",
            "recipes": {"autoencoder": LONGER, "adjust": LONGER, "crops": {"epochs": 40}},
        }
        self.overlay = merged(TINY, epochs)
        self.directory = base / "reference"
        code, text = snakemake(self.directory, "submission.csv", overlay=self.overlay)
        assert code == 0, text


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize(
    ("job", "epoch", "kind"),
    [
        ("round", 3, TRAINING_KILLED),
        ("autoencoder", 5, SNAKEMAKE_KILLED),
        ("model", 2, TRAINING_TERMINATED),
        ("model", 7, ALL_TERMINATED),
    ],
)
def test_the_same_command_ends_with_the_same_bytes(
    reference: Reference, tmp_path: Path, job: str, epoch: int, kind: str
) -> None:
    directory = tmp_path / "run"
    kills.without_training(reference.directory, directory, "four")
    run = kills.Disturbed(directory, ["submission.csv"], reference.overlay)
    kill = Kill(job, JOBS[job], epoch, kind)
    run.finish([kill])
    assert kill.done, "the training was over before it could be killed"
    assert len(run.codes) == 2, run.printed
    # No more than the epoch in hand was lost: what was done before is not done again.
    text = (directory / JOBS[job]).read_text(encoding="utf-8")
    epochs = [int(number) for number in re.findall(r"INFO epoch (\d+),", text)]
    assert kill.resumed_after is not None
    assert kill.resumed_after >= epoch
    assert epochs == list(range(kill.resumed_after + 1, 41))
    # A job that SIGTERM reaches, or whose Snakemake is gone, saves within the epoch.
    stopped = "Stopped by SIGTERM after epoch" in run.printed[0]
    assert stopped == (kind != TRAINING_KILLED), run.printed[0]
    expected = kills.outcome(reference.directory, "four")
    found = kills.outcome(directory, "four")
    assert found.keys() == expected.keys()
    assert [path for path, content in expected.items() if found[path] != content] == []
