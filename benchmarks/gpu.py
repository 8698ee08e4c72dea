"""What a GPU does with the report's and today's networks, and how near that is to its ceilings.

Runs without Snakemake: it needs torch, numpy, pandas, h5py, psutil, safetensors and filelock, this
repository and a GPU. It measures the card's own ceilings (bfloat16 products, copies in its memory,
copies to it), epochs of training through ``classifier.train`` with the features in the GPU's
memory, the share of the ceiling that each reaches, what kernels a step is made of, and from the
epochs the hours that presets/report2018.yaml would take.

    python benchmarks/gpu.py [--compile] [--output results.md]

``--device cpu --reduced`` runs all of it in small on a processor: a test of the script, whose
figures mean nothing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measuring
import numpy as np
import torch
import yaml
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(measuring.SCRIPTS))

from training import Clock, task_of

from earmark import autoencoder, classifier, hardware, networks, recipes, store

CLASSES = 41
# Clips to learn from, by the report [3, 4]; one fold of ten is held out.
CLIPS = {"verified": 3710, "promoted": 5449, "everything": 9473, "unlabelled": 9473 + 9400}
KEPT = 0.9


@dataclass(frozen=True)
class Case:
    """A network on inputs (frequency, time), and how it learns."""

    title: str
    network: str
    options: dict[str, Any]
    shape: tuple[int, int]
    batch_clips: int
    clips: int


def cases(reduced: bool) -> list[Case]:
    """The report's network at its size, the one of today, and both with larger batches."""
    clips = 96 if reduced else CLIPS["promoted"]
    picture = (64, 56) if reduced else (513, 439)
    small = {"kernel_scale": 0.25} if reduced else {}
    width = 4 if reduced else 64
    found = [Case("vgg_fewer, batches of 16", "vgg_fewer", small, picture, 16, clips)]
    for size in (32,) if reduced else (64, 256):
        title = f"cnn_logmel, width {width}, batches of {size}"
        found.append(Case(title, "cnn_logmel", {"width": width}, (64, 128), size, clips))
    return found


def seconds_of(device: torch.device, work: measuring.Way, repeats: int = 5) -> float:
    """Median seconds of ``work`` on the device, after one that does not count."""
    taken = []
    for _ in range(repeats + 1):
        wait(device)
        begin = time.perf_counter()
        work()
        wait(device)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[1:])


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ceilings(device: torch.device, reduced: bool) -> dict[str, float]:
    """Operations and bytes per second that the device itself can do."""
    side = 512 if reduced else 8192
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    other = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    many = torch.zeros((1 << 20) if reduced else (1 << 30), dtype=torch.uint8, device=device)
    copy = torch.empty_like(many)
    host = torch.zeros(len(many) // 4, dtype=torch.uint8, pin_memory=device.type == "cuda")
    part = torch.empty_like(host, device=device)
    return {
        "bfloat16 operations": 2 * side**3 / seconds_of(device, lambda: one @ other),
        "bytes in its memory": 2 * len(many) / seconds_of(device, lambda: copy.copy_(many)),
        "bytes to it": len(host) / seconds_of(device, lambda: part.copy_(host, non_blocking=True)),
    }


def write_pictures(path: Path, case: Case) -> None:
    """A feature file of pictures without meaning."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (16, *case.shape)).astype(np.uint8)
    names = [f"{number}.wav" for number in range(case.clips)]
    rows = (pictures[number % 16] for number in range(case.clips))
    store.write_features(path, names, rows, case.shape, True, settings={})


def built(case: Case) -> nn.Module:
    """The network of a case."""
    if case.network == "autoencoder":
        return autoencoder.Autoencoder(case.shape, 0.01)
    return networks.build(case.network, case.shape, CLASSES, **case.options)


def epochs_of(case: Case, machine: hardware.Hardware, folder: Path, count: int) -> list[float]:
    """Seconds of each epoch of a case but the first, as a training job computes them."""
    write_pictures(folder / "pictures.h5", case)
    recipe = recipes.from_settings(
        {"epochs": count + 1, "batch_clips": case.batch_clips, "learning_rate": 1e-4}
    )
    clock = Clock()
    with store.FeatureStore(folder / "pictures.h5") as features:
        task = task_of(features, case.clips)
        classifier.train(built(case), features, task, recipe, machine, clock, 1)  # type: ignore[arg-type]
    return list(np.diff(clock.ends))


def step_of(case: Case, machine: hardware.Hardware) -> tuple[measuring.Way, nn.Module]:
    """One training step on random inputs, and the network."""
    module = built(case).to(machine.device).train()
    inputs = torch.rand(case.batch_clips, *case.shape, device=machine.device)
    targets = torch.rand(case.batch_clips, CLASSES, device=machine.device).softmax(1)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with machine.autocast():
            output = module(inputs)
        if output.shape == inputs.shape:
            loss = nn.functional.mse_loss(output.float(), inputs)
        else:
            loss = nn.functional.cross_entropy(output.float(), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step, module


def operations_of(case: Case, machine: hardware.Hardware) -> float:
    """Operations of a training step, as torch counts them from the shapes."""
    step, _ = step_of(case, machine)
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def kernels_of(case: Case, machine: hardware.Hardware) -> str:
    """What a step's time goes to: the kernels that take most of it, as a table."""
    from torch.profiler import ProfilerActivity, profile

    step, _ = step_of(case, machine)
    for _ in range(3):
        step()
    on_gpu = machine.device.type == "cuda"
    with profile(
        activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
    ) as recorded:
        for _ in range(5):
            step()
        wait(machine.device)
    events = [
        (event.key, event.self_device_time_total if on_gpu else event.self_cpu_time_total)
        for event in recorded.key_averages()
    ]
    total = sum(taken for _, taken in events) or 1.0
    events.sort(key=lambda event: -event[1])
    rows = [
        (name[:70].replace("|", "/"), f"{100 * taken / total:.1f}") for name, taken in events[:10]
    ]
    return measuring.table((f"Kernels of a step: {case.title}", "% of its time"), rows)


def report_hours(machine: hardware.Hardware, reduced: bool) -> str:
    """Hours of all trainings of the report preset, from a few steps of each."""
    config = yaml.safe_load((measuring.REPO / "presets/report2018.yaml").read_text())
    rows, total = [], 0.0
    cache: dict[str, float] = {}
    for name, entry in [*config["autoencoders"].items(), *config["systems"].items()]:
        base = config["systems"].get(entry.get("base"), entry)
        case = report_case(config, base, reduced)
        if repr(case) not in cache:
            step, _ = step_of(case, machine)
            repeats = 1 if reduced else 10
            cache[repr(case)] = seconds_of(machine.device, step, repeats) / case.batch_clips
        epochs = config["recipes"][base["recipe"]]["epochs"]
        if "selftraining" in entry:
            schedule = config["selftraining"][entry["selftraining"]]
            epochs = schedule["rounds"] * config["recipes"][schedule["recipe"]]["epochs"]
        # Self-training adds clips round by round, up to all of them.
        clips = int(KEPT * CLIPS["everything"]) if "selftraining" in entry else case.clips
        hours = cache[repr(case)] * clips * epochs / 3600
        total += hours
        rows.append((name, f"{clips:,}", epochs, f"{hours:.2f}"))
    rows.append(("all, one after another", "", "", f"{total:.2f}"))
    heads = ("presets/report2018.yaml, no training stopping early", "clips", "epochs", "hours")
    return measuring.table(heads, rows)


def report_case(config: Mapping[str, Any], entry: Mapping[str, Any], reduced: bool) -> Case:
    """Network, shape and clips of a training of the report preset."""
    feature, recipe = config["features"][entry["feature"]], config["recipes"][entry["recipe"]]
    if feature["kind"] == "stft":
        shape = (feature["bins"], feature["frames"])
    else:
        shape = (feature.get("coefficients", 1), recipe["crop_frames"])
    if reduced:
        shape = (shape[0] if shape[0] == 1 else min(64, shape[0]), min(2048, shape[1]))
    labels = entry.get("labels", "unlabelled")
    kind = next(kind for kind in CLIPS if kind in labels)
    network = entry.get("network", "autoencoder")
    return Case(network, network, {}, shape, recipe["batch_clips"], int(KEPT * CLIPS[kind]))


def section(machine: hardware.Hardware, reduced: bool, epochs: int) -> str:
    """Measure all of it; return Markdown."""
    device = machine.device
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else measuring.processor()
    found = ceilings(device, reduced)
    units = {"bfloat16 operations": (1e12, "T/s"), "bytes in its memory": (1e9, "GB/s")}
    limits = [
        (what, f"{value / units.get(what, (1e9, 'GB/s'))[0]:.0f} {units.get(what, (1, 'GB/s'))[1]}")
        for what, value in found.items()
    ]
    parts = [
        measuring.table((f"Ceilings of {name}, torch {torch.__version__}", "measured"), limits)
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(reduced):
            if on_gpu:
                torch.cuda.reset_peak_memory_stats(device)
            taken = epochs_of(case, machine, Path(folder), epochs)
            memory = torch.cuda.max_memory_allocated(device) / 1e9 if on_gpu else 0.0
            rate = operations_of(case, machine) / case.batch_clips * case.clips
            rows.append(
                (
                    case.title,
                    f"{case.clips:,}",
                    measuring.spread_of(taken),
                    f"{rate / statistics.median(taken) / found['bfloat16 operations']:.1%}",
                    f"{memory:.1f}",
                )
            )
    heads = ("Training", "clips", "seconds an epoch", "of the bfloat16 ceiling", "GB of the GPU")
    parts.append(measuring.table(heads, rows))
    parts += [kernels_of(case, machine) for case in cases(reduced)]
    parts.append(report_hours(machine, reduced))
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print, and write what was printed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--reduced", action="store_true", help="in small: a test of this script")
    parser.add_argument("--compile", action="store_true", help="compile the networks")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    machine = hardware.prepare(
        2 if given.device == "cpu" else 8,
        1,
        {"device": given.device, "precision": "auto", "compile": given.compile},
    )
    text = section(machine, given.reduced, given.epochs)
    print(text)
    if given.output:
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
