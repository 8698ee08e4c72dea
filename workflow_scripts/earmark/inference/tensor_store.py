"""Features in memory, with the methods of ``FeatureStore`` that ``batches`` needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from earmark.features.settings import Feature


class TensorStore:
    """Features as one tensor, in the memory of any device.

    ``values`` are (n, frequency, time), or frames (total, bands), of which those of clip i are
    from ``offsets[i]`` to ``offsets[i + 1]``.
    """

    def __init__(
        self, values: Tensor, offsets: np.ndarray, fixed: bool, unit: int, padding: int
    ) -> None:
        self.fixed, self.unit, self.padding = fixed, unit, padding
        self._values, self._offsets = values, offsets

    @classmethod
    def of_arrays(cls, feature: "Feature", arrays: Sequence[np.ndarray]) -> "TensorStore":
        """A store of what ``feature.compute`` gave for some clips."""
        join = np.stack if feature.fixed else np.concatenate
        offsets = np.cumsum([0, *map(len, arrays)])
        values = torch.from_numpy(join(arrays))
        return cls(values, offsets, feature.fixed, feature.unit, feature.padding)

    def images(self, rows: np.ndarray) -> Tensor:
        """Fixed-size features of ``rows``: (n, frequency, time) as stored."""
        return self._values[torch.from_numpy(rows).to(self._values.device)]

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Number of frames (n,) of ragged features."""
        return self._offsets[rows + 1] - self._offsets[rows]

    def crops(self, rows: np.ndarray, starts: np.ndarray, frames: int) -> Tensor:
        """Crops of ragged features: (n, bands, frames) as stored; see ``FeatureStore.crops``."""
        first, last = self._offsets[rows][:, None], self._offsets[rows + 1][:, None]
        frame = first + np.asarray(starts)[:, None] + np.arange(frames)
        outside = (frame < first) | (frame >= last)
        device = self._values.device
        crops = self._values[torch.from_numpy(np.where(outside, 0, frame)).to(device)]
        crops[torch.from_numpy(outside).to(device)] = self.padding
        return crops.transpose(1, 2)
