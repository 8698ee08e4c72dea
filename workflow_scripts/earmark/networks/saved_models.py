"""Models on disk: weights as safetensors, and beside them the facts needed to use them."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import whole_file

CHECKSUM = "crc32"


def save(weights: str | Path, facts: str | Path, module: nn.Module, **described: Any) -> None:
    """Write weights (safetensors) and what is needed to use them (JSON)."""
    with whole_file(weights) as temporary:
        tensors = {
            name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()
        }
        # Written by us: safetensors' own files can be read by their owner alone.
        temporary.write_bytes(_with_checksum(tensors))
    versions = {"torch": str(torch.__version__), "numpy": np.__version__}
    with whole_file(facts) as temporary:
        text = json.dumps({**described, "versions": versions}, indent=2, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def load(module: nn.Module, weights: str | Path) -> None:
    """Put saved weights into ``module``. Raises EarmarkError when they do not fit."""
    try:
        content = Path(weights).read_bytes()
        _check(content)
        module.load_state_dict(load_tensors(content))
    except (OSError, RuntimeError, ValueError, SafetensorError) as problem:
        reason = " ".join(str(problem).split())
        raise EarmarkError(
            f"The weights {weights} are damaged or do not fit the network that the config "
            f"describes ({reason}). Delete them; the next run trains anew."
        ) from problem


def _with_checksum(tensors: dict[str, Tensor]) -> bytes:
    """The tensors as safetensors, which have no checksum of their own."""
    checksum = _checksum(save_tensors(tensors))
    return save_tensors(tensors, metadata={CHECKSUM: checksum})


def _check(content: bytes) -> None:
    """Raise ValueError when the bytes are not those that were written. Foreign files pass."""
    begin = _begin_of_tensors(content)
    told = json.loads(content[8:begin]).get("__metadata__", {})
    if told.get(CHECKSUM, _checksum(content)) != _checksum(content):
        raise ValueError("the checksum is wrong")


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(memoryview(content)[_begin_of_tensors(content) :]):08x}"


def _begin_of_tensors(content: bytes) -> int:
    """The format: eight bytes with the header's length, the header (JSON), the tensors."""
    return 8 + int.from_bytes(content[:8], "little")
