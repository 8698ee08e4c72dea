"""The report's network for samples (section 5), with Keras' defaults."""

from torch import Tensor, nn

from earmark.networks.initialisation import keras_defaults
from earmark.networks.layers import GlobalMaxPool, Shape


class MinMaxScale(nn.Module):
    """Scales each clip (batch, 1, samples) to [-0.5, 0.5]; a constant one becomes -0.5."""

    def forward(self, x: Tensor) -> Tensor:
        low, high = x.amin(dim=2, keepdim=True), x.amax(dim=2, keepdim=True)
        return (x - low) / (high - low).clamp_min(1e-6) - 0.5


def cnn1d_raw(input_shape: Shape, classes: int) -> nn.Module:
    """The report's network for two seconds of samples at 16 kHz, without padding."""
    layers: list[nn.Module] = [MinMaxScale()]
    channels = 1
    blocks = [(16, 9, 16, 0.1), (32, 3, 4, 0.1), (32, 3, 4, 0.1), (256, 3, 0, 0.2)]
    for out_channels, kernel, pool, dropout in blocks:
        for _ in range(2):
            layers += [nn.Conv1d(channels, out_channels, kernel), nn.ReLU()]
            channels = out_channels
        layers += [nn.MaxPool1d(pool) if pool else GlobalMaxPool(), nn.Dropout(dropout)]
    layers += [nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, 1028), nn.ReLU()]
    module = nn.Sequential(*layers, nn.Linear(1028, classes))
    keras_defaults(module)
    return module
