"""Models on disk: weights as safetensors, and beside them the facts needed to use them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import nn

from earmark.errors import EarmarkError
from earmark.tables import whole_file


def save(weights: str | Path, facts: str | Path, module: nn.Module, **described: Any) -> None:
    """Write weights (safetensors) and what is needed to use them (JSON)."""
    with whole_file(weights) as temporary:
        tensors = {
            name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()
        }
        # Written by us: safetensors' own files can be read by their owner alone.
        temporary.write_bytes(save_tensors(tensors))
    versions = {"torch": str(torch.__version__), "numpy": np.__version__}
    with whole_file(facts) as temporary:
        text = json.dumps({**described, "versions": versions}, indent=2, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def load(module: nn.Module, weights: str | Path) -> None:
    """Put saved weights into ``module``. Raises EarmarkError when they do not fit."""
    try:
        module.load_state_dict(load_file(weights))
    except (OSError, RuntimeError, SafetensorError) as problem:
        raise EarmarkError(
            f"The weights {weights} do not fit the network that the config describes ({problem}). "
            f"Delete them; the next run trains anew."
        ) from problem
