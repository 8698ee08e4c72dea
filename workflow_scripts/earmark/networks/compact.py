"""A compact CNN for log-mel crops, which the report did not have."""

from torch import Tensor, nn

from earmark.networks.layers import Shape


def cnn_logmel(
    input_shape: Shape, classes: int, width: int = 32, depth: int = 4, dropout: float = 0.2
) -> nn.Module:
    """A compact CNN for log-mel crops of any length (after PANNs' CNN10, Kong et al. 2020).

    ``width`` is the first block's channels, doubled in each of ``depth`` blocks.
    """
    return CompactCnn(input_shape[0], classes, width, depth, dropout)


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


def _double_conv(channels: int, out_channels: int, pool: bool) -> nn.Sequential:
    """Two 3x3 convolutions and, except in the last block, a 2x2 average pool."""
    layers: list[nn.Module] = []
    for in_channels in (channels, out_channels):
        layers += [
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
    if pool:
        layers.append(nn.AvgPool2d(2))
    return nn.Sequential(*layers)
