"""What differs on macOS and Windows, by calls that answer as they do there. Neither was tried."""

import errno
import fcntl
import math
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import Timeout
from tiny import REPO

from earmark.inference.hardware import choose_hardware
from earmark.runtime import gpus, interruption, job, locks, outputs, pools
from earmark.runtime.errors import EarmarkError
from earmark.training.checkpoints import Checkpoint

WINDOWS = SimpleNamespace(name="nt", getpid=os.getpid, readlink=os.readlink)


def test_files_are_synced_by_a_handle_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def fsync(handle: int) -> None:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        synced.append(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    outputs.write_text(tmp_path / "a.csv", "x\n")
    assert (tmp_path / "a.csv").read_bytes() == b"x\n"
    assert synced


def test_a_lock_that_is_held_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".lock":
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))
        plain(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "")
    with checkpoint.locked():
        checkpoint.path.touch()
        with pytest.raises(Timeout):
            locks.acquire(locks.file_lock(tmp_path / "checkpoint.lock"), "", 0)
    assert not checkpoint.path.exists()
    with checkpoint.locked():
        pass


def test_gpus_are_claimed_without_user_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "getuid")
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(gpus, "_CLAIMS", claims := [])
    assert [gpus.claim(["a", "b"]) for _ in range(2)] == [0, 1]
    for lock in claims:
        lock.release()


@pytest.mark.parametrize(("lines", "count"), [(("0: NVIDIA GPU x", "1: NVIDIA GPU x"), 2), ((), 0)])
def test_gpus_are_counted_without_proc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], count: int
) -> None:
    script = "".join(f"echo 'GPU {line}'\n" for line in lines)
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.count(tmp_path / "proc") == 0
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert gpus.count(tmp_path / "proc") == count


def test_a_job_on_windows_stops_by_a_signal_that_it_can_handle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    monkeypatch.setattr(interruption, "os", WINDOWS)  # whose kill() would end this process
    with interruption.StopRequests() as requests:
        interruption.stop_with_process(ended.pid, seconds=0.01)
        end = time.monotonic() + 10
        while requests.reason is None and time.monotonic() < end:
            time.sleep(0.01)
    assert requests.reason == "SIGTERM"


def test_python_is_quoted_as_the_shell_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "os", WINDOWS)
    assert job.quoted(r"C:\Program Files\python.exe") == r'"C:\Program Files\python.exe"'
    assert job.quoted(r"C:\python.exe") == r"C:\python.exe"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_share_nothing_give_the_same_results(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("only where there are such")
    code = (
        "import math, multiprocessing\n"
        "from earmark.runtime.pools import parallel_map\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n"
        "    print(list(parallel_map(math.sqrt, range(50), 2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO / "workflow_scripts")}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{[math.sqrt(number) for number in range(50)]}\n"


def test_no_more_processes_than_windows_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Pool(pools.ProcessPoolExecutor):
        def __init__(self, processes: int, **options: object) -> None:
            asked.append(processes)
            super().__init__(1, **options)

    monkeypatch.setattr(pools, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(pools, "MOST_PROCESSES", 61)
    assert list(pools.parallel_map(math.sqrt, [4.0, 9.0], 200)) == [2.0, 3.0]
    assert asked == [61]


def test_the_gpu_of_a_mac_is_used_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "device": "mps", "precision": "auto", "memory_format": "channels_last",
        "compile": "auto", "compile_from_clips": 1000,
    }  # fmt: skip
    threads = torch.get_num_threads()
    try:
        with pytest.raises(EarmarkError, match="The device is set to 'mps'"):
            choose_hardware(1, 1, settings)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        chosen = choose_hardware(1, 1, settings)
        assert (chosen.device.type, chosen.precision_used()) == ("mps", "float32")
        assert math.isinf(chosen.compile_from_clips)
        assert choose_hardware(1, 1, {**settings, "device": "auto"}).device.type != "mps"
    finally:
        torch.set_num_threads(threads)
