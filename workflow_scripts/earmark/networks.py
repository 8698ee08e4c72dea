"""The classifiers, by name. ``build("vgg_fewer", (513, 439), 41)`` gives a torch module.

Inputs are (batch, frequency, time) floats as the feature gives them, which is in [0, 1] for
spectrograms and (batch, 1, samples) in [-1, 1] for samples; outputs are logits (batch, classes). A
new network is a function that takes ``(input_shape, classes, **options)`` and is decorated with
``@network("its_name")``; listed in the config's schema, the config can name it.

All but ``cnn_logmel`` follow section 5 of the 2018 report, Keras' defaults included (Glorot-uniform
weights, zero biases, batch norm with momentum 0.99 and epsilon 1e-3).
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from earmark.initialisation import keras_defaults
from earmark.runtime.errors import EarmarkError

Shape = tuple[int, int]
Builder = Callable[..., nn.Module]

_BUILDERS: dict[str, Builder] = {}

# What cnn1d_raw needs so that its pools have something left to pool.
SHORTEST_SAMPLES = 1616

# The report's kernels are even; 'same' then pads one row more at the end, as Keras does.
warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")


def network(name: str) -> Callable[[Builder], Builder]:
    """Register the decorated builder under ``name``."""

    def register(builder: Builder) -> Builder:
        _BUILDERS[name] = builder
        return builder

    return register


def known() -> list[str]:
    """Names that ``build`` accepts."""
    return sorted(_BUILDERS)


def build(name: str, input_shape: Sequence[int], classes: int, **options: float) -> nn.Module:
    """Return the network ``name`` for inputs of ``input_shape`` (frequency, time) bins.

    Raises EarmarkError for an unknown name or an option that the network does not have.
    """
    if name not in _BUILDERS:
        raise EarmarkError(f"There is no network '{name}'. Write one of: {', '.join(known())}.")
    height, width = input_shape
    try:
        return _BUILDERS[name]((height, width), classes, **options)
    except TypeError as problem:
        raise EarmarkError(f"The network '{name}' cannot be built: {problem}.") from problem


def parameter_count(module: nn.Module, trainable_only: bool = True) -> int:
    """Number of trained numbers; with ``trainable_only=False`` batch-norm statistics count too."""
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    if trainable_only:
        return trained
    statistics = (b for name, b in module.named_buffers() if "running_" in name)
    return trained + sum(b.numel() for b in statistics)


class Image(nn.Module):
    """(batch, frequency, time) -> (batch, 1, frequency, time)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1)


class GlobalMax(nn.Module):
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


class FullRange(nn.Module):
    """Stretches each clip (batch, 1, samples) to [-0.5, 0.5]; a constant one becomes -0.5."""

    def forward(self, x: Tensor) -> Tensor:
        low, high = x.amin(dim=2, keepdim=True), x.amax(dim=2, keepdim=True)
        return (x - low) / (high - low).clamp_min(1e-6) - 0.5


def _vgg(
    input_shape: Shape,
    classes: int,
    blocks: Sequence[tuple[int, tuple[int, int], int, float]],
    dense: int,
    kernel_scale: float = 1.0,
    dropout_scale: float = 1.0,
    batch_norm_momentum: float = 0.01,
) -> nn.Module:
    """Blocks of (convolutions, kernel, channels, dropout), global max pool, one dense layer.

    ``kernel_scale`` shrinks kernels, but not below 3, as befits a picture of lower resolution;
    ``dropout_scale`` scales all dropout rates; ``batch_norm_momentum`` is torch's (new statistic's
    share): 0.01 is Keras' 0.99. The defaults are the report's network.
    """
    height, width = input_shape
    layers: list[nn.Module] = [Image()]
    channels = 1
    for count, full_kernel, wide, dropout in blocks:
        tall, long = (max(min(size, 3), round(size * kernel_scale)) for size in full_kernel)
        kernel = (tall, long)
        for _ in range(count):
            layers += [
                nn.Conv2d(channels, wide, kernel, padding="same"),
                nn.BatchNorm2d(wide, eps=1e-3, momentum=batch_norm_momentum),
                nn.LeakyReLU(0.05),
            ]
            channels = wide
        # An input smaller than the report's may run out of rows: then the pool covers what is left.
        pool = (min(3, height), min(3, width))
        layers += [nn.MaxPool2d(pool), nn.Dropout(dropout * dropout_scale)]
        height, width = height // pool[0], width // pool[1]
    layers += [
        GlobalMax(),
        nn.Linear(channels, dense),
        nn.SELU(),
        nn.Dropout(0.5 * dropout_scale),
        nn.Linear(dense, classes),
    ]
    module = nn.Sequential(*layers)
    keras_defaults(module)
    return module


@network("vgg_fewer")
def vgg_fewer(input_shape: Shape, classes: int, **scales: float) -> nn.Module:
    """The report's best single network: four blocks of two convolutions."""
    blocks = [
        (2, (20, 8), 32, 0.30),
        (2, (10, 4), 64, 0.35),
        (2, (5, 2), 128, 0.35),
        (2, (3, 1), 256, 0.35),
    ]
    return _vgg(input_shape, classes, blocks, 1024, **scales)


@network("vgg_more")
def vgg_more(input_shape: Shape, classes: int, **scales: float) -> nn.Module:
    """Four blocks of three narrower convolutions: more layers, yet fewer weights than vgg_fewer."""
    blocks = [
        (3, (20, 8), 16, 0.2),
        (3, (10, 4), 32, 0.2),
        (3, (5, 2), 64, 0.2),
        (3, (3, 1), 128, 0.2),
    ]
    return _vgg(input_shape, classes, blocks, 4096, **scales)


@network("cnn1d_raw")
def cnn1d_raw(input_shape: Shape, classes: int) -> nn.Module:
    """The report's network for two seconds of samples at 16 kHz, without padding."""
    if input_shape[0] != 1 or input_shape[1] < SHORTEST_SAMPLES:
        raise EarmarkError(
            f"The network 'cnn1d_raw' hears samples, at least {SHORTEST_SAMPLES} of them, not "
            f"inputs of {input_shape[0]} x {input_shape[1]}. Name a feature of kind raw, and raise "
            f"the recipe's crop_frames."
        )
    layers: list[nn.Module] = [FullRange()]
    channels = 1
    blocks = [(16, 9, 16, 0.1), (32, 3, 4, 0.1), (32, 3, 4, 0.1), (256, 3, 0, 0.2)]
    for wide, kernel, pool, dropout in blocks:
        for _ in range(2):
            layers += [nn.Conv1d(channels, wide, kernel), nn.ReLU()]
            channels = wide
        layers += [nn.MaxPool1d(pool) if pool else GlobalMax(), nn.Dropout(dropout)]
    layers += [nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, 1028), nn.ReLU()]
    module = nn.Sequential(*layers, nn.Linear(1028, classes))
    keras_defaults(module)
    return module


@network("cnn2d_mfcc")
def cnn2d_mfcc(input_shape: Shape, classes: int, batch_norm_momentum: float = 0.01) -> nn.Module:
    """The report's network for 40 x 173 cepstral coefficients, standardised per position."""
    places = _places(input_shape, [2] * 4)
    norm: dict[str, Any] = {"eps": 1e-3, "momentum": batch_norm_momentum}
    layers: list[nn.Module] = [Standardise(input_shape), Image()]
    channels = 1
    for _ in range(4):
        layers += [
            nn.Conv2d(channels, 32, (4, 10), padding="same"),
            nn.BatchNorm2d(32, **norm),
            nn.ReLU(),
        ]
        layers.append(nn.MaxPool2d(2))
        channels = 32
    layers += [
        nn.Flatten(),
        nn.Linear(32 * places, 64),
        nn.BatchNorm1d(64, **norm),
        nn.ReLU(),
    ]
    module = nn.Sequential(*layers, nn.Linear(64, classes))
    keras_defaults(module)
    return module


@network("cnn2d_spectrogram")
def cnn2d_spectrogram(
    input_shape: Shape,
    classes: int,
    dropout_scale: float = 1.0,
    batch_norm_momentum: float = 0.01,
) -> nn.Module:
    """The report's first network for spectrograms; ``dropout_scale`` scales its dropout of 0.5."""
    places = _places(input_shape, [2] * 4)
    rate = 0.5 * dropout_scale
    norm: dict[str, Any] = {"eps": 1e-3, "momentum": batch_norm_momentum}
    layers: list[nn.Module] = [Image()]
    channels = 1
    for _ in range(4):
        layers += [nn.Conv2d(channels, 32, (4, 10), padding="same"), nn.Dropout(rate)]
        layers += [nn.BatchNorm2d(32, **norm), nn.SELU(), nn.MaxPool2d(2)]
        channels = 32
    layers += [nn.Flatten(), nn.Linear(32 * places, 64), nn.Dropout(rate)]
    module = nn.Sequential(*layers, nn.BatchNorm1d(64, **norm), nn.SELU(), nn.Linear(64, classes))
    keras_defaults(module)
    return module


@network("cnn2d_tall")
def cnn2d_tall(input_shape: Shape, classes: int) -> nn.Module:
    """Kernels that are long in frequency: one reading of the report's "longer frequency window"."""
    layers: list[nn.Module] = [Image()]
    channels = 1
    blocks: list[tuple[Shape, int, nn.Module, int]] = [
        ((20, 8), 64, nn.LeakyReLU(0.05), 2),
        ((10, 4), 32, nn.SELU(), 3),
        ((5, 2), 16, nn.SELU(), 3),
    ]
    for kernel, wide, activation, pool in blocks:
        layers += [nn.Conv2d(channels, wide, kernel, padding="same"), activation]
        layers += [nn.MaxPool2d(pool), nn.Dropout(0.2)]
        channels = wide
    layers.append(nn.Flatten())
    wide = channels * _places(input_shape, [2, 3, 3])
    for dense in (256, 128, 64, 64):
        layers += [nn.Linear(wide, dense), nn.SELU(), nn.Dropout(0.2)]
        wide = dense
    module = nn.Sequential(*layers, nn.Linear(wide, classes))
    keras_defaults(module)
    return module


def _places(input_shape: Shape, pools: Sequence[int]) -> int:
    """Positions that pools leave of an input. Raises EarmarkError when none is left."""
    height, width = input_shape
    for pool in pools:
        height, width = height // pool, width // pool
    if height * width == 0:
        least = math.prod(pools)
        raise EarmarkError(
            f"Inputs of {input_shape[0]} x {input_shape[1]} (frequency x time) are too small for "
            f"this network. Give it features of at least {least} x {least}."
        )
    return height * width


class CompactCnn(nn.Module):
    """3x3 convolutions with batch norm on log-mels, average pools, mean + max over time."""

    def __init__(self, bands: int, classes: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        # Each band gets its own scale: log-mel levels fall with frequency.
        self.band_norm = nn.BatchNorm1d(bands)
        channels = [1] + [width * 2**i for i in range(depth)]
        self.blocks = nn.Sequential(
            *(_double_conv(channels[i], channels[i + 1], pool=i < depth - 1) for i in range(depth))
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels[-1], classes))
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.band_norm(x)  # (batch, bands, frames)
        x = self.blocks(x.unsqueeze(1))  # (batch, channels, bands / 2^k, frames / 2^k)
        x = x.mean(dim=2)  # (batch, channels, frames / 2^k)
        return self.head(x.mean(dim=2) + x.max(dim=2).values)


def _double_conv(channels: int, wide: int, pool: bool) -> nn.Sequential:
    """Two 3x3 convolutions and, but for the last block, a 2x2 average pool."""
    layers: list[nn.Module] = []
    for before in (channels, wide):
        layers += [
            nn.Conv2d(before, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
        ]
    if pool:
        layers.append(nn.AvgPool2d(2))
    return nn.Sequential(*layers)


@network("cnn_logmel")
def cnn_logmel(
    input_shape: Shape, classes: int, width: int = 32, depth: int = 4, dropout: float = 0.2
) -> nn.Module:
    """A compact CNN for log-mel crops of any length (after PANNs' CNN10, Kong et al. 2020).

    ``width`` is the first block's channels, doubled in each of ``depth`` blocks.
    """
    return CompactCnn(input_shape[0], classes, width, depth, dropout)
