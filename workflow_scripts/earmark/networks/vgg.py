"""The report's VGGs (section 5): blocks of convolutions with kernels that are long in frequency.

They have Keras' defaults: Glorot-uniform weights, zero biases, batch norm with momentum 0.99 and
epsilon 1e-3.

``kernel_scale`` shrinks kernels, but not below 3, for spectrograms of lower resolution;
``dropout_scale`` scales all dropout rates; ``batch_norm_momentum`` is torch's (new statistic's
share): 0.01 is Keras' 0.99. The defaults are the report's networks.
"""

from collections.abc import Sequence

from torch import nn

from earmark.networks.initialisation import keras_defaults
from earmark.networks.layers import GlobalMaxPool, Image, Shape


def vgg_fewer(
    input_shape: Shape,
    classes: int,
    kernel_scale: float = 1.0,
    dropout_scale: float = 1.0,
    batch_norm_momentum: float = 0.01,
) -> nn.Module:
    """The report's best single network: four blocks of two convolutions."""
    blocks = [
        (2, (20, 8), 32, 0.30),
        (2, (10, 4), 64, 0.35),
        (2, (5, 2), 128, 0.35),
        (2, (3, 1), 256, 0.35),
    ]
    scales = kernel_scale, dropout_scale, batch_norm_momentum
    return _vgg(input_shape, classes, blocks, 1024, *scales)


def vgg_more(
    input_shape: Shape,
    classes: int,
    kernel_scale: float = 1.0,
    dropout_scale: float = 1.0,
    batch_norm_momentum: float = 0.01,
) -> nn.Module:
    """Four blocks of three convolutions: more layers, yet fewer weights than vgg_fewer."""
    blocks = [
        (3, (20, 8), 16, 0.2),
        (3, (10, 4), 32, 0.2),
        (3, (5, 2), 64, 0.2),
        (3, (3, 1), 128, 0.2),
    ]
    scales = kernel_scale, dropout_scale, batch_norm_momentum
    return _vgg(input_shape, classes, blocks, 4096, *scales)


def _vgg(
    input_shape: Shape,
    classes: int,
    blocks: Sequence[tuple[int, tuple[int, int], int, float]],
    dense: int,
    kernel_scale: float,
    dropout_scale: float,
    batch_norm_momentum: float,
) -> nn.Module:
    """Blocks of (convolutions, kernel, channels, dropout), global max pool, one dense layer."""
    height, width = input_shape
    layers: list[nn.Module] = [Image()]
    channels = 1
    for count, full_kernel, out_channels, dropout in blocks:
        tall, long = (max(min(size, 3), round(size * kernel_scale)) for size in full_kernel)
        kernel = (tall, long)
        for _ in range(count):
            layers += [
                nn.Conv2d(channels, out_channels, kernel, padding="same"),
                nn.BatchNorm2d(out_channels, eps=1e-3, momentum=batch_norm_momentum),
                nn.LeakyReLU(0.05),
            ]
            channels = out_channels
        # A small input may have fewer than 3 rows left: then the pool covers all of them.
        pool = (min(3, height), min(3, width))
        layers += [nn.MaxPool2d(pool), nn.Dropout(dropout * dropout_scale)]
        height, width = height // pool[0], width // pool[1]
    layers += [
        GlobalMaxPool(),
        nn.Linear(channels, dense),
        nn.SELU(),
        nn.Dropout(0.5 * dropout_scale),
        nn.Linear(dense, classes),
    ]
    module = nn.Sequential(*layers)
    keras_defaults(module)
    return module
