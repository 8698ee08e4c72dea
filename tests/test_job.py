"""Around a job's work: which arguments its main gets, its log, and how it ends."""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import REPO

from earmark.runtime import interruption, job
from earmark.runtime.errors import EarmarkError


def rule(log: Path | None = None, **changed: Any) -> SimpleNamespace:
    """What Snakemake tells a script of its rule."""
    given: dict[str, Any] = {
        "rule": "tag_clips",
        "input": {"sounds": "a.wav"},
        "output": {"tags": "tags.csv"},
        "params": {"cfg": {"x": 1}, "code": "abc"},
        "threads": 3,
        "config": {"untracked": {"folder": "/sounds", "hardware_settings": {"device": "cpu"}}},
        "log": [str(log)] if log else [],
    }
    return SimpleNamespace(**{**given, **changed})


@pytest.fixture(autouse=True)
def handlers_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a job does to this process is undone."""
    monkeypatch.setattr(interruption, "stop_with_snakemake", lambda: None)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    loggers = [logging.getLogger(name) for name in ("earmark", "py.warnings")]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers = []
    yield
    logging.captureWarnings(False)
    for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
        each.handlers, each.level, each.propagate = handlers, level, propagate


def ran(main: Callable[..., None], **changed: Any) -> None:
    job.run(main, rule(**changed))


def test_main_gets_inputs_outputs_and_params_by_name() -> None:
    seen: dict[str, Any] = {}

    def main(*, sounds: str, tags: str, cfg: dict[str, Any]) -> None:
        seen.update(sounds=sounds, tags=tags, cfg=cfg)

    ran(main)
    assert seen == {"sounds": "a.wav", "tags": "tags.csv", "cfg": {"x": 1}}


def test_what_is_offered_is_taken_by_those_that_have_a_parameter_for_it() -> None:
    seen: list[object] = []

    def main(
        *,
        sounds: str,
        tags: str,
        cfg: dict[str, Any],
        code: str,
        threads: int,
        folder: str,
        hardware_settings: dict[str, Any],
    ) -> None:
        seen.extend([code, threads, folder, hardware_settings])

    ran(main)
    assert seen == ["abc", 3, "/sounds", {"device": "cpu"}]


def test_a_parameter_with_a_default_may_be_left_out() -> None:
    seen: list[object] = []

    def main(*, sounds: str, tags: str, cfg: dict[str, Any], more: str = "none") -> None:
        seen.append(more)

    ran(main)
    ran(main, input={"sounds": "a.wav", "more": "some"})
    assert seen == ["none", "some"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        # A renamed input would else become its default without a word.
        ({"input": {"sounds": "a.wav", "clips": "a.wav"}}, "unexpected keyword argument 'clips'"),
        ({"input": {}}, "missing 1 required keyword-only argument: 'sounds'"),
    ],
)
def test_a_rule_that_does_not_agree_with_its_script_fails(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    def main(*, sounds: str, tags: str, cfg: dict[str, Any], clips_of: str = "") -> None:
        pytest.fail("it was called")

    with pytest.raises(SystemExit) as stopped:
        ran(main, log=tmp_path / "log", **changed)
    assert stopped.value.code == 1
    assert re.search(rf"TypeError: .*{words}", (tmp_path / "log").read_text())


def failing(problem: BaseException) -> Callable[..., None]:
    def main(*, sounds: str, tags: str, cfg: dict[str, Any]) -> None:
        raise problem

    return main


def test_an_error_for_users_is_its_sentence_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        ran(failing(EarmarkError("Write this instead.")), log=tmp_path / "log")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "Write this instead.\n"
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith("ERROR Write this instead.")


def test_a_fault_has_its_traceback_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        ran(failing(KeyError("x")), log=tmp_path / "log")
    assert stopped.value.code == 1
    text = (tmp_path / "log").read_text()
    assert "The job of rule tag_clips failed." in text
    assert "Traceback" in text
    assert "KeyError: 'x'" in text


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    full = OSError(28, "No space left on device", "tags.csv")
    with pytest.raises(SystemExit):
        ran(failing(full), log=tmp_path / "log")
    text = (tmp_path / "log").read_text()
    assert "tags.csv cannot be written (No space left on device). Free disk space there" in text
    assert "Traceback" not in text


def test_a_job_that_was_asked_to_stop_ends_as_by_sigterm() -> None:
    with pytest.raises(SystemExit) as stopped:
        ran(failing(interruption.InterruptedJobError("Stopped, all is saved.")))
    assert stopped.value.code == 128 + 15


def test_the_terminal_has_warnings_and_what_is_meant_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(*, sounds: str, tags: str, cfg: dict[str, Any]) -> None:
        log = logging.getLogger("earmark")
        log.info("quiet")
        log.info("progress", extra={"terminal": True})
        log.warning("loud")

    ran(main, log=tmp_path / "log")
    assert capsys.readouterr().err == "progress\nloud\n"
    told = [line.split(" ", 2)[2] for line in (tmp_path / "log").read_text().splitlines()]
    assert told == ["INFO quiet", "INFO progress", "WARNING loud"]


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="absent/log cannot be written"):
        ran(lambda: None, log=tmp_path / "absent" / "log")


def test_jobs_take_the_earmark_beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before what PYTHONPATH names, and so before one that is installed.
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    job.prepare_jobs(Path("/checkout/workflow_scripts"))
    assert os.environ["PYTHONPATH"] == f"/checkout/workflow_scripts{os.pathsep}/elsewhere"
    monkeypatch.delenv("PYTHONPATH")
    job.prepare_jobs(Path("/checkout/workflow_scripts"))
    assert os.environ["PYTHONPATH"] == "/checkout/workflow_scripts"


@pytest.mark.parametrize("name", ["My Projects", "it's #1", "$HOME; x", "plain"])
def test_a_shell_starts_the_python_of_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Snakemake writes sys.executable into the commands of jobs as it is.
    (tmp_path / name).mkdir()
    python = tmp_path / name / "python"
    python.symlink_to("/bin/echo")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PYTHONPATH", "")
    for _ in range(2):  # as where one workflow uses another as a module
        job.prepare_jobs(tmp_path)
    command = ["bash", "-c", f"{sys.executable} it ran"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "it ran\n"


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "none", "", None])
def test_jobs_draw_without_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str | None
) -> None:
    monkeypatch.setenv("MPLBACKEND", backend or "")
    if backend is None:
        monkeypatch.delenv("MPLBACKEND")
    monkeypatch.setenv("PYTHONPATH", "")
    job.prepare_jobs(tmp_path)
    assert os.environ["MPLBACKEND"] == "agg"


@pytest.mark.parametrize("name", ["earmark {new}", "a}b/earmark"])
def test_a_checkout_that_snakemake_cannot_run_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EarmarkError, match=r"reads the brace .* Rename the folder"):
        job.check_checkout(tmp_path / name)
    job.check_checkout(tmp_path / "My Projects" / "a<b>")


SCRIPT = '''
from types import SimpleNamespace
from earmark.runtime import job


def main():
    print("it ran")


job.run(main, SimpleNamespace(
    rule="r", input={}, output={}, params={}, threads=1, config={}, log=[],
))
'''  # fmt: skip


def run_script(folder: Path, package: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in ``folder`` with the Earmark in ``package``.

    As with Snakemake, the script's own folder is not the first to be looked in.
    """
    (folder / "script.py").write_text(SCRIPT)
    code = f"import sys, runpy; sys.path.insert(0, {str(package)!r}); runpy.run_path(sys.argv[1])"
    command = [sys.executable, "-c", code, str(folder / "script.py")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_another_earmark_than_the_one_beside_the_script_is_refused(tmp_path: Path) -> None:
    ours = REPO / "workflow_scripts"
    checkout = tmp_path / "checkout" / "workflow_scripts"
    skip = shutil.ignore_patterns("__pycache__", "synthesis")
    shutil.copytree(ours / "earmark", checkout / "earmark", ignore=skip)
    done = run_script(checkout, ours)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert f"The workflow in {checkout.parent} would run with the Earmark in {ours}" in sentence
    assert "make env" in sentence
    assert done.stdout == ""
    # With its own, by another name of its folder, and where no Earmark lies beside it, it runs.
    (tmp_path / "alias").symlink_to(checkout)
    (tmp_path / "alone").mkdir()
    for folder, package in (
        (checkout, checkout),
        (checkout, tmp_path / "alias"),
        (tmp_path / "alone", ours),
    ):
        done = run_script(folder, package)
        assert (done.returncode, done.stdout) == (0, "it ran\n"), done.stderr
