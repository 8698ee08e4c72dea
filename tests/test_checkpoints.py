"""Checkpoints: held by one process, and gone when the job is done."""

import errno
import fcntl
import subprocess
import sys

import pytest
from tiny import REPO

from earmark.runtime.errors import EarmarkError
from earmark.training.checkpoints import Checkpoint

HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from earmark.training.checkpoints import Checkpoint
checkpoint = Checkpoint(Path(sys.argv[2]), "f")
with checkpoint.locked():
    checkpoint.save({"epoch": 3})
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
    raise SystemExit(143)
"""


def hold_elsewhere(path, seconds):
    command = [sys.executable, "-c", HOLD, str(REPO / "workflow_scripts"), str(path), str(seconds)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    return other


def test_another_process_that_trains_the_same_is_waited_for(checkpoint, caplog):
    other = hold_elsewhere(checkpoint.path, 0.5)
    with caplog.at_level("WARNING", "earmark"), Checkpoint(checkpoint.path, "f").locked():
        assert other.wait(10) == 143
        # What it saved is there to go on from.
        assert Checkpoint(checkpoint.path, "f").load() == {"epoch": 3}
    other.communicate()
    assert f"Another process is training {checkpoint.path.parent}" in caplog.text
    assert list(checkpoint.path.parent.iterdir()) == []


def test_another_process_that_does_not_stop_is_explained(checkpoint):
    other = hold_elsewhere(checkpoint.path, 60)
    patient = Checkpoint(checkpoint.path, "f", patience_seconds=0.5)
    words = rf"still training {checkpoint.path.parent}: it holds .*checkpoint\.lock\. .* run again"
    try:
        with pytest.raises(EarmarkError, match=words), patient.locked():
            pytest.fail("the block was entered")
    finally:
        other.kill()
        other.communicate()
    with checkpoint.locked():  # the lock is gone with its process
        pass


def test_where_files_cannot_be_locked_a_warning_says_so(checkpoint, monkeypatch, caplog):
    def refuse(handle, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    entered = False
    with checkpoint.locked():
        entered = True
    assert entered
    assert "Files cannot be locked" in caplog.text


def test_lock_is_held_within_the_block_and_free_after_a_failure(checkpoint):
    lock_path = checkpoint.path.with_suffix(".lock")

    def is_free():
        with open(lock_path, "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: refused by exclusive
            except BlockingIOError:
                return False
            return True

    def fail_within():
        with checkpoint.locked():
            checkpoint.save({"epoch": 1})
            assert not is_free()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_within()
    assert is_free()
    assert checkpoint.load() == {"epoch": 1}  # a failed job leaves its resume point


def test_checkpoint_goes_when_the_job_is_done(checkpoint):
    with checkpoint.locked():
        checkpoint.save({"epoch": 1})
    assert list(checkpoint.path.parent.iterdir()) == []
