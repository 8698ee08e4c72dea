"""The report's first networks: sizes and layers by hand, and the layers that prepare inputs."""

import numpy as np
import pytest
import torch
from test_networks import on_meta, parts_of, shapes_of
from torch import nn

from earmark.networks.build import build, parameter_count
from earmark.networks.cnn1d_raw import MinMaxScale
from earmark.networks.layers import Image, Standardise

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

SAMPLES, CEPSTRA, PICTURE = (1, 32000), (40, 173), (513, 439)


def test_published_parameter_counts():
    assert parameter_count(on_meta("cnn1d_raw", SAMPLES)) == 360_513
    assert parameter_count(on_meta("cnn2d_mfcc", CEPSTRA)) == 168_361


def test_parameter_counts_of_the_others_by_hand():
    first, further = 40 * 32 + 32, 40 * 32 * 32 + 32
    norms = 2 * (4 * 32 + 64)
    # 513 x 439 halved four times is 32 x 27.
    dense = 32 * 32 * 27 * 64 + 64 + 64 * 41 + 41
    expected = first + 3 * further + norms + dense
    assert parameter_count(on_meta("cnn2d_spectrogram", PICTURE)) == expected
    tall = 160 * 64 + 64 + 40 * 64 * 32 + 32 + 10 * 32 * 16 + 16
    # 513 x 439 pooled by 2, 3 and 3 is 28 x 24.
    tall += 16 * 28 * 24 * 256 + 256 + 256 * 128 + 128 + 128 * 64 + 64 + 64 * 64 + 64
    tall += 64 * 41 + 41
    assert parameter_count(on_meta("cnn2d_tall", PICTURE)) == tall


def test_layers_of_the_raw_network():
    module = on_meta("cnn1d_raw", SAMPLES)
    convolutions = shapes_of(module, SAMPLES, (nn.Conv1d,))
    expected = [(16, 31992), (16, 31984), (32, 1997), (32, 1995), (32, 496), (32, 494)]
    assert convolutions == [*expected, (256, 121), (256, 119)]
    assert shapes_of(on_meta("cnn1d_raw", SAMPLES), SAMPLES, (nn.Linear,)) == [
        (64,),
        (1028,),
        (41,),
    ]
    assert [part.p for part in parts_of(module, nn.Dropout)] == [0.1, 0.1, 0.1, 0.2]


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("cnn2d_mfcc", CEPSTRA, [(32, 20, 86), (32, 10, 43), (32, 5, 21), (32, 2, 10)]),
        (
            "cnn2d_spectrogram",
            PICTURE,
            [(32, 256, 219), (32, 128, 109), (32, 64, 54), (32, 32, 27)],
        ),
        ("cnn2d_tall", PICTURE, [(64, 256, 219), (32, 85, 73), (16, 28, 24)]),
    ],
)
def test_pools_of_the_pictures_networks(name, shape, expected):
    assert shapes_of(on_meta(name, shape).eval(), shape, (nn.MaxPool2d,)) == expected


def test_kernels_dropouts_and_order_of_the_pictures_networks():
    spectrogram = on_meta("cnn2d_spectrogram", PICTURE)
    assert {conv.kernel_size for conv in parts_of(spectrogram, nn.Conv2d)} == {(4, 10)}
    assert [part.p for part in parts_of(spectrogram, nn.Dropout)] == [0.5] * 5
    block = [nn.Conv2d, nn.Dropout, nn.BatchNorm2d, nn.SELU, nn.MaxPool2d]
    tail = [nn.Flatten, nn.Linear, nn.Dropout, nn.BatchNorm1d, nn.SELU, nn.Linear]
    assert [type(layer) for layer in spectrogram] == [Image, *block * 4, *tail]
    tall = on_meta("cnn2d_tall", PICTURE)
    kernels = [conv.kernel_size for conv in parts_of(tall, nn.Conv2d)]
    assert kernels == [(20, 8), (10, 4), (5, 2)]
    assert [part.out_features for part in parts_of(tall, nn.Linear)] == [256, 128, 64, 64, 41]
    assert {part.p for part in parts_of(tall, nn.Dropout)} == {0.2}
    norms = parts_of(on_meta("cnn2d_mfcc", CEPSTRA), nn.BatchNorm2d, nn.BatchNorm1d)
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


def test_full_range_stretches_each_clip_on_its_own():
    inputs = torch.tensor([[[0.1, 0.2, 0.3, 0.1]], [[-1.0, 1.0, 0.0, 0.5]], [[0.2] * 4]])
    found = MinMaxScale()(inputs)
    expected = [[[-0.5, 0, 0.5, -0.5]], [[-0.5, 0.5, 0, 0.25]], [[-0.5] * 4]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_standardise_learns_mean_and_deviation_at_each_position():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(50, 3, 4)) * [1, 5, 0.1, 0] + [0, 800, -3, 7]).astype(np.float32)
    layer = Standardise((3, 4))
    torch.testing.assert_close(layer(torch.from_numpy(values)), torch.from_numpy(values))
    assert not layer.is_fitted
    layer.fit(torch.from_numpy(part) for part in np.split(values, [7, 31]))
    assert layer.is_fitted
    exact = values.astype(np.float64)
    spread = exact.std(axis=0)
    spread[spread < 1e-6] = 1  # a position that never changes
    found = layer(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(found, (exact - exact.mean(axis=0)) / spread, atol=2e-3)


def test_statistics_travel_with_the_weights_and_are_not_trained():
    module = build("cnn2d_mfcc", (16, 16), 3)
    module[0].fit([torch.rand(8, 16, 16)])
    again = build("cnn2d_mfcc", (16, 16), 3)
    again.load_state_dict(module.state_dict())
    assert again[0].is_fitted
    inputs = torch.rand(2, 16, 16)
    assert torch.equal(again.eval()(inputs), module.eval()(inputs))
    assert "0.mean" not in dict(module.named_parameters())
