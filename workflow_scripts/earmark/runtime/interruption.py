"""Stopping a job without losing its work: on signals, and when its Snakemake has ended.

Schedulers send SIGTERM some seconds before they kill (time limit, preemption, cancelling), and a
terminal sends SIGINT on Ctrl-C. No signal says that a job's Snakemake was killed: the job checks.
"""

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

import psutil

# Environment variable: process id, start time and process namespace of the jobs' Snakemake.
SNAKEMAKE = "EARMARK_SNAKEMAKE"


class InterruptedJobError(Exception):
    """The job was asked to stop and has saved what it had."""


class StopRequests:
    """Requests to stop, collected while the block runs so that it can act at a good moment."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._handlers_before: dict[int, Any] = {}

    def __enter__(self) -> "StopRequests":
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:  # by nohup, or in the background
                self._handlers_before[number] = signal.signal(number, self._keep)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name


def export_snakemake_process() -> None:
    """Tell the jobs that this process starts, by an environment variable, which process it is."""
    own = psutil.Process()
    os.environ[SNAKEMAKE] = f"{own.pid} {own.create_time():.2f} {_namespace()}"


def stop_with_snakemake(seconds: float = 1.0) -> None:
    """Send this process SIGTERM when the Snakemake that started it has ended.

    A job that a killed Snakemake left behind would go on computing, and write files while the next
    run writes them too. Checks every ``seconds``. A job in a container with process ids of its own
    cannot check, and goes on.
    """
    try:
        pid, started, namespace = os.environ[SNAKEMAKE].split(" ", 2)
        snakemake = int(pid), float(started)
    except (KeyError, ValueError):
        return
    if namespace == _namespace():
        stop_with_process(*snakemake, seconds=seconds)


def stop_with_process(pid: int, started: float | None = None, seconds: float = 1.0) -> None:
    """Send this process SIGTERM when process ``pid`` has ended.

    ``started``, its start time, tells it from a later process with the same id. Workers of a pool
    call this too: those of a killed owner would wait for work forever.
    """

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            # Clocks are read twice here, some time apart.
            if started is None or abs(process.create_time() - started) < 2:
                while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(seconds)
        if os.name == "nt":  # where os.kill() gives no time to save
            signal.raise_signal(signal.SIGTERM)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stop_with_process", daemon=True).start()


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        return ""
