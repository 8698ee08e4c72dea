"""How fast a trained ``cnn_logmel`` tags clips, beside a plain float32 loop in PyTorch.

Both average four crops of each clip; the plain loop takes one clip at a time, as scripts do.

    .venv/bin/python benchmarks/prediction.py [--threads 2] [--repeats 5]
"""

import statistics
import sys
import tempfile
from pathlib import Path

import measuring
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(measuring.SCRIPTS))

from training import CLASSES, CLIPS, FRAMES, RECIPE, WIDTHS, network, prepared, write_noise

from earmark.features import store
from earmark.inference import batches, predicting


@torch.no_grad()
def plain(module: nn.Module, features: store.FeatureStore) -> None:
    """Clip after clip in float32."""
    module.eval()
    for row in range(CLIPS):
        length = int(features.lengths(np.array([row]))[0])
        starts = batches.even_starts(length, FRAMES, RECIPE.test_crops)
        crops = features.crops(np.full(len(starts), row), starts, FRAMES)
        module(torch.from_numpy(np.ascontiguousarray(crops)).float() / 255).softmax(1).mean(0)


def section(threads: int, repeats: int) -> str:
    """Clips per second for each width; Markdown."""
    rows = []
    machine = prepared(threads, "auto")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "noise.h5"
        write_noise(path, CLIPS)
        with store.FeatureStore(path) as features:
            for width in WIDTHS:
                module, other = network(width), network(width)
                machine.move(other)
                ways: dict[str, measuring.Way] = {
                    "plain": lambda module=module: plain(module, features),
                    "Earmark": lambda other=other: predicting.predict(
                        other, features, np.arange(CLIPS), RECIPE.crops, machine, CLASSES
                    ),
                }
                seconds = measuring.in_turn(ways, repeats)
                ratio = measuring.ratios(seconds["plain"], seconds["Earmark"])
                rates = [f"{CLIPS / statistics.median(times):.0f}" for times in seconds.values()]
                rows.append((f"width {width}", *rates, measuring.spread_of(ratio, ".2f")))
    return measuring.table(("Network", "plain float32, clips/s", "Earmark, clips/s", "ratio"), rows)


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, threads=2, repeats=5))))
