"""The structure of a network, read from the module itself: layers, settings, shapes, parameters.

Nothing is computed but shapes, on torch's meta device: a network of any size takes no memory.
Report, sections 3 and 5.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from earmark.networks.autoencoder import Autoencoder, Conv, ConvTransposed
from earmark.networks.build import build as build_network
from earmark.networks.build import parameter_count
from earmark.networks.layers import GlobalMax, Image
from earmark.runtime.errors import EarmarkError

AUTOENCODER = "autoencoder"


@dataclass(frozen=True)
class Layer:
    """One layer as it ran.

    ``part`` is the top-level part of the network it belongs to ("" where there are no parts);
    ``shape`` is the output's without the batch, as torch has it: (channels, frequency, time),
    (channels, time), (frequency, time) or (values,). ``trainable`` counts trained numbers,
    ``with_statistics`` those and batch norm's running statistics.
    """

    part: str
    name: str
    settings: str
    shape: tuple[int, ...]
    trainable: int
    with_statistics: int

    @property
    def shape_text(self) -> str:
        """The shape in the report's order: frequency x time x channels."""
        order = self.shape[1:] + self.shape[:1] if len(self.shape) == 3 else self.shape
        return " x ".join(map(str, order))


def build(
    network: str, options: Mapping[str, Any], input_shape: Sequence[int], classes: int
) -> nn.Module:
    """Return a network of the catalogue, or the autoencoder, without memory for its weights.

    Raises EarmarkError for an unknown name or option.
    """
    with torch.device("meta"):
        if network != AUTOENCODER:
            return build_network(network, input_shape, classes, **options)
        try:
            return Autoencoder(input_shape, **options)
        except TypeError as problem:
            raise EarmarkError(f"The autoencoder cannot be built: {problem}.") from problem


def layers_of(module: nn.Module, input_shape: Sequence[int]) -> list[Layer]:
    """Return the input and all layers of ``module`` (on the meta device) in the order they run.

    An output of another size than the last layer's comes last.
    """
    layers = [Layer("", "input", "", tuple(input_shape), 0, 0)]
    hooks = []

    def watch(part: str, layer: nn.Module) -> None:
        name, settings = described(layer)
        trainable = parameter_count(layer)
        everything = parameter_count(layer, trainable_only=False)

        def note(_: nn.Module, __: object, out: Tensor) -> None:
            layers.append(Layer(part, name, settings, tuple(out.shape[1:]), trainable, everything))

        hooks.append(layer.register_forward_hook(note))

    def walk(part: str, inner: nn.Module) -> None:
        children = list(inner.named_children())
        if not children or isinstance(inner, Conv | ConvTransposed):
            watch(part, inner)
        for name, child in children if not isinstance(inner, Conv | ConvTransposed) else ():
            # Parts have names; layers of a plain sequence have numbers.
            walk(part or ("" if name.isdigit() else name), child)

    walk("", module)
    try:
        with torch.no_grad(), torch.device("meta"):
            output = module.eval()(torch.zeros(1, *input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    # The padded autoencoder cuts its last layer's picture to the input's size.
    if output.numel() != math.prod(layers[-1].shape):
        layers.append(Layer("", "output", "", tuple(output.shape[1:]), 0, 0))
    return layers


def table_of(layers: Sequence[Layer], module: nn.Module) -> pd.DataFrame:
    """Return a row per layer (layer, settings, output, trainable, with_statistics) and a total.

    Shapes are frequency x time x channels. The total is that of ``module``.
    """
    rows = [
        (layer.name, layer.settings, layer.shape_text, layer.trainable, layer.with_statistics)
        for layer in layers
    ]
    trainable = parameter_count(module)
    everything = parameter_count(module, trainable_only=False)
    rows.append(("total", "", "", trainable, everything))
    columns = ["layer", "settings", "output", "trainable", "with_statistics"]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class Block:
    """A layer that computes, with the small layers that follow it: norms, activations, dropout.

    ``size`` is (frequency, time, channels) of the output.
    """

    part: str
    kind: str
    text: str
    shape_text: str
    size: tuple[int, int, int]
    trainable: int


# Layers that work value by value: drawn with the layer before.
FOLLOWERS = ("batch norm", "dropout", "channel axis")


def blocks_of(layers: Sequence[Layer]) -> list[Block]:
    """Join layers to blocks, without losing one; a part never begins inside a block."""
    groups: list[list[Layer]] = []
    for layer in layers:
        follows = layer.name in FOLLOWERS or layer.name in ACTIVATION_NAMES.values()
        if follows and groups and (groups[-1][0].part == layer.part or layer.name == FOLLOWERS[2]):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    one_dimensional = any(layer.name == "1-D convolution" for layer in layers)
    return [_block(group, one_dimensional) for group in groups]


def _block(group: Sequence[Layer], one_dimensional: bool) -> Block:
    first = group[0]
    words = [
        f"{layer.name} {layer.settings}".strip() for layer in group if layer.name != FOLLOWERS[2]
    ]
    shape = group[-1].shape
    if len(shape) == 3:
        size = (shape[1], shape[2], shape[0])
    elif len(shape) == 2:
        size = (1, shape[1], shape[0]) if one_dimensional else (shape[0], shape[1], 1)
    else:
        size = (1, 1, math.prod(shape))
    trainable = sum(layer.trainable for layer in group)
    return Block(first.part, first.name, ", ".join(words), group[-1].shape_text, size, trainable)


ACTIVATION_NAMES: dict[type[nn.Module], str] = {
    nn.ReLU: "ReLU",
    nn.LeakyReLU: "leaky ReLU",
    nn.SELU: "SELU",
    nn.ELU: "ELU",
    nn.GELU: "GELU",
    nn.SiLU: "SiLU",
}
POOL_NAMES: dict[type[nn.Module], str] = {
    nn.MaxPool1d: "max pool",
    nn.MaxPool2d: "max pool",
    nn.AvgPool1d: "average pool",
    nn.AvgPool2d: "average pool",
}


def described(layer: nn.Module) -> tuple[str, str]:
    """Return a layer's name and settings in words, for example ("max pool", "3 x 3")."""
    if isinstance(layer, Conv | ConvTransposed):
        name, settings = described(layer.conv)
        return name, settings + (", padded" if layer.padded else "")
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
        return _convolution(layer)
    if isinstance(layer, nn.Linear):
        return "dense", str(layer.out_features)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return "batch norm", ""
    if isinstance(layer, nn.Dropout | nn.Dropout1d | nn.Dropout2d):
        return "dropout", f"{layer.p:g}"
    if isinstance(layer, nn.Upsample):
        return "upsampling", f"x {layer.scale_factor:g}, {layer.mode}"
    if isinstance(layer, GlobalMax):
        return "global max pool", ""
    if isinstance(layer, Image):
        return "channel axis", ""
    for kind, name in POOL_NAMES.items():
        if isinstance(layer, kind):
            rounded = ", rounded up" if getattr(layer, "ceil_mode", False) else ""
            return name, _size(layer.kernel_size, 1 + kind.__name__.endswith("2d")) + rounded
    for kind, name in ACTIVATION_NAMES.items():
        if isinstance(layer, kind):
            slope = f"{layer.negative_slope:g}" if isinstance(layer, nn.LeakyReLU) else ""
            return name, slope
    return type(layer).__name__, layer.extra_repr()


def _convolution(layer: nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d) -> tuple[str, str]:
    axes = len(layer.kernel_size)
    channels = f"{layer.out_channels} channel" + "s" * (layer.out_channels > 1)
    words = [_size(layer.kernel_size, axes), channels]
    if set(layer.stride) != {1}:
        strides = sorted(set(layer.stride))
        stride = str(strides[0]) if len(strides) == 1 else _size(layer.stride, axes)
        words.append(f"stride {stride}")
    if layer.padding == "same":
        words.append("same size")
    elif any(layer.padding):
        words.append(f"padding {_size(layer.padding, axes)}")
    if isinstance(layer, nn.ConvTranspose2d):
        return "transposed convolution", ", ".join(words)
    return "convolution" if axes == 2 else "1-D convolution", ", ".join(words)


def _size(value: Any, axes: int) -> str:
    """Torch takes one number for all axes, or one for each: write each."""
    values = (value,) * axes if isinstance(value, int) else tuple(value)
    return " x ".join(map(str, values))
