"""Dry runs of Snakemake by a process that has imported it already, which is most of their work.

This file as a program imports Snakemake, and nothing of Earmark. For each call, a line of JSON, it
forks a process that does what ``python -m snakemake`` does, and answers with the exit code.
"""

import atexit
import functools
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    directory: Path, arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> tuple[int, str]:
    """Call Snakemake in ``directory``: exit code and everything printed."""
    with tempfile.NamedTemporaryFile() as printed:
        call = (str(directory), printed.name, list(arguments), dict(environment), int(seconds))
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(call) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return code, printed.read().decode("utf-8")


@functools.cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.communicate)  # it ends with its input
    return server


def _become(
    directory: str, printed: str, arguments: list[str], environment: dict[str, str], seconds: int
) -> None:
    """Be the process that was asked for."""
    os.setsid()
    signal.alarm(seconds)
    output = os.open(printed, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = directory
    sys.argv = ["snakemake", *arguments]
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)


def _serve() -> None:
    from snakemake import cli

    cli.get_argument_parser()  # imports all plugins

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(*json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
