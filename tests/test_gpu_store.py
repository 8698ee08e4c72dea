"""Features kept in a device's memory give what the file gives (here on the processor)."""

import numpy as np
import pytest
import torch

from earmark.features import store
from earmark.features.store import FeatureStore
from earmark.inference import gpu_store
from earmark.inference.batches import (
    Augmentation,
    Crops,
    Examples,
    prediction_batches,
    training_batches,
)
from earmark.inference.gpu_store import GpuFeatureStore

CPU = torch.device("cpu")
NAMES = [f"{number}.wav" for number in range(23)]


@pytest.fixture(params=["fixed", "bytes", "halves", "samples"])
def features(tmp_path, request):
    rng = np.random.default_rng(0)
    kind = {"halves": np.float16, "samples": np.int16}.get(request.param, np.uint8)
    fixed = request.param == "fixed"
    shapes = [(6, 9) if fixed else (1 + 7 * number % 40, 6) for number in range(len(NAMES))]
    rows = [rng.integers(0, 200, shape).astype(kind) for shape in shapes]
    path = tmp_path / "features.h5"
    store.write_features(path, NAMES, rows, (6, 9 if fixed else 0), fixed, kind, settings={})
    with FeatureStore(path) as opened:
        yield opened


@pytest.fixture
def copied(features, monkeypatch):
    monkeypatch.setattr(gpu_store, "READ_BYTES", 300)
    return GpuFeatureStore(features, CPU)


def test_rows_and_crops_are_those_of_the_file(features, copied):
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(NAMES), 200)
    if features.fixed:
        np.testing.assert_array_equal(copied.images(rows).numpy(), features.images(rows))
        return
    np.testing.assert_array_equal(copied.lengths(rows), features.lengths(rows))
    starts = rng.integers(-12, 45, 200)
    found = copied.crops(rows, starts, 12).numpy()
    np.testing.assert_array_equal(found, features.crops(rows, starts, 12))
    assert found.dtype == features.dtype


def test_batches_are_the_same(features, copied):
    examples = Examples(
        np.arange(23), np.arange(23) % 4, np.linspace(0.1, 1, 23).astype(np.float32), NAMES
    )
    settings = (examples, 4, 5, 12, Augmentation(0.4, 2, 3), CPU, 7)
    pairs = zip(
        training_batches(features, *settings), training_batches(copied, *settings), strict=True
    )
    for one, other in pairs:
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
        assert one.clips == other.clips
    rows = np.arange(22, -1, -1)
    several = (
        prediction_batches(source, rows, Crops(12, 3, 6), CPU) for source in (features, copied)
    )
    for (places, one), (same, other) in zip(*several, strict=True):
        np.testing.assert_array_equal(places, same)
        assert torch.equal(one, other)


def test_on_the_processor_the_file_is_read_as_before(features):
    assert gpu_store.on_gpu_if_it_fits(features, CPU) is features


@pytest.mark.parametrize(("free", "kept"), [(10**9, True), (100, False)])
def test_a_gpu_gets_what_fits(features, monkeypatch, free, kept):
    copied = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    monkeypatch.setattr(gpu_store, "GpuFeatureStore", lambda *given: copied.append(given) or "copy")
    found = gpu_store.on_gpu_if_it_fits(features, torch.device("cuda", 0))
    assert (found == "copy") == kept == bool(copied)
