"""How fast ``cnn_logmel`` learns, beside a plain float32 loop in PyTorch, and what it waits for.

The plain loop reads its crops, computes in float32 and the ordinary memory format, and steps with
AdamW as it comes; Earmark does the same work and its augmentation through ``classifier.train``.
Clips are made of noise, with log-mels of 1 to 9 s.

    .venv/bin/python benchmarks/training.py [--threads 2] [--repeats 5]
"""

import logging
import re
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import measuring
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark import batches, classifier, hardware, networks, recipes, store

BANDS, FRAMES, CLASSES = 64, 128, 41
RECIPE = recipes.from_settings(
    {
        "epochs": 1, "batch_clips": 32, "learning_rate": 2e-3, "weight_decay": 1e-2, "keep": "last",
        "crop_frames": FRAMES, "test_crops": 4, "mixup_alpha": 0.4, "mask_bands": 8,
        "mask_frames": 16,
    }
)  # fmt: skip
WIDTHS = {16: "the default config's", 32: "the network's default", 64: "the full data's preset"}
CLIPS, WAITING_CLIPS = 256, 1024
# Chosen for an epoch over all clips of the large store in half a minute.
NARROW = 4
MEMORY = """
import json, sys
import measuring, training
training.one_epoch(sys.argv[1], int(sys.argv[2]))
print(json.dumps({"gigabytes": measuring.most_gigabytes()}))
"""


class Clock:
    """Stands where a checkpoint does: notes when the first step begins and when epochs end."""

    def __init__(self) -> None:
        self.begin: float | None = None
        self.ends: list[float] = []

    def load(self) -> None:
        """There is nothing to resume."""

    def wanted(self) -> bool:
        """Asked before each step."""
        self.begin = self.begin or time.perf_counter()
        return False

    def save(self, state: Any) -> None:
        """Asked after each epoch."""
        self.ends.append(time.perf_counter())


def write_noise(path: Path, clips: int) -> None:
    """A feature file of log-mels without meaning."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (900, BANDS)).astype(np.uint8)
    lengths = rng.integers(90, 800, clips)
    names = [f"{number}.wav" for number in range(clips)]
    store.write_features(
        path, names, (noise[:length] for length in lengths), (BANDS, 0), False, settings={}
    )


def task_of(features: store.FeatureStore, clips: int) -> classifier.Task:
    """All clips to learn from, none to judge by."""
    rows = np.arange(clips)
    names = [f"{number}.wav" for number in range(clips)]
    examples = batches.Examples(rows, rows % CLASSES, np.ones(clips, np.float32), names)
    return classifier.Task(
        examples,
        batches.Examples(rows[:0], rows[:0], np.ones(0, np.float32), []),
        [str(number) for number in range(CLASSES)],
    )


def network(width: int) -> nn.Module:
    """The network under test, always with the same weights."""
    torch.manual_seed(0)
    return networks.build("cnn_logmel", (BANDS, FRAMES), CLASSES, width=width)


def plain_epoch(module: nn.Module, features: store.FeatureStore) -> float:
    """Seconds of an epoch in float32."""
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3, weight_decay=1e-2)
    rng = np.random.default_rng(0)
    begin = time.perf_counter()
    for rows in np.split(rng.permutation(CLIPS), CLIPS // RECIPE.batch_clips):
        starts = batches.random_starts(features.lengths(rows), FRAMES, rng)
        crops = features.crops(rows, starts, FRAMES)
        inputs = torch.from_numpy(np.ascontiguousarray(crops)).float() / 255
        loss = nn.functional.cross_entropy(module(inputs), torch.from_numpy(rows % CLASSES))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    return time.perf_counter() - begin


def earmark_epoch(
    module: nn.Module,
    features: store.FeatureStore,
    machine: hardware.Hardware,
    clips: int = CLIPS,
) -> float:
    """Seconds of an epoch as a training job computes it."""
    clock = Clock()
    classifier.train(module, features, task_of(features, clips), RECIPE, machine, clock, 1)  # type: ignore[arg-type]
    assert clock.begin is not None
    return clock.ends[0] - clock.begin


def compiled_epochs(
    width: int, features: store.FeatureStore, threads: int, precision: str, repeats: int
) -> str:
    """Epochs one after the other with and without compiling, as a table."""
    seconds, compiling = {}, 0.0
    for compiled in (False, True):
        settings = {"device": "cpu", "precision": precision, "compile": compiled}
        machine = hardware.prepare(threads, 1, settings)
        clock = Clock()
        recipe = replace(RECIPE, plan=replace(RECIPE.plan, epochs=repeats + 1))
        begin = time.perf_counter()
        classifier.train(
            network(width),
            features,
            task_of(features, CLIPS),
            recipe,
            machine,
            clock,
            1,  # type: ignore[arg-type]
        )
        assert clock.begin is not None
        compiling = clock.begin - begin
        seconds[compiled] = list(np.diff(clock.ends))
    rows = [
        ("as it is", f"{CLIPS / statistics.median(seconds[False]):.0f}"),
        ("compiled", f"{CLIPS / statistics.median(seconds[True]):.0f}"),
        ("seconds before the first step, compiled", f"{compiling:.0f}"),
    ]
    return measuring.table((f"Width {width}, {precision}, epochs in a row", "clips/s"), rows)


def ways_for(width: int, features: store.FeatureStore, threads: int) -> dict[str, measuring.Way]:
    """What is compared: each way returns its epoch's seconds."""
    plain = network(width)
    ways: dict[str, measuring.Way] = {
        "plain float32": lambda: plain_epoch(plain, features),
    }
    for name in ("auto", "float32"):
        machine = hardware.prepare(
            threads, 1, {"device": "cpu", "precision": name, "compile": False}
        )
        module = network(width)
        ways[f"Earmark, precision: {name}"] = lambda module=module, machine=machine: earmark_epoch(
            module, features, machine
        )
    return ways


def speed(features: store.FeatureStore, threads: int, repeats: int) -> str:
    """Clips per second of each way and width, as a table."""
    rows = []
    for width, whose in WIDTHS.items():
        ways = ways_for(width, features, threads)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for count in range(repeats + 1):
            for name, way in ways.items():
                taken = float(way())  # type: ignore[arg-type]
                if count:
                    seconds[name].append(taken)
        plain = seconds["plain float32"]
        for name, times in seconds.items():
            ratio = measuring.spread_of(measuring.ratios(plain, times), ".2f")
            rate = f"{CLIPS / statistics.median(times):.0f}"
            rows.append((f"{width} ({whose}): {name}", rate, ratio))
    return measuring.table(("Width", "clips/s", "times as fast as plain float32"), rows)


def waiting(features: store.FeatureStore, threads: int) -> str:
    """Share of an epoch that waits for clips, from the log."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("earmark")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    machine = hardware.prepare(threads, 1, {"device": "cpu", "precision": "auto", "compile": False})
    rows = []
    for width in WIDTHS:
        module = network(width)
        earmark_epoch(module, features, machine, WAITING_CLIPS)
        found = re.search(r"([\d.]+) % of the training waiting", lines[-2] + lines[-1])
        rows.append((f"width {width}", found.group(1) if found else "?"))
    logger.removeHandler(handler)
    return measuring.table(("Waiting for clips", "% of the training"), rows)


def one_epoch(path: str, clips: int) -> None:
    """Train a narrow network for one epoch over all clips of a store: for its memory."""
    machine = hardware.prepare(2, 1, {"device": "cpu", "precision": "auto", "compile": False})
    with store.FeatureStore(path) as features:
        task = task_of(features, clips)
        classifier.train(network(NARROW), features, task, RECIPE, machine, Clock(), 1)  # type: ignore[arg-type]


def memory(folder: Path) -> str:
    """Most memory of a training with few and with many clips in the store, as a table."""
    rows = []
    for clips in (500, 50_000):
        path = folder / f"{clips}.h5"
        write_noise(path, clips)
        found = measuring.in_process(MEMORY, path, clips)
        size = path.stat().st_size / 1e6
        rows.append((f"{clips:,} clips, {size:.0f} MB", f"{1000 * found['gigabytes']:.0f}"))
        path.unlink()
    return measuring.table(("Training, one epoch over the store", "MB at most"), rows)


def section(threads: int, repeats: int) -> str:
    """Measure all of it; return Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_noise(folder / "noise.h5", WAITING_CLIPS)
        with store.FeatureStore(folder / "noise.h5") as features:
            parts = [speed(features, threads, repeats), waiting(features, threads)]
            if shutil.which("g++"):
                parts.append(compiled_epochs(32, features, threads, "auto", repeats))
        parts.append(memory(folder))
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, threads=2, repeats=5))))
