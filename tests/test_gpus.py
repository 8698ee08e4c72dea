"""Counting GPUs, and sharing them out among jobs. No GPU is needed for either."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import REPO, snakemake
from tiny_run import Run

from earmark.runtime import gpus

CLAIM = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(REPO / "workflow_scripts")!r})
from earmark.runtime import gpus
print(gpus.claim(sys.argv[2:], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


class Job:
    """A process that has claimed one of ``names``."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(folder), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.place = int(self.process.stdout.readline())

    def end(self, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


def test_each_job_takes_its_own_device_and_those_of_ended_ones_are_free_again(
    tmp_path: Path,
) -> None:
    names = ("GPU-a", "GPU-b", "GPU-c")
    jobs = [Job(tmp_path, *names) for _ in names]
    try:
        assert [job.place for job in jobs] == [0, 1, 2]
        jobs[1].end(kill=True)
        jobs.append(Job(tmp_path, *names))
        assert jobs[-1].place == 1
        # More jobs than devices: the next ones share, one after the other.
        jobs += [Job(tmp_path, *names) for _ in names]
        assert [job.place for job in jobs[-3:]] == [0, 1, 2]
        # A job that sees a part of the devices only, in another order.
        jobs[2].end()
        jobs.append(Job(tmp_path, "GPU-c", "GPU-a"))
        assert jobs[-1].place == 0
    finally:
        for job in jobs:
            if job.process.returncode is None:
                job.end()


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """A driver's folder with three GPUs."""
    for name in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)
    return tmp_path / "gpus"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, 3), ("0,2", 2), ("1", 1), ("", 0), ("-1", 0), ("0,-1,2", 1), ("0,1,2,3", 3)],
)
def test_visible_gpus_are_counted(
    driver: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: int
) -> None:
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus.count(driver) == expected


def test_without_a_driver_there_is_none(tmp_path: Path) -> None:
    assert gpus.count(tmp_path / "absent") == 0


def test_jobs_on_the_gpu_take_turns_unless_there_are_more_gpus(
    finished: Run, tmp_path: Path
) -> None:
    copied = finished.copy(tmp_path)
    folder = "results/four/predictions/cnn_logmel/seed1"
    targets = [f"{folder}/{part}.h5" for part in ("train", "test")]
    # As on a machine with a GPU: there, predict asks for one by itself.
    asks = ("--forcerun", "predict", "--set-resources", "predict:gpu=1")

    def sequence(*more: str) -> list[str]:
        """What Snakemake told about predictions, in order: begun or done."""
        code, text = snakemake(
            copied.directory, "-j4", *targets, *asks, *more, overlay=copied.overlay
        )
        assert code == 0, text
        numbers = re.findall(r"^(?:local)?rule predict:.*?^ +jobid: (\d+)$", text, re.M | re.S)
        assert len(numbers) == 2
        events = re.finditer(r"^(?:local)?rule (predict):|^Finished jobid: (\d+) ", text, re.M)
        return [
            "begun" if event.group(1) else "done"
            for event in events
            if event.group(1) or event.group(2) in numbers
        ]

    assert sequence() == ["begun", "done", "begun", "done"]
    assert sequence("--resources", "gpu=2") == ["begun", "begun", "done", "done"]
