"""Kill writers of each kind of output at moments drawn from a seed: ``killed_writers.py FOLDER``.

A process of its own, because it forks: each writer writes the same file again and again, and is
killed. Prints as JSON, for each file, how many kills came in the middle of writing, and what was
wrong afterwards (nothing).
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bad_files

KILLS = 8


def kill_once(write: Callable[[Path], None], path: Path, seconds: float) -> None:
    """Have another process write ``path`` over and over, and kill it after some time."""
    pid = os.fork()
    if pid == 0:
        while True:
            write(path)
            path.unlink()
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def main(folder: Path) -> None:
    rng = random.Random(5)
    told = {}
    for name, write in bad_files.WRITERS.items():
        begin = time.perf_counter()
        write(folder / "whole" / name)
        taken = time.perf_counter() - begin
        whole = (folder / "whole" / name).read_bytes()
        path = folder / "killed" / name
        path.parent.mkdir(exist_ok=True)
        halfway, wrong = 0, []
        for _ in range(KILLS):
            kill_once(write, path, 0.01 + rng.random() * 2 * taken)
            halfway += bool(list(path.parent.glob(".*.tmp")))
            if path.exists() and path.read_bytes() != whole:
                wrong.append("half a file has the name of a whole one")
            write(path)
            if path.read_bytes() != whole:
                wrong.append("written again, it has other bytes")
            if left := list(path.parent.glob(".*.tmp")):
                wrong.append(f"left behind: {left}")
            path.unlink()
        told[name] = {"halfway": halfway, "wrong": wrong}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
