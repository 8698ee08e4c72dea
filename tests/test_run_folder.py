"""What a killed Snakemake leaves in its folder, and what the next one may clear."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import REPO

ENTER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(REPO / "workflow_scripts")!r})
from earmark.planning import run_folder
kept = run_folder.enter(Path(sys.argv[1]))
print("entered", flush=True)
sys.stdin.read()
"""


def enter(state: Path) -> subprocess.Popen[str]:
    """A process that has entered the folder and stays until its input ends."""
    run = subprocess.Popen(
        [sys.executable, "-c", ENTER, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout
    assert run.stdout.readline() == "entered\n"
    return run


def end(run: subprocess.Popen[str], kill: bool = False) -> str:
    if kill:
        run.kill()
    return run.communicate(timeout=30)[1]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder .snakemake with a lock such as a run writes."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.output.lock").write_text("results/x.csv\n")
    return tmp_path


def is_locked(state: Path) -> bool:
    return (state / "locks" / "0.output.lock").exists()


def notes(state: Path) -> list[Path]:
    return list((state / "earmark_runs").iterdir())


def test_locks_of_a_killed_run_are_cleared_and_it_is_told(state: Path) -> None:
    (state / "locks" / "0.output.lock").unlink()
    end(run := enter(state), kill=True)
    assert run.returncode < 0
    (state / "locks" / "0.output.lock").write_text("results/x.csv\n")  # as the killed one had
    text = end(enter(state))
    assert not is_locked(state)
    assert "A run here was killed" in text
    assert notes(state) == []


def test_locks_of_a_living_run_stay(state: Path) -> None:
    (state / "locks" / "0.output.lock").unlink()
    first = enter(state)
    (state / "locks" / "0.output.lock").write_text("results/x.csv\n")
    end(enter(state))
    end(enter(state), kill=True)  # a third that dies does not take the first one's lock with it
    end(enter(state))
    assert is_locked(state)
    end(first, kill=True)
    end(enter(state))
    assert not is_locked(state)


def test_a_living_run_is_known_before_it_holds_a_lock(state: Path) -> None:
    (state / "locks" / "0.output.lock").unlink()
    first = enter(state)
    end(enter(state))  # sees no locks yet
    (state / "locks" / "0.output.lock").write_text("results/x.csv\n")
    end(enter(state))
    assert is_locked(state)
    end(first)


def test_locks_stay_when_a_run_of_another_machine_may_be_alive(state: Path) -> None:
    foreign = state / "earmark_runs" / "elsewhere.123.456"
    foreign.parent.mkdir()
    foreign.touch()
    assert "killed" not in end(enter(state))
    assert is_locked(state)
    assert foreign.exists()
    # After `snakemake --unlock` the other machine's note means nothing any more.
    (state / "locks" / "0.output.lock").unlink()
    end(enter(state))
    assert notes(state) == []


def test_a_run_that_ends_leaves_nothing(tmp_path: Path) -> None:
    assert end(enter(tmp_path)) == ""
    assert notes(tmp_path) == []


def test_a_note_says_which_machine_and_process(tmp_path: Path) -> None:
    run = enter(tmp_path)
    (note,) = notes(tmp_path)
    end(run)
    assert note.name.startswith(f"{platform.node()}.{run.pid}.")
