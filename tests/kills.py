"""Support for kill tests: a run whose training jobs are killed when they reach given epochs.

What the run left behind is judged by bytes: every model and the submission are compared with those
of a run that nobody disturbed.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from tiny import REPO, snakemake, start_snakemake

# What is killed, and how.
TRAINING_KILLED = "SIGKILL to the training process"
SNAKEMAKE_KILLED = "SIGKILL to Snakemake"
TRAINING_TERMINATED = "SIGTERM to the training process"
ALL_TERMINATED = "SIGTERM to Snakemake and all its jobs"
CTRL_C = "Ctrl-C, which reaches Snakemake and all its jobs"
KINDS = (TRAINING_KILLED, SNAKEMAKE_KILLED, TRAINING_TERMINATED, ALL_TERMINATED)

# What training writes and what follows from it; features before it may stay.
TRAINED = (
    "autoencoders",
    "spread",
    "selections",
    "models",
    "selftraining",
    "predictions",
    "guesses",
)


@dataclass
class Kill:
    """One kill: when the training job with this log has finished this epoch."""

    job: str
    log: Path
    epoch: int
    kind: str
    done: bool = False
    resumed_after: int | None = None


class Disturbed:
    """A run in ``directory`` that is killed and started again until it is through."""

    def __init__(
        self,
        directory: Path,
        arguments: Iterable[str],
        overlay: Mapping[str, Any] | None = None,
        tree: Path = REPO,
        limit_seconds: float = 1200,
    ) -> None:
        self.directory = directory
        self.arguments = list(arguments)
        self.overlay = overlay
        self.tree = tree
        self.limit_seconds = limit_seconds
        self.printed: list[str] = []
        self.codes: list[int] = []

    def finish(self, kills: list[Kill]) -> None:
        """Run the same command until it succeeds; each kill happens once."""
        while True:
            code = self._run(kills)
            self.codes.append(code)
            if code == 0:
                break
            assert len(self.codes) <= len(kills) + 1, self.printed[-1]
        for kill in kills:
            text = (self.directory / kill.log).read_text(encoding="utf-8")
            found = re.findall(r"Resuming from epoch (\d+)", text)
            kill.resumed_after = max((int(epoch) - 1 for epoch in found), default=None)

    def _run(self, kills: list[Kill]) -> int:
        path = self.directory / f"printed_{len(self.codes)}.txt"
        with path.open("w") as output:
            run = start_snakemake(
                self.directory,
                *self.arguments,
                overlay=self.overlay,
                tree=self.tree,
                output=output,
            )
            deadline = time.monotonic() + self.limit_seconds
            while run.poll() is None:
                assert time.monotonic() < deadline, path.read_text()
                waiting = [kill for kill in kills if not kill.done]
                for kill in waiting:
                    if self._epochs_done(kill.log) >= kill.epoch and self._hit(kill, run):
                        break
                time.sleep(0.02)
        self.printed.append(path.read_text())
        return run.returncode

    def _epochs_done(self, log: Path) -> int:
        try:
            text = (self.directory / log).read_text(encoding="utf-8")
        except FileNotFoundError:
            return 0
        return max(map(int, re.findall(r"INFO epoch (\d+)/", text)), default=0)

    def _hit(self, kill: Kill, run: subprocess.Popen[str]) -> bool:
        parent = psutil.Process(run.pid)
        jobs = parent.children(recursive=True)
        training = [job for job in jobs if self._trains(job, kill.log)]
        if not training:
            return False
        # Marked first: whatever comes of it, it happens once.
        kill.done = True
        if kill.kind == TRAINING_KILLED:
            training[0].kill()
        elif kill.kind == TRAINING_TERMINATED:
            training[0].terminate()
        elif kill.kind == SNAKEMAKE_KILLED:
            run.kill()
            run.wait()
            # Nobody is left who computes for a run that is gone.
            _, alive = psutil.wait_procs(jobs, timeout=30)
            assert not alive, alive
            code, text = snakemake(self.directory, "--unlock", overlay=self.overlay, tree=self.tree)
            assert code == 0, text
        elif kill.kind == CTRL_C:
            os.killpg(run.pid, signal.SIGINT)
        else:
            for process in (parent, *jobs):
                if process.is_running():
                    process.send_signal(signal.SIGTERM)
        return True

    def _trains(self, process: psutil.Process, log: Path) -> bool:
        """Whether this process is the job with this log: it has the file open."""
        try:
            return str((self.directory / log).resolve()) in {f.path for f in process.open_files()}
        except psutil.Error:
            return False


def without(reference: Path, directory: Path, name: str, parts: Iterable[str] = TRAINED) -> None:
    """Copy a finished run, but for these parts of its results, the submissions and the logs."""
    shutil.copytree(reference, directory, symlinks=True)
    for part in parts:
        shutil.rmtree(directory / "results" / name / part)
    shutil.rmtree(directory / "logs")
    (directory / "submission.csv").unlink()
    (directory / "results" / name / "submission.csv").unlink()


def outcome(directory: Path, name: str) -> dict[str, bytes]:
    """All that training and what followed wrote, by path, but for event files, which have times."""
    results = directory / "results" / name
    files = [path for part in TRAINED for path in (results / part).rglob("*") if path.is_file()]
    files.append(directory / "submission.csv")
    files = [path for path in files if path.exists() and "tfevents" not in path.name]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}
