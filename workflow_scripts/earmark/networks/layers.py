"""Layers that networks of several families have."""

import warnings
from collections.abc import Iterable

import torch
from torch import Tensor, nn

Shape = tuple[int, int]

# The report's kernels are even; 'same' then pads one row more at the end, as Keras does.
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
    """Subtracts a mean and divides by a deviation at each (frequency, time) position.

    Both are taken once from the training inputs (``learn``) and saved with the weights.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, input_shape: Shape) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(input_shape))
        self.register_buffer("deviation", torch.ones(input_shape))

    @property
    def learned(self) -> bool:
        """Whether the statistics are there, learned or loaded."""
        return bool((self.deviation != 1).any())

    def learn(self, batches: Iterable[Tensor]) -> None:
        """Take the statistics from inputs (batch, frequency, time)."""
        count = 0
        total, square = torch.zeros(2, *self.mean.shape, dtype=torch.float64)
        for inputs in batches:
            exact = inputs.double().cpu()
            count += len(exact)
            total += exact.sum(dim=0)
            square += exact.square().sum(dim=0)
        mean = total / count
        variance = (square / count - mean.square()).clamp_min(0)
        self.mean.copy_(mean)
        # A position that never changes, such as one beyond every clip, stays as it is.
        self.deviation.copy_(torch.where(variance > 1e-12, variance.sqrt(), 1.0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation
