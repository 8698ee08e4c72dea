"""The convolutional autoencoder of the report (section 3) and its latents.

At 513 x 439 every layer is the report's, without padding, down to 4 x 4 x 256 = 4096 latents and
back. Without padding those layers give back inputs of (64 i + 1) x (64 j + 55) only, from 321 x 247
on. For any other size the same layers are padded: strides and pools then halve exactly (rounding
up), upsampling doubles, and the surplus is cut off at the end. The weights' shapes are the same
either way.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from earmark.networks.initialisation import keras_defaults

Pair = tuple[int, int]

# (kernel, stride, channels, pool after it)
ENCODER: tuple[tuple[Pair, int, int, bool], ...] = (
    ((10, 4), 2, 16, False),
    ((10, 4), 1, 16, True),
    ((8, 4), 2, 32, False),
    ((8, 4), 1, 32, True),
    ((5, 4), 1, 64, False),
    ((5, 4), 1, 128, True),
    ((3, 3), 1, 256, True),
)
# (kernel, stride, channels, batch norm right after it, then upsamplings, each with batch norm)
DECODER: tuple[tuple[Pair, int, int, bool, int], ...] = (
    ((3, 3), 1, 128, False, 2),
    ((3, 2), 1, 64, True, 0),
    ((4, 3), 1, 32, False, 1),
    ((6, 2), 2, 32, True, 0),
    ((6, 2), 1, 16, False, 1),
    ((8, 3), 2, 16, True, 0),
)
LAST_KERNEL = (8, 3)


class Autoencoder(nn.Module):
    """Spectrograms (batch, frequency, time) in [0, 1] -> latents -> reconstructions.

    ``padded`` says whether the report's layers had to be padded for ``input_shape``.
    ``batch_norm_momentum`` is torch's (new statistic's share): 0.01 is Keras' 0.99.
    """

    def __init__(self, input_shape: Sequence[int], batch_norm_momentum: float = 0.01) -> None:
        super().__init__()
        height, width = self.input_shape = (input_shape[0], input_shape[1])
        fits = height >= 321 and height % 64 == 1 and width >= 247 and width % 64 == 55
        self.padded = not fits

        def batch_norm(channels: int) -> nn.BatchNorm2d:
            return nn.BatchNorm2d(channels, eps=1e-3, momentum=batch_norm_momentum)

        encoder: list[nn.Module] = []
        channels = 1
        for kernel, stride, out_channels, pool in ENCODER:
            conv = PaddedConv(channels, out_channels, kernel, stride, self.padded)
            encoder += [conv, nn.ReLU(), batch_norm(out_channels)]
            if pool:
                encoder.append(nn.MaxPool2d(2, ceil_mode=True))
            channels = out_channels
        decoder: list[nn.Module] = [nn.Dropout(0.2)]
        for kernel, stride, out_channels, norm, doublings in DECODER:
            transposed = PaddedConvTransposed(channels, out_channels, kernel, stride, self.padded)
            decoder += [transposed, nn.ReLU()]
            if norm:
                decoder.append(batch_norm(out_channels))
            for _ in range(doublings):
                decoder += [nn.Upsample(scale_factor=2, mode="nearest"), batch_norm(out_channels)]
            channels = out_channels
        decoder.append(PaddedConvTransposed(channels, 1, LAST_KERNEL, 1, self.padded))
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)
        keras_defaults(self)

    def encode(self, images: Tensor) -> Tensor:
        """(batch, frequency, time) -> latents (batch, d); d is 4096 for 513 x 439."""
        return self.encoder(images.unsqueeze(1)).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, frequency, time) -> reconstruction of the same shape, not limited to [0, 1]."""
        latents = self.encoder(images.unsqueeze(1))  # (batch, 256, 4, 4) for 513 x 439
        image = self.decoder(latents).squeeze(1)
        height, width = self.input_shape
        return image[:, :height, :width]


class PaddedConv(nn.Module):
    """Convolution, if ``padded`` so that the output has size / stride, rounded up."""

    def __init__(
        self, channels: int, out_channels: int, kernel: Pair, stride: int, padded: bool
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, kernel, stride)
        self.padded = padded

    def forward(self, x: Tensor) -> Tensor:
        if self.padded:
            pads: list[int] = []
            for axis in (3, 2):  # pad counts from the last axis
                size, kernel = x.shape[axis], self.conv.kernel_size[axis - 2]
                stride = self.conv.stride[axis - 2]
                total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
                pads += [total // 2, total - total // 2]
            x = nn.functional.pad(x, pads)
        return self.conv(x)


class PaddedConvTransposed(nn.Module):
    """Transposed convolution, if ``padded`` cropped to size * stride."""

    def __init__(
        self, channels: int, out_channels: int, kernel: Pair, stride: int, padded: bool
    ) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(channels, out_channels, kernel, stride)
        self.padded = padded

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.padded:
            top, left = ((y.shape[a] - x.shape[a] * self.conv.stride[0]) // 2 for a in (2, 3))
            height, width = (x.shape[a] * self.conv.stride[0] for a in (2, 3))
            y = y[:, :, top : top + height, left : left + width]
        return y
