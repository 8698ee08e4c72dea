"""A feature file in a GPU's memory: if all of it fits, no training step waits for the disk.

Stored numbers stay bytes there, as in the file: 18,900 spectrograms of 513 x 439 take 4.3 GB.
"""

import logging

import numpy as np
import torch

from earmark.features.store import FeatureStore
from earmark.inference.tensor_store import TensorStore

log = logging.getLogger("earmark")

# Largest share of the free memory; the rest is for the network.
MOST_OF_FREE = 0.4
# Bytes that are read from the file at a time.
READ_BYTES = 1 << 26


class GpuFeatureStore(TensorStore):
    """The content of a ``FeatureStore`` on a device."""

    def __init__(self, store: FeatureStore, device: torch.device) -> None:
        offsets = np.zeros(1, np.int64) if store.fixed else store.offsets()
        count = len(store) if store.fixed else int(offsets[-1])
        row = store.shape if store.fixed else (store.shape[0],)
        dtype = torch.from_numpy(np.zeros(0, store.dtype)).dtype
        values = torch.empty((count, *row), dtype=dtype, device=device)
        step = max(1, READ_BYTES * count // max(1, store.bytes()))
        for begin in range(0, count, step):
            part = torch.from_numpy(store.stored(begin, min(begin + step, count)))
            values[begin : begin + len(part)] = part.to(device)
        super().__init__(values, offsets, store.fixed, store.unit, store.padding)


def on_gpu_if_it_fits(store: FeatureStore, device: torch.device) -> FeatureStore | GpuFeatureStore:
    """The store itself, or a copy on the GPU ``device`` where its memory has room for it."""
    if device.type != "cuda":
        return store
    free = torch.cuda.mem_get_info(device)[0]
    fits = store.bytes() <= MOST_OF_FREE * free
    log.info(
        "The features (%.1f GB) %s: the GPU has %.1f GB free.",
        store.bytes() / 1e9,
        "go into the GPU's memory" if fits else "are read from disk",
        free / 1e9,
    )
    return GpuFeatureStore(store, device) if fits else store
