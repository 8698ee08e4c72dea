"""What every job does around its work: log, arguments, and errors as sentences."""

import inspect
import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import earmark
from earmark.runtime import interruption, outputs, progress
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Parameters that only make Snakemake rerun a job when they change; `main` need not have them.
RERUN_ONLY_PARAMS = ("code", "network_code", "feature_code", "content")


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call ``main`` with the rule's named inputs, outputs and params.

    ``main`` gets ``threads``, and of the config's ``untracked`` entries (the data's folder, the
    hardware: where a job computes is no reason to redo it) those that it has parameters for.
    Log lines go to the rule's log file, warnings to standard error too. An EarmarkError ends the
    job with its sentence alone, anything else with a traceback in the log; both exit with status 1.
    A job that was asked to stop and saved its state exits with 143, as one that SIGTERM ends does.
    """
    interruption.stop_with_snakemake()
    _start_log(snakemake.log[0] if snakemake.log else None)
    try:
        # Snakemake runs a copy of the script; ``__file__`` is the original's.
        _check_package(Path(main.__globals__["__file__"]).parent)
        main(**_arguments(main, snakemake))
    except EarmarkError as problem:
        log.error("%s", problem)
        raise SystemExit(1) from None
    except interruption.InterruptedJobError as stop:
        log.warning("%s", stop)
        raise SystemExit(128 + signal.SIGTERM) from None
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno in outputs.WRITE_ERRNOS:
            log.error("%s", outputs.write_error(problem.filename or "of this job", problem))
        else:
            log.exception("The job of rule %s failed.", snakemake.rule)
        raise SystemExit(1) from None


def _check_package(scripts: Path) -> None:
    """Raise EarmarkError if Python took another Earmark than the one beside the script."""
    own, used = scripts / "earmark", Path(earmark.__file__).parent
    if own.is_dir() and own.resolve() != used.resolve():
        raise EarmarkError(
            f"The workflow in {scripts.parent} would run with the Earmark in {used}, which may be "
            f"another version. Run `make env` there, or set PYTHONPATH to {scripts}."
        )


def _arguments(main: Callable[..., None], snakemake: Any) -> dict[str, Any]:
    """The arguments of ``main``; Python refuses those that it has no parameter for."""
    optional = {"threads": snakemake.threads, **snakemake.config.get("untracked", {})}
    arguments = {**snakemake.input, **snakemake.output, **snakemake.params, **optional}
    parameters = inspect.signature(main).parameters
    return {
        name: value
        for name, value in arguments.items()
        if name in parameters or name not in (*RERUN_ONLY_PARAMS, *optional)
    }


def prepare_jobs(scripts: Path) -> None:
    """Set what the jobs that this process starts inherit; ``scripts`` is the scripts' folder."""
    # Otherwise an Earmark installed from elsewhere would come before the one beside the scripts.
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(scripts), *([others] if others else [])])
    # Figures are only saved. Notebooks set a backend that need not be installed here.
    os.environ["MPLBACKEND"] = "agg"
    # Snakemake writes this path into shell commands without quotes.
    if os.path.exists(sys.executable):
        sys.executable = quoted(sys.executable)


def quoted(path: str) -> str:
    """A path as the system's shell takes it."""
    return subprocess.list2cmdline([path]) if os.name == "nt" else shlex.quote(path)


def check_checkout(folder: Path) -> None:
    """Raise EarmarkError if the workflow lies where Snakemake cannot run it."""
    if {"{", "}"} & set(str(folder)):
        raise EarmarkError(
            f"The workflow is in {folder}: Snakemake reads the brace in that path as a wildcard. "
            f"Rename the folder, and run `make env` there."
        )


def _start_log(path: str | None) -> None:
    # Lines that do not fit on a full disk are dropped: the error of the outputs says it.
    logging.raiseExceptions = False
    log.setLevel(logging.INFO)
    log.propagate = False
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    # The file gets every line, the terminal, which shows many jobs, only the important ones.
    terminal.addFilter(progress.is_for_terminal)
    log.handlers[:] = [terminal]
    warnings = logging.getLogger("py.warnings")
    warnings.propagate = False
    warnings.handlers.clear()
    if path:
        try:
            file = logging.FileHandler(path, encoding="utf-8")
        except OSError as problem:
            raise SystemExit(str(outputs.write_error(path, problem))) from None
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)
        warnings.addHandler(file)
    logging.captureWarnings(True)
