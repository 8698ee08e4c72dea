"""How fast `earmark tag` is, beside a plain loop, and what becomes of the time.

The bundle is the default config's ``cnn_logmel`` with random weights: log-mels of 64 bands, the
mean of four crops of each clip. The plain loop makes log-mels with librosa, or with torchaudio
where librosa is absent, and gives them to the same network in float32, clip by clip. Decoding,
features and the network are also measured alone, in one process: the first two by the number of
processes, and the network, are what tagging would take if nothing came in between. The first answer
is a new process that tags one file, with all imports.

    .venv/bin/python benchmarks/tagging.py FOLDER [--threads 2] [--repeats 5]

FOLDER holds the clips, or folders of clips.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measuring
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(measuring.SCRIPTS))

import features
from training import CLASSES, network

from earmark.dataset import audio
from earmark.evaluation import tags
from earmark.features import settings
from earmark.features.log_mel import LogMel
from earmark.inference import batches
from earmark.networks import saved_models
from earmark.tagging import bundle, files
from earmark.tagging.bundle import Bundle, Combination, System
from earmark.tagging.tagger import Heard, Tagger

MEL = LogMel()
FRAMES, CROPS, WIDTH = 128, 4, 16


def write_bundle(folder: Path) -> Path:
    """A bundle of the default network."""
    weights = folder / "cnn_logmel.safetensors"
    saved_models.save(weights, folder / "model.json", network(WIDTH))
    recipe = {"crop_frames": FRAMES, "test_crops": CROPS, "batch_clips": 32}
    system = System("log_mel", "cnn_logmel", {"width": WIDTH}, recipe, [weights.name])
    described = Bundle(
        "benchmark",
        [f"class {number}" for number in range(CLASSES)],
        Combination("arithmetic", 1.0, ["cnn_logmel"]),
        {"log_mel": settings.to_dict(MEL)},
        {"cnn_logmel": system},
        300.0,
    )
    bundle.write(folder / "tagger", described, {weights.name: weights}, "# A benchmark\n")
    return folder / "tagger"


@torch.no_grad()
def plain(module: nn.Module, paths: list[Path]) -> None:
    """Clip after clip."""
    with_librosa = features.librosa_is_there()
    work = features.librosa_mel if with_librosa else features.torchaudio_mel(1)
    module.eval()
    for path in paths:
        frames = torch.from_numpy(np.ascontiguousarray(work(path))).float() / 255
        starts = batches.even_starts(len(frames), FRAMES, CROPS)
        crops = [frames[max(0, start) : start + FRAMES] for start in starts]
        padded = [nn.functional.pad(crop, (0, 0, 0, FRAMES - len(crop)), value=1) for crop in crops]
        module(torch.stack(padded).transpose(1, 2)).softmax(1).mean(0)


def section(paths: list[Path], threads: int, repeats: int) -> str:
    """Measure; return Markdown."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_bundle(folder)
        tagger, module = Tagger.load(made, "cpu"), network(WIDTH)
        sounds = [files.SoundFile(str(path), str(path)) for path in paths]
        decoded: list[Any] = []
        heard: list[Heard] = []

        def tag() -> None:
            for batch in files.tag(tagger, sounds, files.Options(), threads):
                tags.encoded(batch.rows)
            torch.set_num_threads(threads)

        def decode() -> None:
            decoded[:] = [audio.decode(path, 0.0, 300.0) for path in paths]

        def compute() -> None:
            torch.set_num_threads(1)
            heard[:] = [
                Heard(
                    {
                        "log_mel": MEL.compute(
                            audio.resampled(samples, facts.sample_rate, MEL.sample_rate)
                        )
                    }
                )
                for facts, samples in decoded
            ]
            torch.set_num_threads(threads)

        def infer() -> None:
            for begin in range(0, len(heard), files.BATCH_CLIPS):
                tagger.tag(heard[begin : begin + files.BATCH_CLIPS])

        loop = "loop with librosa" if features.librosa_is_there() else "loop with torchaudio"
        ways: dict[str, measuring.Way] = {
            loop: lambda: plain(module, paths),
            "earmark tag": tag,
            "decoding alone, one process": decode,
            "features alone, one process": compute,
            f"network alone, {threads} threads": infer,
            "first answer": lambda: first_answer(made, paths[0]),
        }
        seconds = measuring.in_turn(ways, repeats)
    *names, first = ways
    rows = [
        (
            name,
            f"{len(paths) / statistics.median(seconds[name]):.0f}",
            measuring.spread_of(measuring.ratios(seconds[name], seconds["earmark tag"]), ".2f"),
        )
        for name in names
    ]
    parts = zip(*(seconds[name] for name in names[2:]), strict=True)
    ideal = [(one + two) / threads + three for one, two, three in parts]
    shares = measuring.ratios(ideal, seconds["earmark tag"])
    return (
        measuring.table(("Way", "clips/s", "seconds, by those of earmark tag"), rows)
        + f"\n\nDecoding and features by {threads} processes, and the network, would take "
        f"{measuring.spread_of(shares, '.2f')} of the time of `earmark tag`. The first answer "
        f"takes {measuring.spread_of(seconds[first], '.1f')} s."
    )


def first_answer(made: Path, path: Path) -> None:
    """Tag one file by the command, from the start of Python."""
    command = [sys.executable, "-m", "earmark.tagging.command_line", "tag", str(made), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(measuring.SCRIPTS)}
    subprocess.run(command, env=environment, check=True, capture_output=True)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    print(section(features.clips_in(given.folder), given.threads, given.repeats))


if __name__ == "__main__":
    main()
