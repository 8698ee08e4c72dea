"""What the benchmarks share: times in turn, memory of a process of its own, the machine."""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
SCRIPTS = REPO / "workflow_scripts"
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "h5py", "soundfile", "snakemake", "librosa")

Way = Callable[[], object]


def arguments(doc: str | None, **numbers: int) -> argparse.Namespace:
    """Read the command line of a benchmark with this docstring: options that are numbers."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n")[0])
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def in_turn(
    ways: Mapping[str, Way],
    repeats: int,
    prepare: Way = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each way, one after the other again and again; a first round does not count.

    What else happens on the machine meets all of them alike, so that ratios can be trusted. The
    time of ``prepare``, called before each, does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for count in range(repeats + 1):
        for name, way in ways.items():
            prepare()
            begin = clock()
            way()
            if count:
                seconds[name].append(clock() - begin)
    return seconds


def spread_of(values: Iterable[float], form: str = ".3g") -> str:
    """Median, and the smallest and the largest value."""
    found = list(values)
    return f"{statistics.median(found):{form}} ({min(found):{form}} to {max(found):{form}})"


def ratios(above: list[float], below: list[float]) -> list[float]:
    """Ratio of each pair that was measured in the same round."""
    return [one / other for one, other in zip(above, below, strict=True)]


def in_process(code: str, *arguments: object) -> dict[str, float]:
    """Run Python ``code``, which prints a JSON object last, in a process of its own.

    Returns the object, with ``gigabytes`` if it has none: the most memory that the process and its
    children were seen to hold at one time, pages that they share counted once (PSS).
    """
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": f"{SCRIPTS}:{REPO / 'benchmarks'}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        most = 0.0
        while process.poll() is None:
            begin = time.perf_counter()
            most = max(most, _proportional_bytes(process.pid))
            # Counting pages holds up the process that has them.
            time.sleep(max(0.05, 30 * (time.perf_counter() - begin)))
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    if process.returncode:
        raise SystemExit(f"A benchmark's process failed: {command[3:]}")
    return {"gigabytes": most / 1e9, **json.loads(lines[-1])}


def most_gigabytes() -> float:
    """The most memory that this process alone has held (Linux only)."""
    # The usual count starts with what the process that started this one held.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise SystemExit("This system does not tell a process's peak of memory.")


def _proportional_bytes(pid: int) -> float:
    import psutil

    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied, AttributeError):
        pass
    return total


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    names = list(heads)
    lines = [names, ["---", *["---:"] * (len(names) - 1)]]
    lines += [[str(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """Processor, cores, memory and versions, in words."""
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version}" for name, version in _versions())
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{'with' if has_bfloat16() else 'without'} bfloat16 instructions, {platform.system()}. "
        f"Python {platform.python_version()}, {versions}."
    )


def processor() -> str:
    """The processor's name."""
    sys.path.insert(0, str(SCRIPTS))
    from earmark.runtime import processors

    return processors.processor_name()


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16."""
    sys.path.insert(0, str(SCRIPTS))
    from earmark.inference import hardware

    return hardware.cpu_has_bfloat16()


def _versions() -> Iterable[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
