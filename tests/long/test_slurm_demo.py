"""Long runs through a real Slurm: the demo, and training that is interrupted in every way there is.

Wherever a job or Snakemake itself is stopped, the submission must be, byte for byte, that of a run
on one machine that nothing disturbed.
"""

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from slurm_cluster import NODE, Cluster, output
from slurm_runs import SlurmRun
from tiny import REPO, make_set, merged, snakemake
from tiny_run import CLASSES, TINY

LOG = "logs/four/train_model/cnn_logmel/seed1_fold0.log"
# One training of about two minutes: Slurm looks at time limits every half a minute only.
EPOCHS = 1000
ONE_MODEL: dict[str, Any] = {
    "recipes": {"crops": {"epochs": EPOCHS, "crop_frames": 16}},
    "systems": {"cnn_logmel": {"network_options": {"width": 16}}},
}


def test_the_demo_through_slurm_gives_the_submission_of_one_machine(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.monotonic()
    command = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "-j4"]
    alone = tmp_path / "alone"
    alone.mkdir()
    subprocess.run([*command, "submission.csv"], cwd=alone, check=True, capture_output=True)
    between = time.monotonic()
    with SlurmRun(cluster, tmp_path / "slurm", "submission.csv") as run:
        run.finish(seconds=3600)
        assert {job["JobState"] for job in run.all_jobs()} == {"COMPLETED"}
        with capsys.disabled():
            print(
                f"\nThe demo took {between - begin:.0f} s on one machine and "
                f"{time.monotonic() - between:.0f} s through Slurm, as {len(run.all_jobs())} jobs."
            )
    submitted = [(path / "submission.csv").read_bytes() for path in (alone, run.directory)]
    assert submitted[0] == submitted[1]


@dataclass
class OneModel:
    """A config with one network to train, and the submission that it gives undisturbed."""

    overlay: dict[str, Any]
    submission: bytes


@pytest.fixture(scope="module")
def one_model(tmp_path_factory: pytest.TempPathFactory) -> OneModel:
    base = tmp_path_factory.mktemp("one_model")
    made = make_set(base / "four", CLASSES, clips=24)
    overlay = merged(merged(TINY, ONE_MODEL), {"dataset": str(made.folder)})
    code, text = snakemake(base / "alone", "submission.csv", overlay=overlay, seconds=1800)
    assert code == 0, text
    return OneModel(overlay, (base / "alone" / "submission.csv").read_bytes())


@pytest.fixture
def epoch(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> int:
    """The epoch after which something happens: a random one, told so that it can be repeated."""
    chosen = random.randint(2, EPOCHS // 4)
    with capsys.disabled():
        print(f"\n{request.node.name}: after epoch {chosen}")
    return chosen


@pytest.fixture
def unwarned(tmp_path: Path) -> str:
    """The profile without its signal before the end of the time limit."""
    profile = yaml.safe_load((REPO / "profiles/slurm/config.yaml").read_text())
    for asked in profile["set-resources"].values():
        asked.pop("slurm_extra", None)
    (tmp_path / "unwarned").mkdir()
    (tmp_path / "unwarned/config.yaml").write_text(yaml.safe_dump(profile))
    return str(tmp_path / "unwarned")


def cancel(run: SlurmRun, job: dict[str, str]) -> None:
    output("scancel", job["JobId"])


def end_its_time(run: SlurmRun, job: dict[str, str]) -> None:
    output("scontrol", "update", f"JobId={job['JobId']}", "TimeLimit=1")


def preempt(run: SlurmRun, job: dict[str, str]) -> None:
    everything = ["--cpus-per-task=32", "--mem=500000", "--partition=urgent"]
    output("sbatch", *everything, "--output=/dev/null", "--wrap=sleep 5")


def lose_the_node(run: SlurmRun, job: dict[str, str]) -> None:
    output("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    run.wait_for(lambda: run.cluster.job(job["JobId"])["JobState"] == "PENDING", 60, "requeue")
    output("scontrol", "update", f"NodeName={NODE}", "State=RESUME")


@pytest.mark.parametrize(
    ("interrupt", "states"),
    [
        (cancel, ["CANCELLED", "COMPLETED"]),
        # Told two minutes before the end, the job saves and exits: that counts as failed.
        (end_its_time, ["FAILED", "COMPLETED"]),
        # Slurm itself puts these back, under the same number.
        (preempt, ["COMPLETED"]),
        (lose_the_node, ["COMPLETED"]),
    ],
)
def test_interrupted_training_goes_on(
    cluster: Cluster,
    tmp_path: Path,
    one_model: OneModel,
    epoch: int,
    interrupt: Callable[[SlurmRun, dict[str, str]], None],
    states: list[str],
) -> None:
    with SlurmRun(cluster, tmp_path / "run", "submission.csv", overlay=one_model.overlay) as run:
        job = run.running_job("train_model")
        run.wait_for_line(LOG, f"epoch {epoch}/", seconds=600)
        interrupt(run, job)
        run.finish(seconds=1800)
        jobs = run.jobs("train_model")
    assert [job["JobState"] for job in jobs] == states
    limits = [job["TimeLimit"] for job in jobs]
    assert limits[-1] == ("08:00:00" if len(states) == 2 else "04:00:00")
    assert jobs[-1]["Restarts"] == ("0" if len(states) == 2 else "1")
    assert resumed_after(run.directory) >= epoch
    assert (run.directory / "submission.csv").read_bytes() == one_model.submission


def test_training_at_its_time_limit_gets_sigterm_and_goes_on(
    cluster: Cluster, tmp_path: Path, one_model: OneModel, epoch: int, unwarned: str
) -> None:
    with SlurmRun(
        cluster,
        tmp_path / "run",
        "submission.csv",
        overlay=one_model.overlay,
        profile=unwarned,
    ) as run:
        job = run.running_job("train_model")
        run.wait_for_line(LOG, f"epoch {epoch}/", seconds=600)
        # It must not get ready before its minute is over. Slurm lets it go on when it ends it.
        (training,) = (process for process in psutil.process_iter() if has_open(process, run))
        training.suspend()
        end_its_time(run, job)
        run.finish(seconds=1800)
        jobs = run.jobs("train_model")
    assert [job["JobState"] for job in jobs] == ["TIMEOUT", "COMPLETED"]
    (log,) = run.directory.glob(f"logs/slurm/rule_train_model/*/{job['JobId']}.log")
    assert "DUE TO TIME LIMIT" in log.read_text()
    assert "Stopped by SIGTERM" in log.read_text()
    assert resumed_after(run.directory) >= epoch
    assert (run.directory / "submission.csv").read_bytes() == one_model.submission


def has_open(process: psutil.Process, run: SlurmRun) -> bool:
    """Whether a process writes the log of the training."""
    try:
        return str(run.directory / LOG) in {file.path for file in process.open_files()}
    except psutil.Error:
        return False


def resumed_after(directory: Path) -> int:
    """The epoch after which the last job of the training went on."""
    found = re.search(r"Resuming from epoch (\d+)", (directory / LOG).read_text())
    assert found
    return int(found.group(1)) - 1


@pytest.fixture(autouse=True)
def _node_is_left_up(cluster: Cluster) -> Iterator[None]:
    yield
    if "DOWN" in output("scontrol", "show", "node", NODE):
        output("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
