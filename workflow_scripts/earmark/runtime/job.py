"""What every job does around its work: log, seed, progress, and errors as sentences."""

import contextlib
import inspect
import logging
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from earmark.runtime import interruption, outputs
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")
Item = TypeVar("Item")


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call ``main`` with the rule's named inputs, outputs and params, and its threads.

    Log lines go to the rule's log file and to standard error. An EarmarkError ends the job with its
    sentence alone, anything else with a traceback in the log; both exit with status 1. A job that
    was asked to stop and saved its state exits with 143, as one that SIGTERM ends at once does.
    """
    interruption.follow()
    _start_log(snakemake.log[0] if snakemake.log else None)
    given = {**snakemake.input, **snakemake.output, **snakemake.params}
    # The code's hash and the like are there for Snakemake to compare, not for the script.
    wanted = inspect.signature(main).parameters
    arguments = {name: value for name, value in given.items() if name in wanted}
    if "threads" in wanted:
        arguments["threads"] = snakemake.threads
    if "machine" in wanted:
        # Read past Snakemake's bookkeeping: where a job computes is no reason to redo it.
        arguments["machine"] = snakemake.config["hardware"]
    try:
        main(**arguments)
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


def _start_log(path: str | None) -> None:
    log.setLevel(logging.INFO)
    log.handlers.clear()
    log.propagate = False
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(logging.Formatter("%(message)s"))
    # The file has every line; the terminal that runs many jobs has only what needs a reader.
    screen.setLevel(logging.WARNING)
    log.addHandler(screen)
    if path:
        try:
            file = _LogFile(path, mode="a", encoding="utf-8")
        except OSError as problem:
            screen.setLevel(logging.INFO)
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
