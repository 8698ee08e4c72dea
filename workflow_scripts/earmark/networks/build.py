"""Build a network by its name: ``build("vgg_fewer", (513, 439), 41)`` returns a torch module.

Inputs are (batch, frequency, time) floats as the feature gives them, which is in [0, 1] for
spectrograms and (batch, 1, samples) in [-1, 1] for samples; outputs are logits (batch, classes).
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import nn

from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError


def build(name: str, input_shape: Sequence[int], classes: int, **options: Any) -> nn.Module:
    """Return the network ``name`` for inputs of ``input_shape`` (frequency, time).

    Raises EarmarkError for an unknown name or option, a value that an option cannot have, and
    inputs that are too small or of another kind; and where a user's own network fails.
    """
    if own_parts.is_own(name):
        with own_parts.explained(name):
            return _own(name, input_shape, classes, options)
    # By name and not by statement: what is imported so is no part of a script's code hash. The
    # hash of the network's own module is another parameter of its rules.
    catalogue = import_module("earmark.networks.catalogue")
    for mistake in catalogue.mistakes(name, options, input_shape):
        raise EarmarkError(mistake[0].upper() + mistake[1:])
    family = import_module(catalogue.module_of(name))
    height, width = input_shape
    return getattr(family, name)((height, width), classes, **options)


def _own(
    name: str, input_shape: Sequence[int], classes: int, options: Mapping[str, Any]
) -> nn.Module:
    """A network of a user's own file, tried on two inputs of zeros."""
    height, width = input_shape
    module = own_parts.load(name)((height, width), classes, **options)
    if not isinstance(module, nn.Module):
        raise TypeError(f"it gives {type(module).__name__}, not a torch.nn.Module.")
    with torch.no_grad():
        logits = module.eval()(torch.zeros(2, height, width))
    if logits.shape != (2, classes):
        raise ValueError(
            f"for inputs of the shape {(2, height, width)} its outputs have the shape "
            f"{tuple(logits.shape)}, not {(2, classes)}."
        )
    return module.train()


def parameter_count(module: nn.Module, trainable_only: bool = True) -> int:
    """Number of trained numbers; with ``trainable_only=False`` batch-norm statistics count too."""
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    if trainable_only:
        return trained
    statistics = (b for name, b in module.named_buffers() if "running_" in name)
    return trained + sum(b.numel() for b in statistics)
