"""Layers that several families of networks use."""

import warnings
from collections.abc import Iterable

import torch
from torch import Tensor, nn

Shape = tuple[int, int]

# The report's kernels have even sizes; 'same' then pads one more row at the end, as Keras does.
warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")


class Image(nn.Module):
    """(batch, frequency, time) -> (batch, 1, frequency, time)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1)


class GlobalMaxPool(nn.Module):
    """(batch, channels, any further axes) -> (batch, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).max(dim=2).values


class Standardise(nn.Module):
    """Subtracts the mean and divides by the deviation of each (frequency, time) position.

    Both are computed once from the training inputs (``fit``) and saved with the weights.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, input_shape: Shape) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(input_shape))
        self.register_buffer("deviation", torch.ones(input_shape))

    @property
    def is_fitted(self) -> bool:
        """Whether the statistics have been computed or loaded."""
        return bool((self.deviation != 1).any())

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Compute the statistics of inputs (batch, frequency, time)."""
        count = 0
        total, square = torch.zeros(2, *self.mean.shape, dtype=torch.float64)
        for inputs in batches:
            exact = inputs.cpu().double()
            count += len(exact)
            total += exact.sum(dim=0)
            square += exact.square().sum(dim=0)
        mean = total / count
        variance = (square / count - mean.square()).clamp_min(0)
        self.mean.copy_(mean)
        # A constant position, such as one beyond the end of every clip, is not scaled.
        self.deviation.copy_(torch.where(variance > 1e-12, variance.sqrt(), 1.0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation
