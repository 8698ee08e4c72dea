"""What a network costs: its parameters, and multiply-adds for one input."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from earmark.networks.build import build, parameter_count


def cost_of(model: Mapping[str, Any]) -> dict[str, int]:
    """``multiply_adds`` of one input and trainable ``parameters`` of a model, from its metadata.

    Counted are those of convolutions and matrix products, on torch's meta device: nothing is
    computed.
    """
    shape, classes = model["input_shape"], len(model["classes"])
    with torch.device("meta"):
        module = build(model["network"], shape, classes, **model["network_options"]).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, *shape))
    # Two operations each.
    return {
        "multiply_adds": counter.get_total_flops() // 2,
        "parameters": parameter_count(module),
    }
