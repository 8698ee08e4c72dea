"""What starting costs: to plan a run, and to start one job, with and without torch.

Prints two Markdown tables of medians with the smallest and largest value; the first has a run that
finds nothing to be done as well. Everything is timed in turn within one call, so that other work on
the machine meets all of it alike.

    .venv/bin/python benchmarks/startup.py --repeats 9
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import measuring
import psutil
import yaml
from measuring import REPO, SCRIPTS

SEED = "results/demo/models/vgg_more/seed1/fold0"
# Rule -> a file of it; all three work for a moment only, on the tiny set below.
RULES = {
    "select_labels": "results/demo/selections/everything.csv",
    "plot_classes": "results/demo/report/clips_per_class.png",
    "train_model": f"{SEED}/weights.safetensors",
}
HEAVY = {
    "select_labels": "pandas",
    "plot_classes": "pandas, matplotlib",
    "train_model": "pandas, torch",
}
TINY = {
    "demo": {"clips_per_class": 6, "test_clips_per_class": 1},
    "hardware": {"device": "cpu", "precision": "float32", "memory_format": "contiguous"},
    "features": {"stft": {"bins": 16, "frames": 14}},
    "recipes": {"vgg": {"epochs": 1}},
}
# What Snakemake puts before a script of a rule unpickles objects of this module.
PREAMBLE = "import snakemake.iocontainers"


def run(command: list[str], folder: Path) -> float:
    """Run a command that must succeed; return its seconds."""
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    return seconds


class Watch:
    """Times the process that runs a rule's script, from its start until it is gone."""

    def __init__(self) -> None:
        self.seconds = 0.0
        # The kernel counts starts of processes from a time that is known to a second only.
        begin = time.time()
        with subprocess.Popen(["sleep", "0.05"]) as known:
            self._late = begin - psutil.Process(known.pid).create_time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        me, known = psutil.Process(), set()
        while not self._over.wait(0.02):
            for child in me.children(recursive=True):
                if child.pid in known:
                    continue
                try:
                    words = child.cmdline()
                    # bash runs the script, so that its arguments are one long word.
                    if any("/.snakemake/scripts/" in word for word in words[1:2]):
                        known.add(child.pid)
                        begin = child.create_time() + self._late
                        child.wait()
                        self.seconds = time.time() - begin
                except psutil.NoSuchProcess:
                    known.add(child.pid)


def section(repeats: int) -> str:
    """Time planning and the starts of jobs; return both tables."""
    # The user's own settings must not matter.
    for name in [name for name in os.environ if name.startswith("SNAKEMAKE")]:
        del os.environ[name]
    os.environ["PYTHONPATH"] = str(SCRIPTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty").mkdir()
        (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
        return plan_and_start(folder, repeats)


def plan_and_start(folder: Path, repeats: int) -> str:
    """Measure in ``folder``, which may be filled."""
    snakemake = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "-j1"]
    tiny = ["--configfile", str(folder / "tiny.yaml")]
    run([*snakemake, *RULES.values(), *tiny], folder)
    planning: dict[str, list[float]] = {"submission.csv": [], "all": []}
    nothing: list[float] = []
    parts: dict[str, list[list[float]]] = {rule: [] for rule in RULES}
    for _ in range(repeats):
        for target, seconds in planning.items():
            seconds.append(run([*snakemake, "-n", target], folder / "empty"))
        nothing.append(run([*snakemake, *RULES.values(), *tiny], folder))
        for rule, file in RULES.items():
            forced = [*snakemake, "--force", file, *tiny]
            plan = run([*forced, "-n"], folder)
            with Watch() as watch:
                whole = run(forced, folder)
            python = run([sys.executable, "-c", PREAMBLE], folder)
            imports = run([sys.executable, "-c", f"{PREAMBLE}; import {rule}"], folder) - python
            script = watch.seconds
            around = whole - plan - script
            work = script - python - imports
            parts[rule].append([around, python, imports, work, whole - plan, whole - script])
    return tables(planning, nothing, parts)


def tables(
    planning: dict[str, list[float]], nothing: list[float], parts: dict[str, list[list[float]]]
) -> str:
    """What was measured, in seconds."""
    rows = [
        (f"`snakemake -n {target}`, the default run", words_of(seconds))
        for target, seconds in planning.items()
    ]
    rows.append(("a run with nothing to be done, a tiny set", words_of(nothing)))
    heads = ("job of", "Snakemake around it", "Python and its preamble", "imports",
             "work on a tiny set", "together", "Snakemake for this job alone")  # fmt: skip
    jobs = [
        (
            f"`{rule}` ({HEAVY[rule]})",
            *(words_of(list(values)) for values in zip(*rows, strict=True)),
        )
        for rule, rows in parts.items()
    ]
    return f"{measuring.table(('Planning', 'seconds'), rows)}\n\n{measuring.table(heads, jobs)}"


def words_of(values: list[float]) -> str:
    """Median and range, in seconds."""
    return measuring.spread_of(values, ".2f")


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, repeats=9))))
