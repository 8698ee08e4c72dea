"""What every job does around its work: log, arguments, and errors as sentences."""

import contextlib
import inspect
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import earmark
from earmark.runtime import interruption, outputs, progress
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Parameters that are there for Snakemake to compare; a script takes them if it likes.
COMPARED = ("code", "network_code", "feature_code", "content")


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call ``main`` with the rule's named inputs, outputs and params.

    ``main`` gets ``threads``, and of the config's ``untracked`` entries (the data's folder, the
    hardware: where a job computes is no reason to redo it) those that it has parameters for.
    Log lines go to the rule's log file and to standard error. An EarmarkError ends the job with its
    sentence alone, anything else with a traceback in the log; both exit with status 1. A job that
    was asked to stop and saved its state exits with 143, as one that SIGTERM ends at once does.
    """
    interruption.follow()
    _start_log(snakemake.log[0] if snakemake.log else None)
    try:
        # Snakemake runs a copy of the script and says here where it comes from.
        _check_package(Path(main.__globals__["__file__"]).parent)
        main(**_arguments(main, snakemake))
    except EarmarkError as problem:
        log.error("%s", problem)
        raise SystemExit(1) from None
    except interruption.InterruptedJobError as stop:
        log.warning("%s", stop)
        raise SystemExit(128 + signal.SIGTERM) from None
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno in outputs.SURELY_WRITING:
            log.error("%s", outputs.unwritable(problem.filename or "of this job", problem))
            raise SystemExit(1) from None
        log.exception("The job of rule %s failed.", snakemake.rule)
        raise SystemExit(1) from None


def _arguments(main: Callable[..., None], snakemake: Any) -> dict[str, Any]:
    """The arguments of ``main``. Raises TypeError where the rule and ``main`` do not agree.

    A renamed input would else silently become its default.
    """
    arguments = {**snakemake.input, **snakemake.output, **snakemake.params}
    wanted = inspect.signature(main).parameters
    offered = {"threads": snakemake.threads, **snakemake.config.get("untracked", {})}
    arguments |= {name: value for name, value in offered.items() if name in wanted}
    for name in COMPARED:
        if name not in wanted:
            arguments.pop(name, None)
    unknown = sorted(set(arguments) - set(wanted))
    missing = [
        name
        for name, parameter in wanted.items()
        if parameter.default is inspect.Parameter.empty and name not in arguments
    ]
    if unknown or missing:
        raise TypeError(
            f"rule {snakemake.rule} and its script do not agree: main() lacks "
            f"{', '.join(unknown) or 'nothing'}, the rule lacks {', '.join(missing) or 'nothing'}"
        )
    return arguments


def take_package_from(scripts: Path) -> None:
    """Let the jobs that this process starts use the Earmark in ``scripts``.

    One that is installed from elsewhere would come before the one beside the scripts.
    """
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(scripts), *([others] if others else [])])


def _check_package(scripts: Path) -> None:
    """Raise EarmarkError if Python took another Earmark than the one beside the script."""
    own = scripts / "earmark"
    used = Path(earmark.__file__).parent
    if own.is_dir() and own.resolve() != used.resolve():
        raise EarmarkError(
            f"The workflow in {scripts.parent} would run with the Earmark of {used}, which may be "
            f"another version. Run `make env` there and use its .venv/bin/snakemake, or set "
            f"PYTHONPATH to {scripts}."
        )


def _start_log(path: str | None) -> None:
    log.setLevel(logging.INFO)
    log.handlers.clear()
    log.propagate = False
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(logging.Formatter("%(message)s"))
    # The file has every line; the terminal that runs many jobs has only what needs a reader.
    screen.addFilter(lambda line: line.levelno >= logging.WARNING or progress.is_for_screen(line))
    log.addHandler(screen)
    if path:
        try:
            file = _LogFile(path, mode="a", encoding="utf-8")
        except OSError as problem:
            screen.filters.clear()
            log.warning("%s Its lines come here.", outputs.unwritable(path, problem))
        else:
            file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            log.addHandler(file)
    logging.captureWarnings(True)
    warnings = logging.getLogger("py.warnings")
    warnings.handlers = [handler for handler in log.handlers if handler is not screen]
    warnings.propagate = False


class _LogFile(logging.FileHandler):
    """A log file that drops lines which do not fit on a full disk: the outputs' errors tell it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()
