"""Resizing with few weights against torch's own, and by hand."""

import numpy as np
import pytest
import torch

from earmark.features import resizing


@pytest.mark.parametrize("found", [1, 2, 3, 56, 100, 438, 439, 440, 900, 5000])
@pytest.mark.parametrize("wanted", [1, 5, 56, 439])
def test_as_torch_does_it(found: int, wanted: int) -> None:
    values = np.random.default_rng(found).normal(-40, 20, (found, 7)).astype(np.float32)
    image = torch.from_numpy(values)[None, None]
    reference = torch.nn.functional.interpolate(
        image.double(), size=(wanted, 7), mode="bicubic", antialias=True
    )[0, 0].numpy()
    assert np.abs(resizing.resize_rows(values, wanted) - reference).max() < 1e-4


def test_weights_by_hand() -> None:
    # Two values become four: the centres lie at -1/4, 1/4, 3/4 and 5/4 of a step.
    found = resizing.weights(2, 4).toarray()
    near, far = 1 - 2.5 / 16 + 1.5 / 64, 1 - 2.5 * 9 / 16 + 1.5 * 27 / 64
    beyond = -0.5 * ((1.25 - 5) * 1.25 + 8) * 1.25 + 2
    outside = np.array([near, beyond]) / (near + beyond)
    inside = np.array([near, far]) / (near + far)
    wanted = [outside, inside, inside[::-1], outside[::-1]]
    assert np.allclose(found, wanted, atol=1e-6)


def test_the_same_size_is_left_as_it_is_and_constants_stay() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert resizing.resize_rows(values, 20) is values
    for wanted in (3, 50):
        constant = resizing.resize_rows(np.full((20, 3), -7.0, np.float32), wanted)
        assert np.allclose(constant, -7.0, atol=1e-5)
        assert constant.dtype == np.float32


def test_weights_are_few() -> None:
    assert resizing.weights(300, 439).nnz <= 5 * 439
    assert resizing.weights(3000, 439).nnz <= 5 * 3000
