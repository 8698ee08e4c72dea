"""Jobs that are told to stop, or whose Snakemake has gone."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tiny import REPO

from earmark.runtime import interruption

SCRIPTS = str(REPO / "workflow_scripts")

# A job that never ends by itself, and a Snakemake that starts it through a shell, as scripts are.
JOB = f"""
import sys, time
sys.path.insert(0, {SCRIPTS!r})
from earmark.runtime import interruption
interruption.stop_with_snakemake(seconds=0.05)
print("following", flush=True)
time.sleep(60)
"""
STARTER = f"""
import subprocess, sys
sys.path.insert(0, {SCRIPTS!r})
from earmark.runtime import interruption
interruption.export_snakemake_process()
subprocess.run(["bash", "-c", "set -e; python=$0; \\"$python\\" -c \\"$1\\"; echo ended $?",
                sys.executable, {JOB!r}])
"""


def test_a_job_ends_with_the_snakemake_that_started_it() -> None:
    snakemake = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert snakemake.stdout
    assert snakemake.stdout.readline() == "following\n"
    snakemake.kill()
    snakemake.wait()
    # The pipe closes when its last writer, the job, is gone; that takes its 60 s if nobody ends it.
    begin = time.monotonic()
    snakemake.stdout.read()
    assert time.monotonic() - begin < 30


POOL = f"""
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
sys.path.insert(0, {SCRIPTS!r})
from earmark.runtime import interruption
with ProcessPoolExecutor(
    2, initializer=interruption.stop_with_process, initargs=(os.getpid(), None, 0.05)
) as pool:
    list(pool.map(abs, range(4)))
    print("worked", flush=True)
    time.sleep(60)
"""


def test_the_workers_of_a_killed_job_end_too() -> None:
    owner = subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    assert owner.stdout.readline() == "worked\n"
    workers = psutil.Process(owner.pid).children()
    assert workers
    owner.kill()
    owner.wait()
    _, alive = psutil.wait_procs(workers, timeout=30)
    for worker in alive:
        worker.kill()
    assert not alive


def followed(monkeypatch: pytest.MonkeyPatch, told: str | None) -> bool:
    """Whether a job with this in its environment is asked to stop."""
    monkeypatch.setattr(os, "environ", {} if told is None else {interruption.SNAKEMAKE: told})
    with interruption.StopRequests() as requests:
        interruption.stop_with_snakemake(seconds=0.01)
        end = time.monotonic() + 0.3
        while requests.reason is None and time.monotonic() < end:
            time.sleep(0.01)
    return requests.reason == "SIGTERM"


def announced() -> str:
    interruption.export_snakemake_process()
    return os.environ[interruption.SNAKEMAKE]


def test_a_job_of_a_living_snakemake_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not followed(monkeypatch, announced())


@pytest.mark.parametrize("told", [None, "", "no number", "12", "twelve 3 x"])
def test_a_job_without_a_known_snakemake_goes_on(
    monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    assert not followed(monkeypatch, told)


def test_a_job_whose_snakemake_went_before_it_looked_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It takes seconds to import torch, and Snakemake may be killed meanwhile.
    pid, started, namespace = announced().split(" ", 2)
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert followed(monkeypatch, f"{ended.pid} {started} {namespace}")
    # Another process has the number by now.
    assert followed(monkeypatch, f"{pid} {float(started) - 1000} {namespace}")


def test_a_job_with_process_ids_of_its_own_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert not followed(monkeypatch, f"{ended.pid} 1.0 pid:[1]")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_are_noted_within_the_block_only(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruption.StopRequests() as requests:
        assert requests.reason is None
        signal.raise_signal(number)
        assert requests.reason == number.name
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    # So nohup and background jobs keep their meaning.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption.StopRequests() as requests:
            signal.raise_signal(signal.SIGINT)
            assert requests.reason is None
    finally:
        signal.signal(signal.SIGINT, before)
