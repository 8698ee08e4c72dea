"""What memory format and compiling are worth: training steps of the demo's networks.

Steps go in turn: contiguous, channels-last, and channels-last but compiled, in each precision that
the processor has instructions for. Clips are noise, and nothing is read. There is one thread, as in
the default config, and what counts is its processor time (of the compiler too), so that what else
happens on the machine counts less.

    .venv/bin/python benchmarks/formats.py [--repeats 5]
"""

import math
import os
import resource
import statistics
import sys
import tempfile
from dataclasses import replace

import measuring
import torch

sys.path.insert(0, str(measuring.SCRIPTS))

from gpu import Case, step_of
from training import BANDS, FRAMES, prepared

from earmark.inference import hardware

VGG = {"kernel_scale": 0.25, "dropout_scale": 0.4, "batch_norm_momentum": 0.1}
CASES = (
    Case("cnn_logmel, width 16", "cnn_logmel", {"width": 16}, (BANDS, FRAMES), 32, 0),
    Case("cnn_logmel, width 32", "cnn_logmel", {"width": 32}, (BANDS, FRAMES), 32, 0),
    Case("vgg_fewer of the demo", "vgg_fewer", VGG, (64, 56), 16, 0),
    Case("autoencoder of the demo", "autoencoder", {}, (64, 56), 16, 0),
)
STEPS = 5


def processor_seconds() -> float:
    """Of this process, and of those that it has started and that are over."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def row(case: Case, machine: hardware.Hardware, repeats: int) -> tuple[str, ...]:
    """A step contiguous, in ms; how many times as fast the others are; seconds to compile."""
    as_is = replace(machine, compile_from_clips=math.inf)
    steps = {
        name: step_of(case, replace(as_is, memory_format=name))[0]
        for name in ("contiguous", "channels_last")
    }
    torch.compiler.reset()
    begin = processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        # torch keeps compiled code from run to run.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        steps["compiled"], is_compiled = step_of(case, machine)
    compiling = processor_seconds() - begin

    def several(step: measuring.Way) -> None:
        for _ in range(STEPS):
            step()

    ways: dict[str, measuring.Way] = {
        name: lambda step=step: several(step) for name, step in steps.items()
    }
    seconds = measuring.in_turn(ways, repeats, clock=processor_seconds)
    one, other, third = seconds.values()
    found = (
        f"{case.title}, {machine.precision_used()}",
        f"{1000 * statistics.median(one) / STEPS:.0f}",
        measuring.spread_of(measuring.ratios(one, other), ".2f"),
        measuring.spread_of(measuring.ratios(other, third), ".2f") if is_compiled else "-",
        f"{compiling:.0f}",
    )
    print(*found, sep=", ", file=sys.stderr, flush=True)
    return found


def section(repeats: int) -> str:
    """Measure each network in each precision; return Markdown."""
    precisions = ["bfloat16", "float32"] if hardware.cpu_has_bfloat16() else ["float32"]
    rows = [
        row(case, prepared(1, precision, compiled=True), repeats)
        for precision in precisions
        for case in CASES
    ]
    heads = (
        "A training step", "contiguous, ms", "channels-last, times as fast",
        "compiled, times as fast as that", "s to compile",
    )  # fmt: skip
    return measuring.table(heads, rows)


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, repeats=5))))
