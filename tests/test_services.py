"""`make services` where it has nothing to install, or cannot."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny import REPO


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The programs of a machine: those that the script needs, and no apt-get."""
    for name in ("bash", "env", "grep"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def add(machine: Path, name: str, body: str) -> None:
    (machine / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    (machine / name).chmod(0o755)


def services(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPO / "envs/services")], env={"PATH": str(machine)}, capture_output=True, text=True
    )


@pytest.fixture
def debian(machine: Path) -> Path:
    """With an apt-get that only writes down that it was called."""
    add(machine, "apt-get", f"echo called >>{machine}/calls; exit 1")
    return machine


def test_without_apt_it_says_what_to_install(machine: Path) -> None:
    done = services(machine)
    assert done.returncode == 1
    assert done.stdout == ""
    for program in ("Slurm", "munge", "Chromium", "ffmpeg", "SoX", "lame", "opus-tools", "flac"):
        assert program in done.stderr


def test_where_all_is_there_nothing_is_done_and_nobody_need_be_root(debian: Path) -> None:
    add(debian, "dpkg-query", "printf installed")
    add(debian, "id", "echo 1000")
    done = services(debian)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (debian / "calls").exists()


@pytest.mark.parametrize("status", ["exit 1", "printf config-files"])
def test_whoever_is_not_root_is_told_what_is_absent(debian: Path, status: str) -> None:
    found = f'for last; do :; done; [ "$last" = sox ] || {{ printf installed; exit; }}; {status}'
    add(debian, "dpkg-query", found)
    add(debian, "id", "echo 1000")
    done = services(debian)
    assert done.returncode == 1
    assert re.search(r"\bsox\b.*\broot\b", done.stderr)
    assert not (debian / "calls").exists()
