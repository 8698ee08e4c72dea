"""Tag sounds with a bundle: the numbers that the workflow gives with the same networks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from earmark.dataset import audio, decoding
from earmark.dataset.audio import SamplesInMemory
from earmark.evaluation import calibration, ensemble, tags
from earmark.evaluation.predictions import Predictions
from earmark.evaluation.tags import Tags
from earmark.features import settings
from earmark.features.settings import Feature
from earmark.inference import predicting
from earmark.inference.batches import Crops
from earmark.inference.hardware import Hardware
from earmark.inference.tensor_store import TensorStore
from earmark.networks import saved_models
from earmark.runtime.errors import EarmarkError
from earmark.tagging import bundle as bundles
from earmark.tagging.bundle import Bundle, System

Sound = np.ndarray | str | Path
# Clips whose features are in memory at once.
BATCH_CLIPS = 64
CPU_BATCH_CLIPS = 16


class Heard(NamedTuple):
    """A clip's features by name, or None if it cannot be heard; ``problem`` as in ``Tags``."""

    features: dict[str, np.ndarray] | None
    problem: str = ""


def hear(
    sound: str | Path | SamplesInMemory, features: Mapping[str, Feature], bundle: Bundle
) -> Heard:
    """Decode a clip and compute its ``features``."""
    facts, samples = audio.decode(sound, bundle.shortest_seconds, bundle.longest_seconds)
    problem = tags.reason(facts.status, facts.problem)
    if facts.status not in audio.STATUSES_WITH_SOUND:
        return Heard(None, problem)
    computed = {}
    for name, feature in features.items():
        resampled = audio.resampled(samples, facts.sample_rate, feature.sample_rate)
        computed[name] = feature.compute(resampled)
    return Heard(computed, problem)


class Tagger:
    """The networks of a bundle, ready to use.

    >>> tagger = Tagger.load("results/demo/tagger")
    >>> tagger("bird.wav").best(top=1)
    [[Tag(label='Bird', probability=0.98)]]
    """

    def __init__(
        self,
        bundle: Bundle,
        features: Mapping[str, Feature],
        networks: Mapping[str, Sequence[nn.Module]],
        device: torch.device,
    ) -> None:
        self.bundle, self.features = bundle, dict(features)
        self._networks, self._hardware = networks, Hardware(device, None)
        for network in chain.from_iterable(networks.values()):
            self._hardware.move(network)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "Tagger":
        """Open a bundle, on a GPU if there is one; ``device`` may also be cpu or cuda.

        Raises EarmarkError if the bundle is damaged, foreign, or of a newer version.
        """
        bundle = bundles.read(folder)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            used = {name: bundle.systems[name] for name in bundle.combination.members}
            features = {
                system.feature: settings.parse(bundle.features[system.feature])
                for system in used.values()
            }
            networks = {
                name: [
                    _network(Path(folder) / file, system, features[system.feature], bundle)
                    for file in system.weights
                ]
                for name, system in used.items()
            }
            tagger = cls(bundle, features, networks, torch.device(device))
            # Entries of wrong types or sizes show when they are used.
            tried = tagger(np.random.default_rng(0).uniform(-1, 1, 9999), 44100)
            if tried.unheard:
                raise ValueError(tried.problems[0])
        except Exception as problem:
            raise bundles.damaged(folder, problem) from problem
        return tagger

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self._hardware.device

    @property
    def classes(self) -> list[str]:
        """The labels that sounds can get, in the order of the columns of probabilities."""
        return self.bundle.classes

    def __call__(self, sounds: Sound | Sequence[Sound], sample_rate: int | None = None) -> Tags:
        """Tag a clip or a list of clips.

        A clip is the path of a file, or samples (n,) or (n, channels) of floats in [-1, 1], which
        need their ``sample_rate`` in Hz. Channels are averaged, and only the bundle's
        ``longest_seconds`` are used. Raises EarmarkError for what is neither, such as a tensor;
        files that cannot be heard are told in the result.
        """
        is_one = isinstance(sounds, Sound | torch.Tensor) or not isinstance(sounds, Iterable)
        clips: Any = [sounds] if is_one else sounds
        heard = (hear(self._clip(clip, sample_rate), self.features, self.bundle) for clip in clips)
        parts = [self.tag(part) for part in iter(lambda: list(islice(heard, BATCH_CLIPS)), [])]
        return Tags(
            self.classes,
            np.concatenate([np.zeros((0, len(self.classes))), *(p.probabilities for p in parts)]),
            [problem for part in parts for problem in part.problems],
        )

    def _clip(self, sound: Any, sample_rate: Any) -> str | Path | SamplesInMemory:
        if isinstance(sound, str | Path):
            return sound
        if not isinstance(sound, np.ndarray):
            raise EarmarkError(
                f"A clip of type {type(sound).__name__} is neither a path nor a NumPy array. Turn "
                f"samples into one, as by numpy.asarray(samples)."
            )
        sound = np.asarray(sound)  # a np.matrix has no rows of one dimension
        lowest, highest = decoding.LOWEST_RATE, decoding.HIGHEST_RATE
        is_number = isinstance(sample_rate, int | float | np.integer | np.floating)
        if not is_number or not lowest <= sample_rate <= highest or sample_rate % 1:
            raise EarmarkError(
                f"Samples cannot have the sample rate {sample_rate}. Give a whole number from "
                f"{lowest} to {highest} (Hz), as in tagger(samples, 44100)."
            )
        if sound.dtype.kind != "f":
            raise EarmarkError(
                f"Samples of type {sound.dtype} are not floats in [-1, 1]. Divide those of int16 "
                f"by 32768."
            )
        channels = sound.shape[1] if sound.ndim == 2 else 1
        if sound.ndim not in (1, 2) or (len(sound) and not 0 < channels <= len(sound)):
            raise EarmarkError(
                f"Samples of the shape {sound.shape} are not (n,) or (n, channels). Turn "
                f"(channels, n) round by samples.T."
            )
        samples = sound.astype(np.float32, copy=False).reshape(len(sound), -1 if len(sound) else 1)
        return SamplesInMemory(samples, int(sample_rate), self.bundle.longest_seconds)

    def tag(self, heard: Sequence[Heard]) -> Tags:
        """Run the networks over clips whose features are in memory."""
        values = np.full((len(heard), len(self.classes)), np.nan)
        problems = [clip.problem for clip in heard]
        rows = [row for row, clip in enumerate(heard) if clip.features is not None]
        if rows:
            values[rows] = self._probabilities([heard[row].features or {} for row in rows])
        for row in rows:
            if not np.isfinite(values[row]).all():
                values[row] = np.nan
                problems[row] = "the networks' probabilities are NaN or infinite"
        return Tags(self.classes, values, problems)

    def _probabilities(self, features: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """(n, classes): the mean of the systems' means, as in ``write_tags.py``."""
        clips = [str(number) for number in range(len(features))]
        stores = {
            name: TensorStore.of_arrays(feature, [one[name] for one in features])
            for name, feature in self.features.items()
        }
        members = {}
        for name, networks in self._networks.items():
            system = self.bundle.systems[name]
            predict = partial(
                predicting.predict,
                store=stores[system.feature],
                rows=np.arange(len(clips)),
                crops=self._crops(system),
                hardware=self._hardware,
                classes=len(self.classes),
            )
            of_folds = np.stack([predict(network) for network in networks])
            mean = Predictions(clips, self.classes, of_folds).mean_of_folds()
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


def _network(weights: Path, system: System, feature: Feature, bundle: Bundle) -> nn.Module:
    network = predicting.build_for(feature, asdict(system), len(bundle.classes))
    saved_models.load(network, weights)
    return network
