"""The command `earmark`, and Earmark as a package to install."""

import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import bundles
import pytest
import soundfile
from tiny import REPO, tone

from earmark.runtime.errors import EarmarkError
from earmark.tagging import command_line

SCRIPTS = REPO / "workflow_scripts"
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
EXTRAS = PROJECT["optional-dependencies"]


def output(*command: str, path: Path | None = None, folder: Path = REPO) -> str:
    """Standard output of a command that must succeed; ``path`` is the only PYTHONPATH."""
    environment = {"PATH": "/usr/bin:/bin"} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def command(*arguments: str, folder: Path) -> str:
    """What the command prints where Python has nothing but its standard library (-S)."""
    module = (sys.executable, "-S", "-m", "earmark.tagging.command_line")
    return output(*module, *arguments, path=SCRIPTS, folder=folder)


def test_alone_it_prints_one_screen_that_says_where_to_begin(tmp_path: Path) -> None:
    screen = command(folder=tmp_path)
    assert command("--help", folder=tmp_path) == screen
    lines = screen.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= max(80, len(f"In {REPO}:"))
    assert f"In {REPO}:" in lines


@pytest.mark.parametrize(
    ("arguments", "redirection", "words"),
    [
        ("--help", ">/dev/full", "No space left"),
        ("", ">/dev/full", "No space left"),
        ("", ">&-", "output is closed"),
        ("tag x " + "a" * 300, "", "File name too long"),
    ],
)
def test_an_error_of_the_system_is_a_sentence(
    tmp_path: Path, arguments: str, redirection: str, words: str
) -> None:
    line = f"{sys.executable} -S -m earmark.tagging.command_line {arguments} {redirection}"
    done = subprocess.run(
        line, shell=True, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SCRIPTS)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--window", "3s", "number from 0.01 to 86400"),
        ("--threshold", "50%", "number from 0 to 1"),
        ("--top", "1.5", "whole number from 1"),
        ("--hop", "nan", "number from 0.01"),
    ],
)
def test_an_option_says_which_numbers_it_takes(
    capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["tag", "x", "y", option, value])
    assert f"{value} is not a {words}" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt, AttributeError, EarmarkError])
def test_what_a_library_makes_of_ctrl_c_is_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: type[BaseException]
) -> None:
    def tag(*given: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error from None

    monkeypatch.setattr(command_line, "tag", tag)
    with pytest.raises(SystemExit) as end:
        command_line.main(["tag", "bundle", "sound"])
    assert end.value.code == 130
    assert capfd.readouterr().err == "Stopped.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_it_names_is_there(tmp_path: Path) -> None:
    screen = command(folder=tmp_path)
    named = [word.strip(".,;:") for word in screen.split()]
    files = {word for word in named if word.endswith((".md", ".yaml")) or word == "docs/"}
    assert files
    assert [name for name in files if not (REPO / name).exists()] == []


def test_the_package_needs_nothing_but_python_to_be_imported(tmp_path: Path) -> None:
    code = "import sys, earmark; print('torch' in sys.modules, earmark.__file__)"
    expected = f"False {SCRIPTS / 'earmark/__init__.py'}\n"
    assert output(sys.executable, "-S", "-c", code, path=SCRIPTS, folder=tmp_path) == expected
    # Nor does it import what is there.
    assert output(sys.executable, "-c", code, path=SCRIPTS, folder=tmp_path) == expected


def test_installed_by_itself_it_is_complete_and_has_its_version(tmp_path: Path) -> None:
    copy, site = tmp_path / "checkout", tmp_path / "site"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "workflow_scripts"):
        subprocess.run(["cp", "-r", str(REPO / name), str(copy)], check=True)
    alone = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install")
    output(*pip, *alone, "--target", str(site), str(copy))

    found = {path.relative_to(site) for path in (site / "earmark").rglob("*.py")}
    assert found == {path.relative_to(SCRIPTS) for path in (SCRIPTS / "earmark").rglob("*.py")}
    # Scripts of rules are no modules of everyone's.
    assert {path.name for path in site.iterdir()} == {
        "bin",
        "earmark",
        f"earmark-{VERSION}.dist-info",
    }
    program = str(site / "bin/earmark")
    assert output(program, "--version", path=site, folder=tmp_path) == f"earmark {VERSION}\n"
    assert "In a checkout of Earmark:" in output(program, path=site, folder=tmp_path).splitlines()


def with_their_dependencies(names: Iterable[str]) -> set[str]:
    """These packages and all that they need, as far as they are installed."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = re.match(r"[\w.-]+", waiting.pop()).group().lower()  # type: ignore[union-attr]
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name not in found:
            found.add(name)
            waiting += [line for line in needed if "extra ==" not in line]
    return found


def test_with_the_packages_that_it_names_and_no_others_it_tags(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "earmark").symlink_to(SCRIPTS / "earmark")
    for name in with_their_dependencies([*PROJECT["dependencies"], *EXTRAS["torch"]]):
        files = metadata.files(name) or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(metadata.distribution(name).locate_file(top))  # type: ignore[arg-type]
    sound = tmp_path / "a.wav"
    soundfile.write(sound, tone(440.0, 1.0, 16000), 16000)
    made = bundles.make(tmp_path / "made", tuple(bundles.FEATURES))
    module = (sys.executable, "-S", "-m", "earmark.tagging.command_line")
    done = subprocess.run(
        [*module, "tag", str(made), str(sound), "--window", "0.5"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + 2 * 3


def test_the_packages_to_install_are_those_of_the_environment() -> None:
    text = (REPO / "envs/requirements.in").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert {*EXTRAS["onnx"], *EXTRAS["export"]} - {"earmark[torch,onnx]"} <= set(lines)
    text = text.split("# tests")[0]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert EXTRAS["train"][0] == "earmark[torch]"
    named = [*PROJECT["dependencies"], *EXTRAS["torch"], *EXTRAS["train"][1:]]
    wanted = {re.split("[=<]", line)[0] for line in lines} - {"snakemake-executor-plugin-slurm"}
    assert {re.split("[=<]", line)[0] for line in named} == wanted
    assert len(named) == len(wanted)


def test_make_env_has_installed_this_checkout(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("earmark")
    try:
        installed = metadata.version("earmark")
    except metadata.PackageNotFoundError:
        pytest.skip("this environment is not that of make env")
    assert installed == VERSION
    assert output(str(program), "--version", folder=tmp_path) == f"earmark {VERSION}\n"
    assert f"In {REPO}:" in output(str(program), folder=tmp_path).splitlines()
