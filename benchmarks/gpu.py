"""What a GPU does with the report's and today's networks, and how near that is to its ceilings.

Runs without Snakemake: it needs torch, numpy, pandas, h5py, psutil, yaml and filelock, this
repository and a GPU. It measures the card's own ceilings (bfloat16 products, copies in its memory,
copies to it), training steps beside plain float32 ones, epochs through ``classifier.train`` with
the features in the GPU's memory, the least time that a step's operations and bytes can take, what
kernels it is made of, and from steps the hours that presets/report2018.yaml would take.

    python benchmarks/gpu.py [--epochs 5] [--output results.md]

``--device cpu --reduced`` runs all of it in small on a processor: a test of the script, whose
figures mean nothing.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import measuring
import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(measuring.SCRIPTS))

from training import Clock, data_of

from earmark.features import store
from earmark.inference.hardware import Hardware, choose_hardware
from earmark.networks import autoencoder
from earmark.networks.build import build
from earmark.training import classifier, compiling, recipes
from earmark.training.training_job import TrainingJob

CLASSES = 41
# Clips to learn from, by the report [3, 4]; one fold of ten is held out.
CLIPS = {"verified": 3710, "promoted": 5449, "everything": 9473, "unlabelled": 9473 + 9400}
KEPT = 0.9
BFLOAT16_BYTES = 2
# In training a batch norm reads its input for the mean, reads and writes it for the result, and
# backwards reads input and gradient for two sums, and reads both again and writes one.
BATCH_NORM_PASSES = 8
CONVOLUTIONS = (nn.Conv2d, nn.Conv1d, nn.ConvTranspose2d)
BATCH_NORMS = (nn.BatchNorm2d, nn.BatchNorm1d)


@dataclass(frozen=True)
class Case:
    """A network on inputs (frequency, time), and how it learns."""

    title: str
    network: str
    options: dict[str, Any]
    shape: tuple[int, int]
    batch_clips: int
    clips: int

    def inputs(self, device: torch.device) -> Tensor:
        """A batch without meaning."""
        return torch.rand(self.batch_clips, *self.shape, device=device)

    def build(self) -> nn.Module:
        """The network, with new weights."""
        if self.network == "autoencoder":
            return autoencoder.Autoencoder(self.shape, 0.01)
        return build(self.network, self.shape, CLASSES, **self.options)


def cases(reduced: bool) -> list[Case]:
    """The report's network, and today's as in presets/fsdkaggle2018.yaml and in larger batches."""
    clips, everything = (96, 96) if reduced else (CLIPS["promoted"], CLIPS["everything"])
    picture, crop = ((64, 56), (64, 128)) if reduced else ((513, 439), (128, 256))
    small = {"kernel_scale": 0.25} if reduced else {}
    width = 4 if reduced else 64
    found = [Case("vgg_fewer, batches of 16", "vgg_fewer", small, picture, 16, clips)]
    for size in (32,) if reduced else (64, 256):
        title = f"cnn_logmel, width {width}, batches of {size}"
        found.append(Case(title, "cnn_logmel", {"width": width}, crop, size, everything))
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


@dataclass(frozen=True)
class Ceilings:
    """What the device itself can do, each per second."""

    operations: float
    bytes_within: float
    bytes_to: float

    def table(self, name: str) -> str:
        """As Markdown."""
        rows = [
            ("bfloat16 operations, products of 8192 x 8192", f"{self.operations / 1e12:.0f} T/s"),
            ("bytes read and written in its memory", f"{self.bytes_within / 1e9:.0f} GB/s"),
            ("bytes copied to it", f"{self.bytes_to / 1e9:.0f} GB/s"),
        ]
        return measuring.table((f"Ceilings of {name}, torch {torch.__version__}", "measured"), rows)


def ceilings(device: torch.device, reduced: bool) -> Ceilings:
    """Measure them."""
    side = 512 if reduced else 8192
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    other = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    many = torch.zeros((1 << 20) if reduced else (1 << 30), dtype=torch.uint8, device=device)
    copy = torch.empty_like(many)
    host = torch.zeros(len(many) // 4, dtype=torch.uint8, pin_memory=device.type == "cuda")
    part = torch.empty_like(host, device=device)
    return Ceilings(
        2 * side**3 / seconds_of(device, lambda: one @ other),
        2 * len(many) / seconds_of(device, lambda: copy.copy_(many)),
        len(host) / seconds_of(device, lambda: part.copy_(host, non_blocking=True)),
    )


def step_of(case: Case, machine: Hardware, fast: bool = True) -> tuple[measuring.Way, bool]:
    """A training step on random inputs as a job computes it, or plainly, in float32.

    With it comes whether it is compiled, which some networks cannot be rightly.
    """
    device = machine.device
    inputs, module = case.inputs(device), case.build().to(device)
    forward: Any = module
    is_compiled = False
    if fast:
        machine.move(module)
        forward, is_compiled = compiling.compiled(module, inputs, machine, 1)
    else:
        machine = replace(machine, autocast_dtype=None)
    module.train()
    targets = torch.rand(case.batch_clips, CLASSES, device=device).softmax(1)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, fused=fast)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with machine.autocast():
            output = forward(inputs)
        if output.shape == inputs.shape:
            loss = nn.functional.mse_loss(output.float(), inputs)
        else:
            loss = nn.functional.cross_entropy(output.float(), targets)
        loss.backward()
        optimizer.step()

    for _ in range(3):  # the first ones allocate, choose kernels and record graphs
        step()
    return step, is_compiled


def step_seconds(case: Case, machine: Hardware, fast: bool = True) -> float:
    """Seconds of a step among many, one right after the other."""
    step, count = step_of(case, machine, fast)[0], 10

    def several() -> None:
        for _ in range(count):
            step()

    return seconds_of(machine.device, several, 3) / count


def operations_of(case: Case) -> float:
    """Operations of a training step, as torch counts them from the shapes."""
    module, inputs = case.build().to("meta").train(), case.inputs(torch.device("meta"))
    with FlopCounterMode(display=False) as counter:
        module(inputs).sum().backward()
    return float(counter.get_total_flops())


def least_seconds(case: Case, limits: Ceilings) -> tuple[float, float]:
    """What a step's convolutions and its batch norms take at least, in bfloat16.

    A convolution takes its operations or, where that is longer, its bytes: forward and for each of
    the two gradients it reads two tensors and writes one. Batch norms only move bytes; what else
    there is could ride along with them.
    """
    module, convolutions, norms = case.build().to("meta"), [0.0], [0.0]

    def note(part: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(part, BATCH_NORMS):
            norms.append(BATCH_NORM_PASSES * output.numel())
            return
        weights = part.weight.numel()  # type: ignore[union-attr,operator]
        places = inputs[0] if isinstance(part, nn.ConvTranspose2d) else output
        operations = 2 * weights * places.numel() / places.shape[1]
        moved = BFLOAT16_BYTES * (inputs[0].numel() + output.numel() + weights)
        convolutions.append(3 * max(operations / limits.operations, moved / limits.bytes_within))

    for part in module.modules():
        if isinstance(part, CONVOLUTIONS + BATCH_NORMS):
            part.register_forward_hook(note)
    module(case.inputs(torch.device("meta")))
    return sum(convolutions), sum(norms) * BFLOAT16_BYTES / limits.bytes_within


def write_pictures(path: Path, case: Case) -> None:
    """A feature file of pictures without meaning."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (16, *case.shape)).astype(np.uint8)
    names = [f"{number}.wav" for number in range(case.clips)]
    rows = (pictures[number % 16] for number in range(case.clips))
    store.write_features(path, names, rows, case.shape, True, settings={})


def epochs_of(case: Case, machine: Hardware, folder: Path, count: int) -> list[float]:
    """Seconds of each epoch of a case but the first, as a training job computes them."""
    write_pictures(folder / "pictures.h5", case)
    recipe = recipes.from_settings(
        {"epochs": count + 1, "batch_clips": case.batch_clips, "learning_rate": 1e-4}
    )
    clock = Clock()
    with store.FeatureStore(folder / "pictures.h5") as features:
        data = data_of(case.clips)
        job = TrainingJob("benchmark", 1, recipe, machine, features, clock)  # type: ignore[arg-type]
        classifier.train(job, case.build(), data)
    return clock.epochs[1:]


def steps_table(machine: Hardware, limits: Ceilings, reduced: bool) -> str:
    """Steps as jobs compute them, compiled and not, beside plain float32 and the least time."""
    rows = []
    as_is = replace(machine, compile_from_clips=math.inf)
    for case in cases(reduced):
        operations = operations_of(case)
        plain = step_seconds(case, machine, fast=False)
        least = least_seconds(case, limits)
        for name, way in (("as it is", as_is), ("compiled", machine)):
            seconds = step_seconds(case, way)
            rows.append(
                (
                    f"{case.title}, {name}",
                    f"{1000 * seconds:.2f}",
                    f"{plain / seconds:.2f}",
                    f"{operations / seconds / limits.operations:.1%}",
                    f"{1000 * least[0]:.2f} + {1000 * least[1]:.2f}",
                    f"{sum(least) / seconds:.2f}",
                )
            )
            release(machine.device)
    heads = (
        "A step of", "ms", "times plain float32", "of the bfloat16 ceiling",
        "ms at least, convolutions + batch norms", "of that speed",
    )  # fmt: skip
    return measuring.table(heads, rows)


def epochs_table(machine: Hardware, reduced: bool, count: int) -> str:
    """Epochs through ``classifier.train``, with the features in the device's memory."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(reduced):
            if machine.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(machine.device)
            taken = epochs_of(case, machine, Path(folder), count)
            memory = "-"
            if machine.device.type == "cuda":
                memory = f"{torch.cuda.max_memory_allocated(machine.device) / 1e9:.1f}"
            rate = f"{case.clips / statistics.median(taken):.0f}"
            rows.append((case.title, f"{case.clips:,}", measuring.spread_of(taken), rate, memory))
            release(machine.device)
    heads = ("Training, compiled", "clips", "seconds an epoch", "clips/s", "GB of the GPU")
    return measuring.table(heads, rows)


def release(device: torch.device) -> None:
    """Give the memory of the network before back, its recorded graphs' too."""
    torch.compiler.reset()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def kind_of(kernel: str) -> str:
    """What a kernel is for, by its name."""
    products = ("gemm", "conv", "xmma", "cutlass", "wgrad", "dgrad", "fprop", "cudnn", "nvjet")
    if kernel.startswith("triton"):
        return "fused by the compiler: batch norms, activations, pools"
    if any(part in kernel.lower() for part in products):
        return "convolutions and products"
    return "the optimiser and all other"


def kernels_of(case: Case, machine: Hardware) -> str:
    """What a step's time goes to: the kernels that take most of it, as a table."""
    from torch.profiler import ProfilerActivity, profile

    step, _ = step_of(case, machine)
    on_gpu = machine.device.type == "cuda"
    kinds = [ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
    with profile(activities=kinds, acc_events=True) as recorded:
        for _ in range(5):
            step()
        wait(machine.device)
    events = [
        (event.key, event.self_device_time_total if on_gpu else event.self_cpu_time_total)
        for event in recorded.key_averages()
    ]
    total = sum(taken for _, taken in events) or 1.0
    groups: dict[str, float] = {}
    for name, taken in events:
        groups[kind_of(name)] = groups.get(kind_of(name), 0.0) + taken
    rows = sorted(groups.items(), key=lambda row: -row[1])
    rows += sorted(events, key=lambda event: -event[1])[:8]
    head = f"Kernels of a step, compiled: {case.title} ({total / 5000:.2f} ms)"
    shown = [(name[:70].replace("|", "/"), f"{100 * taken / total:.1f}") for name, taken in rows]
    return measuring.table((head, "% of its time"), shown)


def report_hours(machine: Hardware, reduced: bool) -> str:
    """Hours of all trainings of the report preset, from a few steps of each."""
    config = yaml.safe_load((measuring.REPO / "presets/report2018.yaml").read_text())
    rows, total = [], 0.0
    known: dict[tuple[object, ...], float] = {}
    for name, entry in [*config["autoencoders"].items(), *config["systems"].items()]:
        base = config["systems"].get(entry.get("base"), entry)
        case = report_case(config, base, reduced)
        key = (case.network, case.shape, case.batch_clips)
        if key not in known:
            known[key] = step_seconds(case, machine) / case.batch_clips
            release(machine.device)
        epochs = config["recipes"][base["recipe"]]["epochs"]
        if "selftraining" in entry:
            schedule = config["selftraining"][entry["selftraining"]]
            epochs = schedule["rounds"] * config["recipes"][schedule["recipe"]]["epochs"]
        # Self-training adds clips round by round, up to all of them.
        clips = int(KEPT * CLIPS["everything"]) if "selftraining" in entry else case.clips
        hours = known[key] * clips * epochs / 3600
        total += hours
        rows.append((name, case.network, f"{clips:,}", epochs, f"{hours:.2f}"))
    rows.append(("all, one after another", "", "", "", f"{total:.2f}"))
    heads = ("presets/report2018.yaml, no training stopping early", "", "clips", "epochs", "hours")
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


def sections(machine: Hardware, reduced: bool, epochs: int) -> Iterator[str]:
    """Measure; yield one table after the other as Markdown."""
    on_gpu = machine.device.type == "cuda"
    name = torch.cuda.get_device_name(machine.device) if on_gpu else measuring.processor()
    limits = ceilings(machine.device, reduced)
    yield limits.table(name)
    yield steps_table(machine, limits, reduced)
    yield epochs_table(machine, reduced, epochs)
    for case in cases(reduced):
        yield kernels_of(case, machine)
        release(machine.device)
    # Not compiled, for that takes 20 s for each network.
    yield report_hours(replace(machine, compile_from_clips=math.inf), reduced)


def main() -> None:
    """Measure, print, and write what was printed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--reduced", action="store_true", help="in small: a test of this script")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    machine = choose_hardware(
        2 if given.device == "cpu" else 8,
        1,
        {
            "device": given.device,
            "precision": "auto",
            "memory_format": "channels_last",
            "compile": True,
            "compile_from_clips": 1,
        },
    )
    parts = []
    for part in sections(machine, given.reduced, given.epochs):
        print(part, end="\n\n", flush=True)
        parts.append(part)
        if given.output:
            given.output.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
