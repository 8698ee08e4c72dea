"""The structure of a network, read from the module itself: layers, settings, shapes, parameters.

Nothing is computed but shapes, on torch's meta device: a network of any size takes no memory.
Report, sections 3 and 5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from earmark.networks.autoencoder import Autoencoder
from earmark.networks.build import build as build_network
from earmark.networks.build import parameter_count
from earmark.reporting import figures

COLUMNS = ("layer", "settings", "output", "parameters")
TOTAL = "total"


def build(
    network: str, options: Mapping[str, Any], input_shape: Sequence[int], classes: int
) -> nn.Module:
    """Return a network of the catalogue, or the autoencoder, without memory for its weights."""
    with torch.device("meta"):
        if network == "autoencoder":
            return Autoencoder(input_shape, **options)
        return build_network(network, input_shape, classes, **options)


def layers_of(module: nn.Module, input_shape: Sequence[int]) -> pd.DataFrame:
    """Return a row per layer of ``module`` (on the meta device), in the order they run.

    Layers and settings are named as torch prints them, outputs are channels x frequency x time.
    The last row is the total: the output of ``module``, and all of its trainable parameters.
    """
    rows = []

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        name = TOTAL if layer is module else type(layer).__name__
        shape = " x ".join(map(str, output.shape[1:]))
        settings = "" if layer is module else layer.extra_repr()
        rows.append((name, settings, shape, parameter_count(layer)))

    layers = [layer for layer in module.modules() if layer is module or not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad(), torch.device("meta"):
        module.eval()(torch.zeros(1, *input_shape))
    for hook in hooks:
        hook.remove()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def draw(layers: pd.DataFrame, title: str) -> Figure:
    """Draw rows of ``layers_of``, the first on top, with bars for their numbers of parameters."""
    layers = layers[layers["layer"] != TOTAL]
    figure = Figure(figsize=(13, 1.5 + 0.24 * len(layers)), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots()
    rows = np.arange(len(layers))
    bars = axes.barh(rows, layers["parameters"], color=figures.BLUE)
    counts = [f"{count:,}" if count else "" for count in layers["parameters"]]
    axes.bar_label(bars, labels=counts, padding=3, fontsize=8)
    names = layers["layer"] + " (" + layers["settings"] + ")"
    axes.set_yticks(rows, names.str.removesuffix(" ()"), fontsize=8)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(1, 10 * max(1, layers["parameters"].max()))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("trainable parameters")
    shapes = axes.secondary_yaxis("right")
    shapes.set_yticks(rows, layers["output"], fontsize=8)
    shapes.set_ylabel("output: channels x frequency x time")
    for side in (axes, shapes):
        side.tick_params(axis="y", length=0)
    return figure
