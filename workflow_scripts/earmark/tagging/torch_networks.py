"""A bundle's networks, by torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from earmark.evaluation import calibration, ensemble
from earmark.evaluation.predictions import Predictions
from earmark.features import settings
from earmark.features.settings import Feature
from earmark.inference import predicting
from earmark.inference.batches import Crops
from earmark.inference.hardware import Hardware
from earmark.inference.tensor_store import TensorStore
from earmark.networks import saved_models
from earmark.runtime import own_parts
from earmark.tagging.bundle import Bundle, System

CPU_BATCH_CLIPS = 16


class TorchNetworks:
    """The ``networks`` of each system that is used, and their ``features``.

    These are of ``batch_clips`` clips in memory at once.
    """

    batch_clips = 64

    def __init__(
        self, folder: Path, bundle: Bundle, device: str = "auto", threads: int | None = None
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.bundle = bundle
        self._hardware = Hardware(torch.device(device), None)
        self.systems = {name: bundle.systems[name] for name in bundle.combination.members}
        self.features = {
            system.feature: _feature(folder, bundle.features[system.feature])
            for system in self.systems.values()
        }
        self.networks = {
            name: [
                _network(folder / file, system, self.features[system.feature], bundle)
                for file in system.weights
            ]
            for name, system in self.systems.items()
        }
        for network in chain.from_iterable(self.networks.values()):
            self._hardware.move(network)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self._hardware.device

    def numerics(self) -> tuple[object, ...]:
        """What the rounding of probabilities depends on, for JSON."""
        return str(torch.__version__), torch.get_num_threads(), str(self.device)

    def probabilities(self, features: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """(n, classes): the mean of the systems' means, as in ``write_tags.py``."""
        clips = [str(number) for number in range(len(features))]
        classes = self.bundle.classes
        stores = {
            name: TensorStore.of_arrays(feature, [one[name] for one in features])
            for name, feature in self.features.items()
        }
        members = {}
        for name, networks in self.networks.items():
            system = self.systems[name]
            predict = partial(
                predicting.predict,
                store=stores[system.feature],
                rows=np.arange(len(clips)),
                crops=self._crops(system),
                hardware=self._hardware,
                classes=len(classes),
            )
            of_folds = np.stack([predict(network) for network in networks])
            mean = Predictions(clips, classes, of_folds).mean_of_folds()
            members[name] = calibration.apply(mean, system.temperature)
        combination = self.bundle.combination
        return ensemble.combine_predictions(
            self.bundle.name, asdict(combination), members, clips, combination.scores
        ).probabilities

    def _crops(self, system: System) -> Crops:
        crops = Crops.of_recipe(system.recipe)
        # On a processor as fast as larger batches, in less memory.
        most = CPU_BATCH_CLIPS if self.device.type == "cpu" else crops.batch_clips
        return replace(crops, batch_clips=min(crops.batch_clips, most))


def _feature(folder: Path, entry: Mapping[str, Any]) -> Feature:
    if own_parts.is_own(entry["kind"]):
        kind = own_parts.inside(folder, entry["kind"])
        entry = {**own_parts.options_inside(folder, entry), "kind": kind}
    return settings.parse(entry)


def _network(weights: Path, system: System, feature: Feature, bundle: Bundle) -> nn.Module:
    described = {**asdict(system), "network": own_parts.inside(weights.parent, system.network)}
    if own_parts.is_own(system.network):
        options = own_parts.options_inside(weights.parent, system.network_options)
        described["network_options"] = options
    network = predicting.build_for(feature, described, len(bundle.classes))
    saved_models.load(network, weights)
    return network
