"""The report's first networks for cepstra and spectrograms (section 5), with Keras' defaults."""

from typing import Any

from torch import nn

from earmark.networks.initialisation import keras_defaults
from earmark.networks.layers import Image, Shape, Standardise


def cnn2d_mfcc(input_shape: Shape, classes: int, batch_norm_momentum: float = 0.01) -> nn.Module:
    """The report's network for 40 x 173 cepstral coefficients, standardised per position."""
    positions = (input_shape[0] // 16) * (input_shape[1] // 16)  # four pools of 2
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
        nn.Linear(32 * positions, 64),
        nn.BatchNorm1d(64, **norm),
        nn.ReLU(),
    ]
    module = nn.Sequential(*layers, nn.Linear(64, classes))
    keras_defaults(module)
    return module


def cnn2d_spectrogram(
    input_shape: Shape,
    classes: int,
    dropout_scale: float = 1.0,
    batch_norm_momentum: float = 0.01,
) -> nn.Module:
    """The report's first network for spectrograms; ``dropout_scale`` scales its dropout of 0.5."""
    positions = (input_shape[0] // 16) * (input_shape[1] // 16)  # four pools of 2
    rate = 0.5 * dropout_scale
    norm: dict[str, Any] = {"eps": 1e-3, "momentum": batch_norm_momentum}
    layers: list[nn.Module] = [Image()]
    channels = 1
    for _ in range(4):
        layers += [nn.Conv2d(channels, 32, (4, 10), padding="same"), nn.Dropout(rate)]
        layers += [nn.BatchNorm2d(32, **norm), nn.SELU(), nn.MaxPool2d(2)]
        channels = 32
    layers += [nn.Flatten(), nn.Linear(32 * positions, 64), nn.Dropout(rate)]
    module = nn.Sequential(*layers, nn.BatchNorm1d(64, **norm), nn.SELU(), nn.Linear(64, classes))
    keras_defaults(module)
    return module


def cnn2d_tall(input_shape: Shape, classes: int) -> nn.Module:
    """Kernels that are long in frequency: one reading of the report's "longer frequency window"."""
    layers: list[nn.Module] = [Image()]
    channels = 1
    blocks: list[tuple[Shape, int, nn.Module, int]] = [
        ((20, 8), 64, nn.LeakyReLU(0.05), 2),
        ((10, 4), 32, nn.SELU(), 3),
        ((5, 2), 16, nn.SELU(), 3),
    ]
    for kernel, out_channels, activation, pool in blocks:
        layers += [nn.Conv2d(channels, out_channels, kernel, padding="same"), activation]
        layers += [nn.MaxPool2d(pool), nn.Dropout(0.2)]
        channels = out_channels
    layers.append(nn.Flatten())
    size = channels * (input_shape[0] // 18) * (input_shape[1] // 18)  # pools of 2, 3 and 3
    for dense in (256, 128, 64, 64):
        layers += [nn.Linear(size, dense), nn.SELU(), nn.Dropout(0.2)]
        size = dense
    module = nn.Sequential(*layers, nn.Linear(size, classes))
    keras_defaults(module)
    return module
