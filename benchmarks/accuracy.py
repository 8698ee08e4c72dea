"""Whether what makes training fast costs accuracy: the demo's ``cnn_logmel``, seed by seed.

Each seed makes a data set of its own and trains on it three times: in float32 and the ordinary
memory format, as the default config says, and so but compiled, if there is a C++ compiler. Scores
are MAP@3 on the test clips, by the workflow's own scoring rule.

    .venv/bin/python benchmarks/accuracy.py [--seeds 1 2 3]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measuring
import yaml

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark.evaluation import predictions, scoring, submission, truth

WAYS: dict[str, dict[str, object]] = {
    "float32, contiguous": {
        "precision": "float32", "memory_format": "contiguous", "compile": False,
    },
    "the default": {},
    "the default, compiled": {"compile": True},
}  # fmt: skip


def score(folder: Path, seed: int, hardware: dict[str, object]) -> float:
    """MAP@3 of a run in ``folder``, where the data set of this seed may be already."""
    overlay = folder / "overlay.yaml"
    settings = {"seed": seed, "hardware": hardware, "training_threads": 2}
    overlay.write_text(yaml.safe_dump(settings))
    results = folder / "results/demo"
    for made in ("models", "predictions"):
        shutil.rmtree(results / made, ignore_errors=True)
    guesses = results / f"guesses/seed{seed}/cnn_logmel.csv"
    guesses.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "snakemake", "-s", str(measuring.REPO / "Snakefile"), "-j2", "-q",
        "--directory", str(folder), str(guesses.relative_to(folder)), "--configfile", str(overlay),
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(done.stdout)
    classes = predictions.read_classes(guesses.with_suffix(".h5"))
    labels = truth.read_test(results / "dataset/test_post_competition.csv", classes)
    clips = scoring.score_clips("cnn_logmel", seed, submission.read(guesses, classes), labels)
    return float(clips["average_precision"].mean())


def section(seeds: list[int]) -> str:
    """Scores of each seed and way; Markdown."""
    for name in [name for name in os.environ if name.startswith("SNAKEMAKE")]:
        del os.environ[name]
    ways = dict(WAYS) if shutil.which("g++") else dict(list(WAYS.items())[:2])
    found: dict[str, list[float]] = {name: [] for name in ways}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            for name, hardware in ways.items():
                found[name].append(score(Path(folder), seed, hardware))
                print(f"seed {seed}, {name}: {found[name][-1]:.3f}", file=sys.stderr, flush=True)
    rows = [
        (name, *(f"{value:.3f}" for value in scores), f"{statistics.mean(scores):.3f}")
        for name, scores in found.items()
    ]
    heads = ("MAP@3 of cnn_logmel on the demo", *(f"seed {seed}" for seed in seeds), "mean")
    return measuring.table(heads, rows)


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    print(section(parser.parse_args().seeds))


if __name__ == "__main__":
    main()
