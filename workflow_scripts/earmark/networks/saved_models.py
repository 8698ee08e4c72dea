"""Models on disk: weights as safetensors, and beside them the metadata needed to use them."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file


def save(weights: str | Path, metadata: str | Path, module: nn.Module, **described: Any) -> None:
    """Write weights (safetensors) and what is needed to use them (JSON)."""
    tensors = {
        # Copies, as the format takes no tensors that share memory, such as tied weights.
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in module.state_dict().items()
    }
    # The format has no checksum of its own.
    checksum = _checksum(save_tensors(tensors))
    with atomic_file(weights) as temporary:
        # Not by safetensors' save_file: its files are readable by their owner only.
        temporary.write_bytes(save_tensors(tensors, metadata={"crc32": checksum}))
    versions = {"torch": str(torch.__version__), "numpy": np.__version__}
    with atomic_file(metadata) as temporary:
        text = json.dumps({**described, "versions": versions}, indent=2, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def load(module: nn.Module, weights: str | Path) -> None:
    """Put saved weights into ``module``. Raises EarmarkError when they do not fit."""
    try:
        content = Path(weights).read_bytes()
        header = json.loads(content[8 : _begin_of_tensors(content)])
        # Files of other programs have none.
        if header.get("__metadata__", {}).get("crc32", _checksum(content)) != _checksum(content):
            raise ValueError("the checksum is wrong")
        module.load_state_dict(load_tensors(content))
    except (OSError, RuntimeError, ValueError, SafetensorError) as problem:
        reason = " ".join(str(problem).split())
        raise EarmarkError(
            f"The weights {weights} are damaged or do not fit the network that the config "
            f"describes ({reason}). Delete them; the next run trains the network again."
        ) from problem


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(memoryview(content)[_begin_of_tensors(content) :]):08x}"


def _begin_of_tensors(content: bytes) -> int:
    """The format: eight bytes with the header's length, the header (JSON), the tensors."""
    return 8 + int.from_bytes(content[:8], "little")


def read_metadata(path: str | Path, required: Mapping[str, type]) -> dict[str, Any]:
    """Return a model's metadata (JSON), which must have the ``required`` entries, of these types.

    Raises EarmarkError when it has not, or when the file cannot be read.
    """
    try:
        metadata = json.loads(Path(path).read_text(encoding="utf-8"))
        for name, kind in required.items():
            if not isinstance(metadata[name], kind):
                raise ValueError(f"{name} is not a {kind.__name__}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise damaged_metadata(path, problem) from problem
    return metadata


def damaged_metadata(path: str | Path, problem: Exception) -> EarmarkError:
    """The error, to be raised, for metadata that caused ``problem``."""
    return EarmarkError(
        f"The metadata {path} of a model is damaged ({type(problem).__name__}: {problem}). "
        f"Delete them and the weights beside them; the next run trains the network again."
    )
