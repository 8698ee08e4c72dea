"""Tag sounds with a bundle: the numbers that the workflow gives with the same networks.

Nothing here imports torch, which a bundle with a graph does without.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from earmark.dataset import audio, decoding
from earmark.dataset.audio import SamplesInMemory
from earmark.evaluation import tags
from earmark.evaluation.tags import Tags
from earmark.features.settings import Feature
from earmark.runtime.errors import EarmarkError, examples
from earmark.runtime.own_parts import OwnPartError
from earmark.tagging import bundle as bundles
from earmark.tagging.bundle import Bundle

if TYPE_CHECKING:
    from earmark.tagging.onnx_networks import OnnxNetworks
    from earmark.tagging.torch_networks import TorchNetworks

Sound = np.ndarray | str | Path


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

    def __init__(self, bundle: Bundle, networks: "TorchNetworks | OnnxNetworks") -> None:
        self.bundle, self.networks = bundle, networks

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        threads: int | None = None,
        allow_code: bool = False,
    ) -> "Tagger":
        """Open a bundle, on a GPU if there is one; ``device`` may also be cpu, cuda, cuda:1 or mps.

        A graph is for the processor alone. ``threads`` are those of the networks, by default as
        many as the library takes. ``allow_code``: Python files that the bundle may have are run.
        Raises EarmarkError if the bundle is damaged, foreign, or of a newer version, if it has such
        files and they are not allowed, and for a device that is not there.
        """
        bundle = bundles.read(folder)
        if bundle.own_files and not allow_code:
            raise EarmarkError(
                f"The bundle {folder} has Python files of its author ({examples(bundle.own_files)})"
                f", which tagging runs. Read them, and if you trust them, add --allow-code (in "
                f"Python: allow_code=True)."
            )
        device = str(device)
        if not bundle.has_graph:
            from earmark.inference import hardware

            hardware.check_device(device)
        elif device not in ("auto", "cpu"):
            raise EarmarkError(
                f"The bundle {folder} is a graph, which runs on the processor, not on '{device}'. "
                f"Use the bundle that it was exported from, or the device cpu."
            )
        if threads is not None and not (isinstance(threads, int) and threads > 0):
            raise EarmarkError(f"There cannot be {threads} threads. Give a whole number from 1 on.")
        try:
            tagger = cls(bundle, _networks(Path(folder), bundle, device, threads))
            # Entries of wrong types or sizes show when they are used. At a rate of its own, as to
            # import what resamples takes a second.
            rate = max(decoding.LOWEST_RATE, next(iter(tagger.features.values())).sample_rate)
            tried = tagger(np.random.default_rng(0).uniform(-1, 1, 9999), rate)
            if tried.unheard:
                raise ValueError(tried.problems[0])
        except (ModuleNotFoundError, OwnPartError):
            raise
        except Exception as problem:
            raise bundles.damaged(folder, problem) from problem
        return tagger

    @property
    def features(self) -> Mapping[str, Feature]:
        """What the networks are computed from, by name."""
        return self.networks.features

    @property
    def device(self) -> Any:
        """Where the networks are."""
        return self.networks.device

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
        is_array = hasattr(sounds, "shape")  # perhaps of another library
        is_one = is_array or isinstance(sounds, Sound) or not isinstance(sounds, Iterable)
        clips: Any = [sounds] if is_one else sounds
        heard = (hear(self._clip(clip, sample_rate), self.features, self.bundle) for clip in clips)
        size = self.networks.batch_clips
        parts = [self.tag(part) for part in iter(lambda: list(islice(heard, size)), [])]
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
            values[rows] = self.networks.probabilities([heard[row].features or {} for row in rows])
        for row in rows:
            if not np.isfinite(values[row]).all():
                values[row] = np.nan
                problems[row] = "the networks' probabilities are NaN or infinite"
        return Tags(self.classes, values, problems)


def _networks(
    folder: Path, bundle: Bundle, device: str, threads: int | None
) -> "TorchNetworks | OnnxNetworks":
    if bundle.has_graph:
        from earmark.tagging.onnx_networks import OnnxNetworks

        (rate,) = {feature["sample_rate"] for feature in bundle.features.values()}
        return OnnxNetworks(folder / bundles.GRAPH, rate, threads)
    from earmark.tagging.torch_networks import TorchNetworks

    return TorchNetworks(folder, bundle, device, threads)
