"""Stopping a job in a way that loses nothing: signals, and a Snakemake that is no longer there.

Schedulers send SIGTERM some seconds before they kill (time limit, preemption, cancelling), and a
terminal sends SIGINT on Ctrl-C. Nobody tells a job that its Snakemake was killed: it looks.
"""

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

import psutil

# Process id, start and process namespace of the Snakemake that starts jobs, handed down to them.
SNAKEMAKE = "EARMARK_SNAKEMAKE"


class InterruptedJobError(Exception):
    """The job was asked to stop and has saved what it had."""


class Requests:
    """Requests to stop, collected while the block runs so that it can act at a good moment.

    Outside the main thread, where signals cannot be handled, there are none.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Requests":
        with contextlib.suppress(ValueError):  # not the main thread
            for number in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *problem: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name


def announce() -> None:
    """Let the jobs that this process starts know whom they work for."""
    own = psutil.Process()
    os.environ[SNAKEMAKE] = f"{own.pid} {own.create_time():.2f} {_namespace()}"


def follow(seconds: float = 1.0) -> None:
    """Send this process SIGTERM once the Snakemake that started it has gone.

    What a killed Snakemake leaves behind would go on computing for nobody, and write files while
    the next run writes them too. Looks every ``seconds``. A job in a container with process ids of
    its own cannot look, and goes on.
    """
    try:
        pid, started, namespace = os.environ[SNAKEMAKE].split(" ", 2)
        snakemake = _find(int(pid), float(started))
    except (KeyError, ValueError):
        return
    if namespace == _namespace():
        _end_with(snakemake, seconds)


def follow_pool(owner: int, seconds: float = 1.0) -> None:
    """Initialise a worker of a process pool: it ends with the process ``owner`` that made it.

    Workers of a killed owner would wait for work forever.
    """
    try:
        _end_with(psutil.Process(owner), seconds)
    except psutil.NoSuchProcess:
        _end_with(None, seconds)


def _end_with(other: psutil.Process | None, seconds: float) -> None:
    """Send this process SIGTERM once the other has gone; None: it has gone already."""

    def look() -> None:
        while other and _is_alive(other):
            time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="follow", daemon=True).start()


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "the only one"


def _find(pid: int, started: float) -> psutil.Process | None:
    """The process, unless it is gone, even if another one has its number by now."""
    try:
        process = psutil.Process(pid)
        # Clocks are read twice here, some time apart.
        return process if abs(process.create_time() - started) < 2 else None
    except psutil.NoSuchProcess:
        return None


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
