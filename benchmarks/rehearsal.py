"""The whole workflow at the full set's size: time, memory and disk of each stage, and Snakemake's.

Runs ``submission.csv`` and ``scores`` for about 9,470 train and 9,390 test clips that it makes,
with presets/small.yaml, in FOLDER, and prints a table from what Snakemake noted of each job. On two
cores it takes more than an hour and 4 GB of disk. A stopped run goes on where it was; then
``--only-table`` gives the whole time from what was noted.

    .venv/bin/python benchmarks/rehearsal.py FOLDER [--cores 2] [--only-table]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import measuring

OVERLAY = measuring.REPO / "benchmarks/rehearsal.yaml"
RESULTS = "results/demo"
# Stage -> where its files lie among the results.
FILES = {
    "synthesise_dataset": "dataset",
    "inspect_clips": "clips",
    "extract_features": "features",
    "train_autoencoder": "autoencoders",
    "spread_labels": "spread",
    "train_model": "models",
    "selftrain_round": "selftraining",
    "predict": "predictions",
}


@dataclass(frozen=True)
class Job:
    """What Snakemake noted of a job: seconds since the epoch, and memory in MB."""

    stage: str
    begin: float
    end: float
    megabytes: float


def jobs_in(folder: Path) -> Iterator[Job]:
    """Read what Snakemake noted."""
    notes = folder / RESULTS / "benchmarks"
    for path in sorted(notes.rglob("*.tsv")):
        names, values = (line.split("\t") for line in path.read_text().splitlines()[:2])
        found = dict(zip(names, values, strict=True))
        end = path.stat().st_mtime
        stage = path.relative_to(notes).parts[0].removesuffix(".tsv")
        memory = found["max_pss"] if found["max_pss"] not in ("-", "NA") else "0"
        yield Job(stage, end - float(found["s"]), end, float(memory))


def covered(jobs: list[Job]) -> float:
    """Seconds in which at least one job ran."""
    total, until = 0.0, 0.0
    for job in sorted(jobs, key=lambda job: job.begin):
        total += max(0.0, job.end - max(job.begin, until))
        until = max(until, job.end)
    return total


def megabytes(path: Path) -> float:
    """Size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def section(folder: Path, wall_seconds: float | None) -> str:
    """The stages' table, and who had the time; Markdown."""
    jobs = list(jobs_in(folder))
    rows: list[tuple[object, ...]] = []
    for stage in dict.fromkeys(job.stage for job in sorted(jobs, key=lambda job: job.begin)):
        mine = [job for job in jobs if job.stage == stage]
        size = folder / RESULTS / FILES.get(stage, "none")
        rows.append(
            (
                stage,
                len(mine),
                f"{sum(job.end - job.begin for job in mine):.0f}",
                f"{max(job.megabytes for job in mine):.0f}",
                f"{megabytes(size):.0f}" if size.exists() else "",
            )
        )
    begin, end = min(job.begin for job in jobs), max(job.end for job in jobs)
    wall = wall_seconds or end - begin
    whole = "from start to end" if wall_seconds else "from the first job's start to the last's end"
    rows.append(("all", len(jobs), f"{wall:.0f} {whole}", "", f"{megabytes(folder / RESULTS):.0f}"))
    heads = ("Stage", "jobs", "seconds", "MB of memory at most, of one job", "MB of disk")
    table = measuring.table(heads, rows)
    share = f"{max(0.0, 1 - covered(jobs) / wall):.1%}"
    return f"{table}\n\nOf that time, {share} passed without any of these jobs: it is Snakemake's."


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--only-table", action="store_true", help="of a run that has ended")
    given = parser.parse_args()
    wall = None
    if not given.only_table:
        given.folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "snakemake", "-s", str(measuring.REPO / "Snakefile"),
            f"-j{given.cores}", "--directory", str(given.folder), "submission.csv", "scores",
            "--configfile", str(OVERLAY),
        ]  # fmt: skip
        begin = time.perf_counter()
        if subprocess.run(command).returncode:
            raise SystemExit("The workflow failed; its last lines say why.")
        wall = time.perf_counter() - begin
    print(section(given.folder, wall))


if __name__ == "__main__":
    main()
