"""A Slurm cluster that is this one machine: Debian's own daemons, reachable on loopback only.

Tests start and stop it. By hand, as root:

    .venv/bin/python tests/slurm_cluster.py start     # then sbatch, squeue and so on work
    .venv/bin/python tests/slurm_cluster.py status
    .venv/bin/python tests/slurm_cluster.py stop

Slurm and munge come from `make services`; a machine with a Slurm configuration is left alone. The
node claims more cores and memory than there are, and two GPUs that only Slurm believes in.
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ETC = Path("/etc/slurm")
FILES = (ETC / "slurm.conf", ETC / "gres.conf")
MARK = "# The test cluster of Earmark (tests/slurm_cluster.py); `stop` removes this file. Folder: "
LOCK = Path(tempfile.gettempdir()) / "earmark-slurm.lock"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODE, CPUS, MEMORY_MB = "earmark", 32, 512_000
GPUS = ("/dev/null", "/dev/zero")  # any devices will do
KILL_WAIT = 20  # seconds from SIGTERM to SIGKILL

# Daemons that this process has started, to be collected when they end.
STARTED: list[subprocess.Popen[bytes]] = []

# Two partitions over the same node: jobs of `urgent` push those of `normal` back into the queue.
CONFIGURATION = r"""
ClusterName=earmark
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
KillWait={kill_wait}
MinJobAge=86400
JobRequeue=1
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 \
    CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PartitionName=normal Nodes={node} Default=YES PriorityTier=1 State=UP
PartitionName=urgent Nodes={node} PriorityTier=2 State=UP
"""


class UnavailableError(Exception):
    """There can be no test cluster on this machine; the sentence says why."""


class Cluster:
    """A running cluster; ``with Cluster():`` starts one and stops it, or uses one started by hand.

    Raises UnavailableError when there can be none here.
    """

    def __init__(self, patience: float = 600.0) -> None:
        self.patience = patience
        self.started_here = False

    def __enter__(self) -> Self:
        facts = running()
        if facts and facts["owner"] is None:
            return self
        start(owner=os.getpid(), patience=self.patience)
        self.started_here = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.started_here:
            stop()

    def jobs(self) -> list[dict[str, str]]:
        """Every job that the controller remembers, oldest first, as `scontrol` describes it."""
        text = output("scontrol", "--oneliner", "show", "job")
        found = [
            dict(re.findall(r"(\S+?)=(.*?)(?= +\S+?=| *$)", line))
            for line in text.splitlines()
            if line.startswith("JobId=")
        ]
        return sorted(found, key=lambda job: int(job["JobId"]))

    def job(self, number: str) -> dict[str, str]:
        """The job of this number."""
        return next(job for job in self.jobs() if job["JobId"] == number)


def output(*command: str) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def require_programs() -> None:
    """See that a cluster can be started: as root, with Slurm and munge installed."""
    if os.geteuid() != 0:
        raise UnavailableError(
            "A test cluster needs root: Slurm reads /etc/slurm/slurm.conf, and slurmd starts jobs."
        )
    if missing():
        raise UnavailableError(
            f"A test cluster needs Slurm and munge: {', '.join(missing())} not found. Install them "
            f"with `make services`."
        )


def missing() -> list[str]:
    """Programs that are not there."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [program for program in PROGRAMS if shutil.which(program, path=places) is None]


def running() -> dict[str, Any] | None:
    """Facts of the test cluster that runs on this machine; None if there is none."""
    facts = _written()
    return facts if facts and all(_born(pid) == since for pid, since in facts["daemons"]) else None


def _written() -> dict[str, Any] | None:
    """Facts of the test cluster whose files are on this machine, whether it runs or not."""
    try:
        first = FILES[0].read_text(encoding="utf-8").split("\n", 1)[0]
        return json.loads((Path(first.removeprefix(MARK)) / "facts.json").read_text())
    except (OSError, ValueError):
        return None


def foreign() -> list[Path]:
    """Configuration files of Slurm that are not the test cluster's."""
    return [path for path in FILES if path.exists() and not path.read_text().startswith(MARK)]


def start(owner: int | None = None, patience: float = 0.0) -> None:
    """Start the daemons and wait until the node is idle.

    The cluster of an ``owner`` that has died is replaced; another one is waited for, up to
    ``patience`` seconds.
    """
    require_programs()
    if foreign():
        raise UnavailableError(
            f"This machine has a Slurm configuration of its own ({foreign()[0]}): it is left alone."
        )
    lock = _locked(patience)
    folder = Path(tempfile.mkdtemp(prefix="earmark-slurm-"))
    facts = {
        "folder": str(folder),
        "owner": owner,
        "owner_since": _born(owner) if owner else None,
        "daemons": [],
    }
    try:
        _configure(folder)
        _start_daemons(folder, facts)
        _wait_until_idle(folder)
    except BaseException:
        stop()
        raise
    finally:
        os.close(lock)


def _locked(patience: float) -> int:
    """The lock under which a cluster is started, and the only one on this machine so far."""
    lock = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    end = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _in_use():
                stop()  # what a killed one may have left
                return lock
            # The daemons close what they inherit, so a cluster that runs holds no lock.
            fcntl.flock(lock, fcntl.LOCK_UN)
        if time.monotonic() > end:
            os.close(lock)
            raise UnavailableError(
                "Another test cluster runs on this machine. Wait for it, or end it with "
                "`tests/slurm_cluster.py stop`."
            )
        time.sleep(1)


def _in_use() -> bool:
    """Whether a test cluster runs that was started by hand, or whose owner is alive."""
    facts = running()
    if facts is None:
        return False
    return facts["owner"] is None or _born(facts["owner"]) == facts["owner_since"]


def _configure(folder: Path) -> None:
    folder.chmod(0o755)  # munge wants its socket reachable for everyone
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    text = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0],
        folder=folder,
        controller_port=_free_port(),
        node_port=_free_port(),
        kill_wait=KILL_WAIT,
        node=NODE,
        cpus=CPUS,
        memory=MEMORY_MB,
        gpus=len(GPUS),
    )
    ETC.mkdir(exist_ok=True)
    gres = "".join(f"Name=gpu File={device}\n" for device in GPUS)
    for path, content in zip(FILES, (text, gres), strict=True):
        path.write_text(f"{MARK}{folder}\n{content}", encoding="utf-8")


def _start_daemons(folder: Path, facts: dict[str, Any]) -> None:
    munged = ["munged", "--foreground", f"--key-file={folder}/munge.key"]
    munged += [f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid"]
    munged += [f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed"]
    commands = (munged, ["slurmctld", "-D"], ["slurmd", "-D", "-N", NODE])
    environment = {name: value for name, value in os.environ.items() if "SLURM" not in name}
    environment["PATH"] = f"{environment.get('PATH', '')}:/usr/sbin:/sbin"
    for command in commands:
        with open(folder / f"{command[0]}.out", "wb") as out:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        STARTED.append(process)
        facts["daemons"].append([process.pid, _born(process.pid)])
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        if command is munged:
            _wait(lambda: (folder / "munge.socket").exists(), 10)


def _wait_until_idle(folder: Path) -> None:
    def idle() -> bool:
        try:
            return set(output("sinfo", "--noheader", "--format=%T").split()) == {"idle"}
        except subprocess.SubprocessError:
            return False

    if not _wait(idle, 60):
        told = [
            f"{path.name}: {path.read_text(errors='replace').strip()[-1000:]}"
            for path in sorted(folder.glob("*.log")) + sorted(folder.glob("*.out"))
        ]
        raise UnavailableError("Slurm does not start here.\n" + "\n".join(told))


def stop() -> None:
    """End all jobs and daemons of the test cluster and remove its files."""
    facts = _written()
    if facts:
        if any(_born(pid) == since for pid, since in facts["daemons"]):
            _end_jobs()
        for pid, since in reversed(facts["daemons"]):
            _end(pid, since)
        for pid in _left_behind():
            _end(pid, _born(pid))
        shutil.rmtree(facts["folder"], ignore_errors=True)
    _remove_files()


def _end_jobs() -> None:
    try:
        output("scancel", "--user=root")
        _wait(lambda: not output("squeue", "--noheader"), KILL_WAIT + 20)
    except subprocess.SubprocessError:
        pass  # no controller any more: the daemons and what they started are ended one by one


def _end(pid: int, since: str | None) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if since is None or _born(pid) != since:
            return
        os.kill(pid, sign)
        _wait(lambda: _born(pid) != since, 15)


def _left_behind() -> list[int]:
    """Processes of jobs, and those that watch over jobs."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_step = entry.name.isdigit() and (
                (entry / "comm").read_text().strip() == "slurmstepd"
                or b"\0SLURM_CLUSTER_NAME=earmark\0" in (entry / "environ").read_bytes()
            )
        except OSError:
            continue  # it has just ended
        if is_step:
            found.append(int(entry.name))
    return found


def _remove_files() -> None:
    for path in FILES:
        if path.exists() and path.read_text().startswith(MARK):
            path.unlink()


def _born(pid: int | None) -> str | None:
    """When a process was started, in the kernel's ticks; None if it is gone."""
    for process in STARTED:
        process.poll()
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if facts[0] == "Z" else facts[19]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, stop or show the cluster; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=["start", "stop", "status"])
    action = parser.parse_args(arguments).action
    if action == "start":
        try:
            start()
        except UnavailableError as problem:
            print(problem, file=sys.stderr)
            return 1
    elif action == "stop":
        stop()
    facts = running()
    print(f"The test cluster runs; its logs are in {facts['folder']}." if facts else "None runs.")
    return 0 if facts or action != "status" else 1


if __name__ == "__main__":
    sys.exit(main())
