"""How much disk a run takes: measured on some hundred clips, worked out for all of FSDKaggle2018.

Runs the demo through a preset at its full size, but for one epoch each, in a folder that it removes
afterwards; with --features it computes the features alone, and with --results it measures a
finished run instead. Prints a Markdown table: what one clip, one second of sound or one file takes
of each kind, what that makes for the full set, how long features take to compute (the start of
Python counted for every few hundred clips: at most so long), and which key under `keep` lets it go.

    .venv/bin/python benchmarks/disk.py presets/fsdkaggle2018.yaml
    .venv/bin/python benchmarks/disk.py presets/report2018.yaml --features
    .venv/bin/python benchmarks/disk.py --results results/demo
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import yaml

REPO = Path(__file__).resolve().parents[1]
# Clips of FSDKaggle2018, and the mean length of its train clips; that of the test clips, most of
# which are the challenge's padding, is taken to be the same.
TRAIN, TEST, SECONDS = 9473, 9400, 6.9
# About 290 clips: the smallest demo has all 41 classes.
DEMO = {"clips_per_class": 6, "test_clips_per_class": 1}

# What a file's size grows with.
CLIP, TRAIN_CLIP, TEST_CLIP, SECOND, NOTHING = "clip", "train clip", "test clip", "second", "file"
# Pattern below the results' folder, what that is, and what it grows with.
KINDS = [
    ("index/*.csv", "index of clips", CLIP),
    ("clips/*.csv", "tables of clips", CLIP),
    ("labels.csv", "labels", TRAIN_CLIP),
    ("folds.csv", "folds", TRAIN_CLIP),
    ("autoencoders/*/latents.h5", "latents", TRAIN_CLIP),
    ("autoencoders/*/weights.safetensors", "weights of autoencoders", NOTHING),
    ("spread/*/*.csv", "spread labels", TRAIN_CLIP),
    ("selections/*.csv", "selections of labels", TRAIN_CLIP),
    ("models/*/*/*/weights.safetensors", "weights of models", NOTHING),
    ("selftraining/*/*/*/*/weights.safetensors", "weights of rounds", NOTHING),
    ("selftraining/*/*/*/*/pseudo_labels.csv", "pseudo labels", TRAIN_CLIP),
    ("predictions/*/*/train.h5", "predictions of train clips", TRAIN_CLIP),
    ("predictions/*/*/test.h5", "predictions of test clips", TEST_CLIP),
    ("out_of_fold.csv", "guesses out of fold", TRAIN_CLIP),
    ("guesses/*/*", "guesses", TEST_CLIP),
    ("clip_scores.csv", "scores per clip", TEST_CLIP),
]


@dataclass(frozen=True)
class Amounts:
    """Numbers of clips, and seconds of all their sound."""

    train: int
    test: int
    seconds: float

    def of(self, unit: str) -> float:
        """How many of ``unit`` there are."""
        clips = {CLIP: self.train + self.test, TRAIN_CLIP: self.train, TEST_CLIP: self.test}
        return {**clips, SECOND: self.seconds, NOTHING: 1}[unit]


FULL = Amounts(TRAIN, TEST, SECONDS * (TRAIN + TEST))


@dataclass(frozen=True)
class Line:
    """Files of one kind: their number, their bytes together, and seconds to compute them."""

    name: str
    unit: str
    files: int
    total: int
    key: str = ""
    seconds: float = 0.0
    # A set of clips is many files, but one thing that grows with its seconds.
    things: int = 0

    def full(self, measured: Amounts) -> float:
        """Bytes of all in the full set."""
        return self.total / measured.of(self.unit) * FULL.of(self.unit)

    def cells(self, measured: Amounts) -> list[str]:
        """The line of the table."""
        one = self.total / (self.things or self.files) / measured.of(self.unit)
        minutes = self.seconds / measured.seconds * FULL.seconds / 60
        key = f"`keep.{self.key}: false`" if self.key else ""
        again = f"{minutes:.0f} min" if self.seconds else ""
        size = f"{in_words(one)} a {self.unit}"
        return [self.name, f"{self.files:,}", size, in_words(self.full(measured)), again, key]


def in_words(size: float) -> str:
    """A number of bytes with a unit that suits it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.3g} B"


def read_amounts(results: Path) -> Amounts:
    """What the measured run had, from its tables of clips."""
    seconds: dict[str, list[float]] = {}
    for part in ("train", "test"):
        with open(results / f"clips/{part}.csv", newline="", encoding="utf-8") as file:
            seconds[part] = [float(row["seconds"]) for row in csv.DictReader(file)]
    lengths = [len(each) for each in seconds.values()]
    return Amounts(lengths[0], lengths[1], sum(map(sum, seconds.values())))


def measure(results: Path, checkpoints: dict[Path, int]) -> Iterator[Line]:
    """All kinds of files below ``results``; ``checkpoints`` has the largest sizes seen of those."""
    clips = list(results.glob("dataset/audio_*/*.wav"))
    if clips:
        yield Line("clips (16 bit, 44.1 kHz)", SECOND, len(clips), size_of(clips), things=1)
    for folder in sorted(results.glob("features/*")):
        parts = sorted(folder.glob("*.h5"))
        with h5py.File(parts[0]) as file:
            fixed = "values" in file
            data = file["values" if fixed else "frames"]
            shape = " x ".join(map(str, data.shape[1:])) + ("" if fixed else " x frames")
            name = f"feature `{folder.name}` ({shape}, {data.dtype})"
        noted = results / "benchmarks/extract_features"
        seconds = sum(seconds_of(noted / f"{folder.name}_{part.stem}.tsv") for part in parts)
        unit = CLIP if fixed else SECOND
        yield Line(name, unit, len(parts), size_of(parts), "features", seconds, things=1)
    counted = set(results.glob("features/*/*.h5")) | set(clips)
    for pattern, name, unit in KINDS:
        files = list(results.glob(pattern))
        counted |= set(files)
        if files:
            yield Line(name, unit, len(files), size_of(files))
    rest = [path for path in results.rglob("*") if path.is_file() and path not in counted]
    yield Line("all else: tables, figures, metadata, histories", NOTHING, len(rest), size_of(rest))
    # All seeds, folds and rounds of a system have the same.
    systems = {"/".join(path.relative_to(results).parts[:2]): 0 for path in sorted(checkpoints)}
    for path, size in checkpoints.items():
        system = "/".join(path.relative_to(results).parts[:2])
        systems[system] = max(systems[system], size)
    for system, size in systems.items():
        yield Line(f"while it trains: a checkpoint of `{system}`", NOTHING, 1, size)


def size_of(files: list[Path]) -> int:
    """Bytes of all files together."""
    return sum(path.stat().st_size for path in files)


def seconds_of(table: Path) -> float:
    """Seconds of a job as Snakemake timed it; 0.0 if it did not."""
    if not table.exists():
        return 0.0
    with open(table, newline="", encoding="utf-8") as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])


def short_run(preset: Path, folder: Path, features_alone: bool) -> dict[Path, int]:
    """Run the demo through ``preset`` in ``folder``; return the checkpoints' largest sizes."""
    given = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in extended(preset)]
    default = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))
    recipes = {name for config in [default, *given] for name in config.get("recipes", {})}
    # A preset that has features of its own uses no others.
    features = {name for config in given for name in config.get("features", {})}
    # Nothing here changes a size; it is only to be over soon.
    short = {"epochs": 1, "batch_clips": 8, "test_crops": 1}
    overlay = {"dataset": "demo", "demo": DEMO, "recipes": dict.fromkeys(sorted(recipes), short)}
    (folder / "short.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    wanted = [
        f"results/demo/features/{name}/{part}.h5"
        for name in features or default["features"]
        for part in ("train", "test")
    ]
    targets = wanted if features_alone else ["submission.csv", "scores"]
    command = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), *targets]
    command += [f"-j{os.cpu_count()}", "--configfile", str(preset), str(folder / "short.yaml")]
    seen: dict[Path, int] = {}
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        looking = threading.Thread(target=look_for_checkpoints, args=(process, folder, seen))
        looking.start()
        output = process.communicate()[0]
        looking.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{output[-3000:]}")
    return seen


def extended(preset: Path) -> list[Path]:
    """The preset and those that it builds on."""
    below = yaml.safe_load(preset.read_text(encoding="utf-8")).get("extends")
    return [*(extended(REPO / f"presets/{below}.yaml") if below else []), preset]


def look_for_checkpoints(process: Any, folder: Path, seen: dict[Path, int]) -> None:
    """Note the largest size of every checkpoint.pt until the process has ended."""
    while process.poll() is None:
        for path in (folder / "results").rglob("checkpoint.pt"):
            try:
                seen[path] = max(seen.get(path, 0), path.stat().st_size)
            except FileNotFoundError:
                continue
        threading.Event().wait(0.1)


def print_table(results: Path, checkpoints: dict[Path, int]) -> None:
    """Print what each kind of file takes, measured and for the full set."""
    measured = read_amounts(results)
    lines = list(measure(results, checkpoints))
    clips = measured.of(CLIP)
    print(
        f"Measured on {measured.train} train and {measured.test} test clips of "
        f"{measured.seconds / clips:.2f} s in the mean; worked out for {TRAIN:,} and {TEST:,} of "
        f"{SECONDS} s.\n"
    )
    print("| | files | measured | FSDKaggle2018 | computed anew in at most | goes with |")
    print("|---|---:|---:|---:|---:|---|")
    for line in lines:
        print(f"| {' | '.join(line.cells(measured))} |")
    stays = [line for line in lines if not line.name.startswith(("clips", "while"))]
    passing = sum(line.full(measured) for line in stays if line.key == "features")
    total = sum(line.full(measured) for line in stays)
    print(f"\nResults without clips: {in_words(total)}, of which features {in_words(passing)}.")


def main() -> None:
    """Measure a short run of a preset, or a finished run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("preset", type=Path, nargs="?", help="such as presets/fsdkaggle2018.yaml")
    parser.add_argument("--features", action="store_true", help="compute the features alone")
    parser.add_argument("--results", type=Path, help="a finished run: results/<name>")
    given = parser.parse_args()
    if (given.preset is None) == (given.results is None):
        parser.error("name either a preset or, with --results, the folder of a finished run")
    if given.results:
        print_table(given.results, {})
        return
    with tempfile.TemporaryDirectory() as name:
        seen = short_run(given.preset.resolve(), Path(name), given.features)
        print_table(Path(name, "results/demo"), seen)


if __name__ == "__main__":
    main()
