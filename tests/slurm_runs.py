"""The workflow through Slurm, as a user starts it: with --workflow-profile slurm."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml
from slurm_cluster import Cluster
from tiny import REPO

Found = TypeVar("Found")


class SlurmRun:
    """Snakemake at work in ``directory``; what it prints goes to snakemake.txt there.

    Leaving the block ends it by Ctrl-C, upon which it cancels its jobs.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        *arguments: str,
        overlay: Mapping[str, Any] | None = None,
        profile: str = "slurm",
    ) -> None:
        self.cluster, self.directory = cluster, directory
        directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "--nocolor"]
        command += ["--workflow-profile", profile, *arguments]
        # This cluster answers at once, and its files are on this machine's disk.
        command += ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
        if overlay is not None:
            (directory / "overlay.yaml").write_text(yaml.safe_dump(dict(overlay)), encoding="utf-8")
            command += ["--configfile", "overlay.yaml"]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE")
        }
        self.printed = directory / "snakemake.txt"
        with open(self.printed, "wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sign in (signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(sign)
                try:
                    self.process.wait(60)
                except subprocess.TimeoutExpired:
                    continue

    def text(self) -> str:
        """All that Snakemake has printed so far."""
        return self.printed.read_text(encoding="utf-8")

    def all_jobs(self) -> list[dict[str, str]]:
        """Slurm's jobs in this run's folder, oldest first."""
        return [job for job in self.cluster.jobs() if job["WorkDir"] == str(self.directory)]

    def jobs(self, rule: str) -> list[dict[str, str]]:
        """Those of a rule."""
        return [job for job in self.all_jobs() if f"{job['Comment']}_".startswith(f"rule_{rule}_")]

    def wait_for(self, find: Callable[[], Found | None], seconds: float, what: str) -> Found:
        """Return what ``find`` finds, which is asked again until it does or Snakemake ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = find()
            if found:
                return found
            assert self.process.poll() is None, f"no {what}; Snakemake ended:\n{self.text()}"
            time.sleep(0.3)
        raise AssertionError(f"no {what} within {seconds:.0f} s:\n{self.text()}")

    def running_job(self, rule: str, place: int = 0, seconds: float = 120) -> dict[str, str]:
        """The job of a rule that came as the ``place``-th to Slurm, once it runs."""

        def find() -> dict[str, str] | None:
            jobs = self.jobs(rule)
            running = len(jobs) > place and jobs[place]["JobState"] == "RUNNING"
            return jobs[place] if running else None

        return self.wait_for(find, seconds, f"running job {place} of {rule}")

    def wait_for_line(self, log: str, word: str, seconds: float = 120) -> None:
        """Wait until a file below the folder has a word."""
        path = self.directory / log

        def find() -> bool:
            return path.exists() and word in path.read_text(encoding="utf-8")

        self.wait_for(find, seconds, f"{word!r} in {log}")

    def finish(self, seconds: float = 240) -> str:
        """Wait until Snakemake has ended, well, and return what it printed."""
        code = self.process.wait(seconds)
        assert code == 0, self.text()
        return self.text()
