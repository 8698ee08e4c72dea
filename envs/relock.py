"""Make requirements.lock and earmark.yaml from requirements.in: `make lock`, `make upgrade`.

Versions that are locked stay as they are where requirements.in allows them, so that a new package
comes alone; with --upgrade everything is resolved anew.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).parent
LOCK, CONDA = ENVS / "requirements.lock", ENVS / "earmark.yaml"
HEAD = "# Made by `make lock` from requirements.in; do not edit.\n"


def normalised(name: str) -> str:
    """The form in which package names compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_names(requirements: str) -> list[str]:
    """Names of the packages in requirements.in, before the tests' part."""
    runtime = requirements.split("# tests")[0]
    lines = [line.split("#")[0].strip() for line in runtime.splitlines()]
    return [normalised(re.split(r"[<>=!~ ;\[]", line)[0]) for line in lines if line]


def pins(lock: str) -> dict[str, str]:
    """Package -> version of a lock file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", lock, flags=re.MULTILINE)
    return {normalised(name): version for name, version in found}


def conda_environment(names: list[str], versions: dict[str, str]) -> str:
    """The conda environment: Python from conda-forge, packages as pinned in the lock."""
    lines = ["channels:", "  - conda-forge", "dependencies:", "  - python=3.11", "  - pip"]
    lines += ["  - pip:"] + [f"      - {name}=={versions[name]}" for name in names]
    return HEAD + "\n".join(lines) + "\n"


def main(upgrade: bool = False) -> None:
    """Resolve with uv for every platform and Python from 3.11 on."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "compile",
        "--quiet",
        "--universal",
    ]
    command += ["--fork-strategy", "fewest", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url"]
    # From the file that uv is to write it also reads the versions to keep.
    command += ["--output-file", str(LOCK), *(["--upgrade"] if upgrade else [])]
    command += [str(ENVS / "requirements.in")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lock = LOCK.read_text()
    LOCK.write_text(HEAD + lock)
    names = direct_names((ENVS / "requirements.in").read_text())
    CONDA.write_text(conda_environment(names, pins(lock)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="let every version change")
    main(**vars(parser.parse_args()))
