"""The environment's files agree, and the repository holds no data."""

import datetime
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import relock
import yaml
from tiny import REPO

LOCK = (REPO / "envs/requirements.lock").read_text(encoding="utf-8")
REQUIREMENTS = (REPO / "envs/requirements.in").read_text(encoding="utf-8")
CONDA = yaml.safe_load((REPO / "envs/earmark.yaml").read_text(encoding="utf-8"))


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def entries() -> dict[str, tuple[str, str]]:
    """Package -> (version, its block), read line by line."""
    found: dict[str, tuple[str, str]] = {}
    name = ""
    for line in LOCK.splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, version = line.split(" ")[0].split("==")
            name = normal(name)
            assert name not in found, f"{name} is locked twice"
            found[name] = (version, "")
        version, block = found[name]
        found[name] = (version, f"{block}{line}\n")
    return found


def wanted() -> list[str]:
    """The packages of requirements.in before its tests' part, read line by line."""
    names = []
    for line in REQUIREMENTS.splitlines():
        if line.startswith("# tests"):
            break
        if line and not line.startswith("#"):
            names.append(normal(re.match(r"[A-Za-z0-9_.-]+", line).group()))  # type: ignore[union-attr]
    return names


def conda_pins() -> dict[str, str]:
    pip = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    return {normal(line.split("==")[0]): line.split("==")[1] for line in pip}


def test_every_direct_package_is_wanted_locked_and_in_the_conda_environment() -> None:
    names = wanted()
    assert len(names) > 10
    locked, conda = entries(), conda_pins()
    assert set(conda) == set(names)
    assert conda == {name: locked[name][0] for name in names}


def test_the_relock_script_reads_the_files_the_same_way() -> None:
    assert [normal(name) for name in relock.direct_names(REQUIREMENTS)] == wanted()
    assert relock.pins(LOCK) == {name: version for name, (version, _) in entries().items()}
    made = relock.conda_environment(wanted(), relock.pins(LOCK))
    assert made == (REPO / "envs/earmark.yaml").read_text(encoding="utf-8")


def test_every_line_of_requirements_is_locked_within_its_bounds() -> None:
    locked = entries()
    lines = [line for line in REQUIREMENTS.splitlines() if line and not line.startswith("#")]
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:(==|<)([0-9.]+))?", line)
        assert match, line
        name, operator, bound = match.groups()
        version = locked[normal(name)][0]
        if operator == "==":
            assert version == bound
        elif operator == "<":
            as_numbers = [tuple(map(int, text.split("."))) for text in (version, bound)]
            assert as_numbers[0] < as_numbers[1]


def test_every_locked_package_has_hashes() -> None:
    for name, (_, block) in entries().items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), name


def test_the_lock_names_no_index() -> None:
    assert "http" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK


@pytest.mark.parametrize(
    ("name", "version"), [("torch", "2.11.0"), ("torchaudio", "2.11.0"), ("snakemake", "9.27.1")]
)
def test_versions_that_were_tried_together(name: str, version: str) -> None:
    assert entries()[name][0] == version
    assert conda_pins()[name] == version


def test_the_snakefile_asks_for_the_locked_snakemake() -> None:
    asked = re.search(r'min_version\("([^"]+)"\)', (REPO / "Snakefile").read_text())
    assert asked
    assert asked.group(1) == entries()["snakemake"][0]


def test_the_citation_file_is_complete() -> None:
    citation = yaml.safe_load((REPO / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "title", "message", "authors", "version", "license"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert "10.5281/zenodo.2552860" in [entry.get("doi") for entry in citation["references"]]
    project = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{citation["version"]}"' in project
    if "date-released" in citation:
        assert isinstance(citation["date-released"], datetime.date)


def tracked() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this copy is no git checkout")
    return [name for name in done.stdout.split("\0") if name]


def test_no_data_is_tracked() -> None:
    names = tracked()
    assert "Snakefile" in names
    kinds = (".wav", ".flac", ".mp3", ".ogg", ".h5", ".hdf5", ".pt", ".pkl", ".safetensors", ".zip")
    assert [name for name in names if name.lower().endswith(kinds)] == []
    runs = ("results/", "logs/", "data/", ".snakemake/", ".venv/", "submission.csv", "tags.csv")
    assert [name for name in names if name.startswith(runs)] == []


def test_no_tracked_file_is_large() -> None:
    sizes = {name: (REPO / name).stat().st_size for name in tracked() if (REPO / name).is_file()}
    assert [name for name, size in sizes.items() if size > 2_000_000] == []


SHOW = """
show:
\t@echo "$$USER"
\t@echo "$$HOME"
"""
# A process whose user id has no name, as in a container.
NAMELESS = ("unshare", "--user", "--map-user=12345", "--map-group=12345")


def user_and_home(tmp_path: Path, *command: str, **variables: str) -> list[str]:
    """What jobs that make starts see."""
    (tmp_path / "show.mk").write_text(SHOW)
    make = [*command, "make", "-s", "-f", "Makefile", "-f", str(tmp_path / "show.mk"), "show"]
    unset = {"HOME", "USER", "LOGNAME", "LNAME", "USERNAME"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(make, cwd=REPO, env={**kept, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_user_without_a_name_or_home_gets_both(tmp_path: Path) -> None:
    assert user_and_home(tmp_path, USER="me", HOME=str(tmp_path)) == ["me", str(tmp_path)]
    fallback = str(REPO / ".home")
    for home in ({}, {"HOME": ""}, {"HOME": "/dev/null/none"}):
        assert user_and_home(tmp_path, USER="me", **home) == ["me", fallback]
    if not shutil.which("unshare") or subprocess.run([*NAMELESS, "true"]).returncode:
        pytest.skip("no process may have another user id here")
    assert user_and_home(tmp_path, *NAMELESS) == ["12345", fallback]
