"""A bundle's graph, by onnxruntime: without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from earmark.features.settings import Feature


@dataclass(frozen=True)
class Samples(Feature):
    """In place of a feature, which the graph computes: the samples (n,) themselves."""

    @property
    def shape(self) -> tuple[int, int]:
        """(1, 0): one value per sample, and as many as the clip has."""
        return 1, 0

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Return ``samples``."""
        return samples


class OnnxNetworks:
    """The graph in ``file``, of samples at ``sample_rate`` Hz; used like ``TorchNetworks``."""

    batch_clips = 1
    device = "cpu"

    def __init__(self, file: Path, sample_rate: int, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # Idle threads would keep busy the processors on which clips are heard.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._threads = threads
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        self.features = {"samples": Samples(sample_rate)}

    def numerics(self) -> tuple[object, ...]:
        """What the rounding of probabilities depends on, for JSON."""
        return f"onnxruntime {onnxruntime.__version__}", self._threads

    def probabilities(self, features: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """(n, classes), clip by clip."""
        return np.stack([self._session.run(None, dict(clip))[0] for clip in features])
