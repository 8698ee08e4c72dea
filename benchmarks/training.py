"""How fast ``cnn_logmel`` learns, beside a plain float32 loop in PyTorch, and what it waits for.

The plain loop reads its crops, computes in float32 and the ordinary memory format, and steps with
AdamW as it comes; Earmark does the same work and its augmentation through ``classifier.train``.
Clips are made of noise, with log-mels of 1 to 9 s.

    .venv/bin/python benchmarks/training.py [--threads 2] [--repeats 5]
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import measuring
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark.features import store
from earmark.inference import batches
from earmark.inference.hardware import Hardware, choose_hardware
from earmark.networks.build import build
from earmark.training import classifier, recipes
from earmark.training.training_job import TrainingJob

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
    """Stands where a checkpoint does: notes how long the epochs take.

    ``between`` is called after each epoch, and takes no time of the next.
    """

    def __init__(self, between: measuring.Way = lambda: None) -> None:
        self._folder = tempfile.TemporaryDirectory()  # of the event file
        self.path = Path(self._folder.name) / "checkpoint.pt"
        self.epochs: list[float] = []
        self.first_step = 0.0
        self._begin: float | None = None
        self._between = between

    def load(self) -> None:
        """Asked before the first step: there is nothing to resume."""
        self._begin = self.first_step = time.perf_counter()

    def save(self, state: Any) -> None:
        """Asked after each epoch."""
        assert self._begin is not None
        self.epochs.append(time.perf_counter() - self._begin)
        self._between()
        self._begin = time.perf_counter()


def write_noise(path: Path, clips: int) -> None:
    """A feature file of log-mels without meaning."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (900, BANDS)).astype(np.uint8)
    lengths = rng.integers(90, 800, clips)
    names = [f"{number}.wav" for number in range(clips)]
    store.write_features(
        path, names, (noise[:length] for length in lengths), (BANDS, 0), False, settings={}
    )


def data_of(clips: int) -> classifier.Data:
    """All clips to learn from, none to validate by."""
    rows = np.arange(clips)
    names = [f"{number}.wav" for number in range(clips)]
    examples = batches.Examples(rows, rows % CLASSES, np.ones(clips, np.float32), names)
    return classifier.Data(
        examples,
        batches.Examples(rows[:0], rows[:0], np.ones(0, np.float32), []),
        [str(number) for number in range(CLASSES)],
    )


def network(width: int) -> nn.Module:
    """The network under test, always with the same weights."""
    torch.manual_seed(0)
    return build("cnn_logmel", (BANDS, FRAMES), CLASSES, width=width)


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


def train(
    module: nn.Module,
    features: store.FeatureStore,
    machine: Hardware,
    clock: Clock,
    clips: int = CLIPS,
    epochs: int = 1,
) -> None:
    """Epochs as a training job computes them."""
    recipe = replace(RECIPE, settings=replace(RECIPE.settings, epochs=epochs))
    job = TrainingJob("benchmark", 1, recipe, machine, features, clock)  # type: ignore[arg-type]
    classifier.train(job, module, data_of(clips))


def prepared(threads: int, precision: str, compiled: bool = False) -> Hardware:
    """The processor, with the config's ``precision``."""
    settings = {"device": "cpu", "precision": precision, "memory_format": "channels_last"}
    return choose_hardware(threads, 1, {**settings, "compile": compiled, "compile_from_clips": 1})


def seconds_of(
    width: int, features: store.FeatureStore, threads: int, repeats: int
) -> tuple[dict[str, list[float]], float | None]:
    """Seconds of epochs of each way in turn, and of what compiling takes before the first step."""
    plain = network(width)
    machines = {name: prepared(threads, name) for name in ("auto", "float32")}
    modules = {name: network(width) for name in machines}
    seconds: dict[str, list[float]] = {"plain float32": []}

    def others() -> None:
        seconds["plain float32"].append(plain_epoch(plain, features))
        for name, machine in machines.items():
            clock = Clock()
            train(modules[name], features, machine, clock)
            seconds.setdefault(f"Earmark, precision: {name}", []).extend(clock.epochs)

    compiling = None
    if shutil.which("g++"):
        torch.compiler.reset()
        clock = Clock(others)
        machine = prepared(threads, "auto", compiled=True)
        begin = time.perf_counter()
        train(network(width), features, machine, clock, epochs=repeats + 1)
        seconds["Earmark, precision: auto, compiled"] = clock.epochs
        compiling = clock.first_step - begin
    else:
        for _ in range(repeats + 1):
            others()
    return {name: times[1:] for name, times in seconds.items()}, compiling


def speed(features: store.FeatureStore, threads: int, repeats: int) -> str:
    """Clips per second of each way and width, and the time that compiling takes, as tables."""
    rows, compilings = [], []
    for width, whose in WIDTHS.items():
        seconds, compiling = seconds_of(width, features, threads, repeats)
        plain = seconds["plain float32"]
        for name, times in seconds.items():
            ratio = measuring.spread_of(measuring.ratios(plain, times), ".2f")
            rate = f"{CLIPS / statistics.median(times):.0f}"
            rows.append((f"{width} ({whose}): {name}", rate, ratio))
        if compiling is not None:
            compilings.append((f"width {width}", f"{compiling:.0f}"))
    table = measuring.table(("Width", "clips/s", "times as fast as plain float32"), rows)
    if not compilings:
        return table
    # torch keeps compiled code from run to run.
    head = "Compiling, before the first step (less if torch has kept the code)"
    return f"{table}\n\n{measuring.table((head, 's'), compilings)}"


def waiting(features: store.FeatureStore, threads: int) -> str:
    """Share of an epoch that waits for clips, as a table."""
    machine = prepared(threads, "auto")
    plain, waits = batches.training_batches, [0.0]

    def timed(*settings: Any) -> Iterator[batches.Batch]:
        stream = plain(*settings)
        while True:
            begin = time.perf_counter()
            batch = next(stream, None)
            waits[0] += time.perf_counter() - begin
            if batch is None:
                return
            yield batch

    rows = []
    for width in WIDTHS:
        waits[0], clock = 0.0, Clock()
        with mock.patch.object(batches, "training_batches", timed):
            train(network(width), features, machine, clock, WAITING_CLIPS)
        rows.append((f"width {width}", f"{100 * waits[0] / sum(clock.epochs):.1f}"))
    return measuring.table(("Waiting for clips", "% of the training"), rows)


def one_epoch(path: str, clips: int) -> None:
    """Train a narrow network for one epoch over all clips of a store: for its memory."""
    with store.FeatureStore(path) as features:
        train(network(NARROW), features, prepared(2, "auto"), Clock(), clips)


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
        parts.append(memory(folder))
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, threads=2, repeats=5))))
