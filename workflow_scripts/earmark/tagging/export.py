"""Export a bundle as one ONNX graph, from a clip's samples to its probabilities.

What ``features.log_mel``, ``inference.batches`` and ``evaluation`` compute is written here once
more, as operations of torch on tensors of any length; networks are exported as they are. Before a
graph is kept, its probabilities are compared with those of the bundle.
"""

import json
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxscript  # noqa: F401  torch's export needs it, and finds out late
import torch
from torch import Tensor, nn

from earmark.evaluation import ensemble
from earmark.features.log_mel import LogMel
from earmark.features.settings import FLOOR
from earmark.inference.batches import Crops
from earmark.runtime.errors import EarmarkError, examples, printable
from earmark.tagging import bundle as bundles
from earmark.tagging.bundle import CARD, DESCRIPTION, GRAPH, Combination, System
from earmark.tagging.onnx_networks import OnnxNetworks
from earmark.tagging.tagger import Tagger
from earmark.tagging.torch_networks import TorchNetworks

# Probabilities may differ by so much: now and then a level is rounded to a neighbouring byte.
TOLERANCE = 1e-3
ABOUT = """
## Graph

`{file}` computes all of this for a clip: from `samples`, (n,) floats in [-1, 1] of one channel, at
{rate} Hz and of any length, to `probabilities`, (classes,). They differ by {most:.0e} at most from
those of the networks that it was exported from, on {count} synthetic sounds.
"""


class SystemGraph(nn.Module):
    """Samples (n,) -> calibrated probabilities (classes,): the mean of all crops and networks."""

    window: Tensor
    mel: Tensor

    def __init__(self, feature: LogMel, system: System, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.feature, self.networks = feature, nn.ModuleList(networks)
        self.crops, self.temperature = Crops.of_recipe(system.recipe), system.temperature
        self.register_buffer("window", torch.hann_window(feature.window_samples))
        self.register_buffer("mel", feature.mel_weights())

    def forward(self, samples: Tensor) -> Tensor:
        inputs = self._cut(*self._log_mel(samples))
        of_networks = [network(inputs).softmax(1).mean(0) for network in self.networks]
        mean = torch.stack(of_networks).mean(0)
        powers = (mean / mean.max()) ** (1 / self.temperature)
        return powers / powers.sum()

    def _log_mel(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The bytes of ``LogMel.compute``, as floats (frames, bands) that still have quiet ends;
        and which frame is the first without these, and how many there are.
        """
        feature, size = self.feature, self.feature.window_samples
        padded = nn.functional.pad(samples, (size // 2, size - size // 2))
        spectrum = torch.stft(
            padded, size, feature.hop_samples, window=self.window, center=False, return_complex=True
        )
        power = torch.view_as_real(spectrum).square().sum(dim=2).T @ self.mel  # (frames, bands)
        loudest = power.max()
        relative = torch.where(loudest > 0, power / loudest, 0.0)
        bels = relative.clamp_min(10 ** (-feature.range_db / 10)).log10()
        values = (0.5 - 10 * FLOOR / feature.range_db * bels).clamp(0, FLOOR).floor()
        level = 10 * power.sum(dim=1).clamp_min(1e-30).log10()
        least = level.max() - feature.trim_db if feature.trim_db > 0 else -torch.inf
        loud = (level > least).nonzero().flatten()
        return values, loud[0], loud[-1] - loud[0] + 1

    def _cut(self, values: Tensor, first: Tensor, length: Tensor) -> Tensor:
        """The crops (crops, bands, frames) of ``batches.prediction_batches``."""
        frames = self.crops.frames
        spare = length - frames
        room = spare.clamp_min(0)
        count = (1 + (room + frames - 1) // frames).clamp_max(self.crops.per_clip)
        number = torch.arange(self.crops.per_clip)
        even = (number * (room.double() / (count - 1).clamp_min(1))).round().long()
        starts = torch.where(count > 1, even, spare // 2)[number < count]
        torch._check(starts.shape[0] > 0)  # what torch cannot know, and asks for
        frame = starts[:, None] + torch.arange(frames)
        outside = (frame < 0) | (frame >= length)
        crops = values[torch.where(outside, 0, frame) + first]
        crops = torch.where(outside[:, :, None], float(self.feature.padding), crops)
        return crops.transpose(1, 2) / self.feature.unit


class TaggerGraph(nn.Module):
    """Samples (n,) -> probabilities (classes,): the systems' mean, as by ``ensemble.combine``."""

    weights: Tensor

    def __init__(self, systems: Sequence[nn.Module], combination: Combination) -> None:
        super().__init__()
        self.systems, self.combination = nn.ModuleList(systems), combination
        weights = ensemble.weights_from(combination.scores or [1.0] * len(systems))
        self.register_buffer("weights", torch.from_numpy(weights).float())

    def forward(self, samples: Tensor) -> Tensor:
        members = torch.stack([system(samples) for system in self.systems])
        if self.combination.kind == "geometric":
            return (self.weights @ members.clamp_min(1e-12).log()).softmax(0)
        if self.combination.kind == "power":
            mean = self.weights @ members**self.combination.exponent
            return mean / mean.sum()
        return self.weights @ members


def export(
    folder: Path, target: Path | None = None, allow_code: bool = False
) -> tuple[Path, float]:
    """Write the bundle ``folder`` as one with a graph; by default its name ends on ``_onnx``.

    ``allow_code`` is that of ``Tagger.load``. Returns the new folder, and by how much probabilities
    differ at most. Raises EarmarkError for a bundle that cannot be exported, and where they differ
    by more than ``TOLERANCE``.
    """
    target = target or folder.resolve().with_name(f"{folder.resolve().name}_onnx")
    if target.exists() and not (target / GRAPH).is_file():
        raise EarmarkError(f"There is a {target} already. Name another folder after -o.")
    kept = {*(os.listdir(target) if target.exists() else ())} - {GRAPH, CARD, DESCRIPTION}
    if kept:
        raise EarmarkError(
            f"{target} has {examples(sorted(kept))} too, which would be lost. Move that elsewhere, "
            f"or name another folder after -o."
        )
    tagger = Tagger.load(folder, "cpu", allow_code=allow_code)
    if not isinstance(tagger.networks, TorchNetworks):
        raise EarmarkError(f"The bundle {folder} is a graph already. Use it as it is.")
    module, rate = _graph_of(folder, tagger.networks)
    bundle = tagger.bundle
    systems = {name: replace(system, weights=[]) for name, system in bundle.systems.items()}
    exported = replace(bundle, systems=systems)
    with TemporaryDirectory() as made:
        file = Path(made, GRAPH)
        try:
            _write(module, file, rate, bundle.classes)
        except torch.onnx.OnnxExporterError as problem:
            raise EarmarkError(
                f"torch cannot export the networks of the bundle {folder} "
                f"({printable(str(problem), 300)}). Use it as it is."
            ) from problem
        sounds = _sounds(rate)
        graph = Tagger(exported, OnnxNetworks(file, rate))
        found, expected = (one(sounds, rate).probabilities for one in (graph, tagger))
        most = float(np.abs(found - expected).max())
        if not most <= TOLERANCE:
            raise EarmarkError(
                f"The graph's probabilities differ by up to {most:.2g} from those of the bundle "
                f"{folder}, so it was not written. Use the bundle as it is, and report this."
            )
        about = ABOUT.format(file=GRAPH, rate=rate, most=most, count=len(sounds))
        bundles.write(target, exported, {GRAPH: file}, bundles.read_card(folder) + about)
    return target, most


def _graph_of(folder: Path, tagger: TorchNetworks) -> tuple[nn.Module, int]:
    """The module to export, and the sample rate that it is for."""
    systems = []
    for name, system in tagger.systems.items():
        feature = tagger.features[system.feature]
        if type(feature) is not LogMel:  # nor a user's own kind derived from it
            raise EarmarkError(
                f"The system {name} of the bundle {folder} has the feature kind {feature.kind}; "
                f"only log_mel can be exported. Let `submission` in the config name a system of "
                f"that kind, and run `snakemake tagger` again."
            )
        systems.append(SystemGraph(feature, system, tagger.networks[name]))
    rates = sorted({feature.sample_rate for feature in tagger.features.values()})
    if len(rates) > 1:
        raise EarmarkError(
            f"The systems of the bundle {folder} have the sample rates {rates}; a graph has one. "
            f"Give their features the same `sample_rate` in the config."
        )
    return TaggerGraph(systems, tagger.bundle.combination).eval(), rates[0]


def _write(module: nn.Module, file: Path, rate: int, classes: list[str]) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of torch, to itself
        program = torch.onnx.export(
            module,
            (torch.rand(5 * rate),),
            dynamo=True,
            verbose=False,
            input_names=["samples"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )
    assert program is not None
    facts = {"sample_rate": str(rate), "classes": json.dumps(classes)}
    program.model.metadata_props.update(facts)
    program.save(file)


def _sounds(rate: int) -> list[np.ndarray]:
    """Noise from a sample to 20 s long, with and without quiet ends."""
    rng = np.random.default_rng(0)
    counts = np.geomspace(1, 20 * rate, 12).astype(int)
    sounds = [rng.uniform(-0.9, 0.9, count) for count in counts]
    return sounds + [sound * np.hanning(len(sound) + 2)[1:-1] ** 8 for sound in sounds]
