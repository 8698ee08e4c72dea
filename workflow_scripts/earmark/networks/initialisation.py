"""Initial weights."""

from torch import nn


def keras_defaults(module: nn.Module) -> None:
    """Initialise as Keras does: Glorot-uniform weights, zero biases."""
    for part in module.modules():
        if isinstance(part, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
