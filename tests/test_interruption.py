"""Jobs that are told to stop, or whose Snakemake has gone."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from tiny import REPO

from earmark import interruption

SCRIPTS = str(REPO / "workflow_scripts")

# A job that never ends by itself, and a Snakemake that starts it through a shell, as scripts are.
JOB = f"""
import sys, time
sys.path.insert(0, {SCRIPTS!r})
from earmark import interruption
interruption.follow(seconds=0.05)
print("following", flush=True)
time.sleep(60)
"""
STARTER = f"""
import subprocess, sys
sys.path.insert(0, {SCRIPTS!r})
from earmark import interruption
interruption.announce()
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


def test_a_job_without_a_known_snakemake_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "no number", str(2**30)):
        if value is None:
            monkeypatch.delenv(interruption.SNAKEMAKE, raising=False)
        else:
            monkeypatch.setenv(interruption.SNAKEMAKE, value)
        threads = threading.active_count()
        interruption.follow()
        assert threading.active_count() == threads


def test_a_job_of_a_living_snakemake_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interruption.SNAKEMAKE, str(os.getpid()))
    with interruption.Requests() as requests:
        interruption.follow(seconds=0.01)
        time.sleep(0.2)
    assert requests.reason is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_are_noted_within_the_block_only(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruption.Requests() as requests:
        assert requests.reason is None
        signal.raise_signal(number)
        assert requests.reason == number.name
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    # So nohup and background jobs keep their meaning.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption.Requests() as requests:
            signal.raise_signal(signal.SIGINT)
            assert requests.reason is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_have_no_requests() -> None:
    found: list[str | None] = []

    def work() -> None:
        with interruption.Requests() as requests:
            found.append(requests.reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None]
