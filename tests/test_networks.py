"""The classifiers' shapes, sizes and starting weights, against section 5 of the report."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from earmark.networks.build import build, parameter_count
from earmark.networks.layers import GlobalMaxPool, Image

# Torch says this of the report's even kernels; see the comment in layers.py.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

REPORT = (513, 439)
# Height and width before each block and after the last: pools of 3, rounded down, by hand.
SIZES = [(513, 439), (171, 146), (57, 48), (19, 16), (6, 5)]
KERNELS = [(20, 8), (10, 4), (5, 2), (3, 1)]
# name: convolutions per block, channels, dropout rates (the last before the last layer), dense
VGGS = {
    "vgg_fewer": (2, [32, 64, 128, 256], [0.30, 0.35, 0.35, 0.35, 0.5], 1024),
    "vgg_more": (3, [16, 32, 64, 128], [0.2, 0.2, 0.2, 0.2, 0.5], 4096),
}


def parts_of(module, *kinds):
    return [part for part in module.modules() if isinstance(part, kinds)]


def on_meta(name, shape=REPORT, classes=41, **options):
    with torch.device("meta"):
        return build(name, shape, classes, **options)


def shapes_of(module, shape, kinds):
    """Output shapes, without the batch, of the layers of ``kinds`` in the order they run."""
    found = []
    for part in parts_of(module, *kinds):
        part.register_forward_hook(lambda _, __, out: found.append(tuple(out.shape[1:])))
    with torch.device("meta"):
        module(torch.zeros(2, *shape))
    return found


@pytest.mark.parametrize("name", VGGS)
def test_output_shape_of_every_convolution_and_pool(name):
    count, channels, _, _ = VGGS[name]
    expected = []
    for block, wide in enumerate(channels):
        expected += [(wide, *SIZES[block])] * count + [(wide, *SIZES[block + 1])]
    found = shapes_of(on_meta(name), REPORT, (nn.Conv2d, nn.MaxPool2d))
    assert found == expected


@pytest.mark.parametrize("name", VGGS)
def test_dense_layers_of_the_vggs(name):
    _, channels, _, dense = VGGS[name]
    found = shapes_of(on_meta(name), REPORT, (nn.Linear,))
    assert found == [(dense,), (41,)]
    assert parts_of(on_meta(name), nn.Linear)[0].in_features == channels[-1]


@pytest.mark.parametrize(
    ("name", "everything", "trainable"),
    [("vgg_fewer", 1_265_385, 1_263_465), ("vgg_more", 1_112_121, 1_110_681)],
)
def test_parameter_counts_are_the_reports(name, everything, trainable):
    module = on_meta(name)
    assert parameter_count(module) == trainable
    assert parameter_count(module, trainable_only=False) == everything


@pytest.mark.parametrize("name", VGGS)
def test_parameter_counts_by_hand(name):
    count, channels, _, dense = VGGS[name]
    weights, before = 0, 1
    for (high, wide), channel in zip(KERNELS, channels, strict=True):
        for _ in range(count):
            weights += high * wide * before * channel + channel + 2 * channel
            before = channel
    weights += before * dense + dense + dense * 41 + 41
    assert parameter_count(on_meta(name)) == weights


def test_frozen_weights_are_not_counted_as_trainable():
    module = on_meta("vgg_fewer")
    before = parameter_count(module)
    parts_of(module, nn.Linear)[-1].weight.requires_grad_(False)
    assert parameter_count(module) == before - 1024 * 41


@pytest.mark.parametrize("name", VGGS)
def test_order_of_the_layers(name):
    count = VGGS[name][0]
    block = [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * count + [nn.MaxPool2d, nn.Dropout]
    tail = [GlobalMaxPool, nn.Linear, nn.SELU, nn.Dropout, nn.Linear]
    found = [type(layer) for layer in on_meta(name)]
    assert found == [Image, *block * 4, *tail]


@pytest.mark.parametrize("name", VGGS)
def test_settings_of_the_layers(name):
    count, _, dropouts, _ = VGGS[name]
    module = on_meta(name)
    kernels = [kernel for kernel in KERNELS for _ in range(count)]
    assert [conv.kernel_size for conv in parts_of(module, nn.Conv2d)] == kernels
    assert [part.p for part in parts_of(module, nn.Dropout)] == dropouts
    assert {part.negative_slope for part in parts_of(module, nn.LeakyReLU)} == {0.05}
    # Keras' momentum 0.99 keeps 0.99 of the old statistic; torch names the new one's share.
    norms = {(norm.eps, norm.momentum) for norm in parts_of(module, nn.BatchNorm2d)}
    assert norms == {(1e-3, 0.01)}


@pytest.mark.parametrize("name", VGGS)
def test_batch_norm_momentum_is_an_option(name):
    module = on_meta(name, batch_norm_momentum=0.1)
    assert {norm.momentum for norm in parts_of(module, nn.BatchNorm2d)} == {0.1}


@pytest.mark.parametrize("name", VGGS)
def test_weights_start_glorot_uniform_and_biases_at_zero(name):
    torch.manual_seed(0)
    module = build(name, (20, 20), 41)
    for part in parts_of(module, nn.Conv2d, nn.Linear):
        assert (part.bias == 0).all()
        weight = part.weight.detach()
        field = math.prod(weight.shape[2:])
        limit = math.sqrt(6 / (field * (weight.shape[0] + weight.shape[1])))
        assert weight.abs().max() <= limit
        assert weight.abs().max() > 0.98 * limit
        assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.03)
        assert abs(weight.mean().item()) < 0.05 * limit


def test_same_padding_has_its_odd_row_at_the_end_as_in_keras():
    # Keras pads kernel - 1 rows in all, half of them, rounded down, before the first.
    torch.manual_seed(0)
    conv = parts_of(build("vgg_fewer", (30, 20), 3), nn.Conv2d)[0]
    image = np.random.default_rng(1).normal(size=(30, 20))
    padded = np.pad(image, ((9, 10), (3, 4)))
    expected = correlate2d(padded, conv.weight[5, 0].detach().double().numpy(), mode="valid")
    with torch.no_grad():
        found = conv(torch.from_numpy(image).float()[None, None])[0, 5]
    assert found.shape == (30, 20)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", VGGS)
@pytest.mark.parametrize("shape", [(64, 56), (20, 20), (3, 3), (2, 7), (2, 1)])
def test_small_inputs_still_give_one_row_a_clip(name, shape):
    torch.manual_seed(0)
    module = build(name, shape, 7)
    inputs = torch.rand(3, *shape)
    for mode in (True, False):
        found = module.train(mode)(inputs)
        assert found.shape == (3, 7)
        assert found.isfinite().all()
    assert found.std(dim=0).max() > 0  # different clips, different rows


def test_only_the_pools_shrink_with_a_small_input():
    found = shapes_of(on_meta("vgg_fewer", (64, 56)), (64, 56), (nn.MaxPool2d,))
    assert found == [(32, 21, 18), (64, 7, 6), (128, 2, 2), (256, 1, 1)]


@pytest.mark.parametrize("frames", [8, 9, 50, 128, 777])
def test_cnn_logmel_takes_crops_of_different_length(frames):
    torch.manual_seed(0)
    module = build("cnn_logmel", (64, 128), 10, width=4)
    for mode in (True, False):
        found = module.train(mode)(torch.rand(2, 64, frames))
        assert found.shape == (2, 10)
        assert found.isfinite().all()


def test_cnn_logmel_parameter_count_by_hand():
    channels = [1, 32, 64, 128, 256]
    weights = 2 * 64  # a scale and a shift for each band
    for before, wide in itertools.pairwise(channels):
        weights += 9 * (before * wide + wide * wide) + 2 * 2 * wide
    weights += 256 * 41 + 41
    assert parameter_count(on_meta("cnn_logmel", (64, 128))) == weights


def test_cnn_logmel_options():
    module = on_meta("cnn_logmel", (64, 128), width=8, depth=3, dropout=0.4)
    wide = [conv.out_channels for conv in parts_of(module, nn.Conv2d)]
    assert wide == [8, 8, 16, 16, 32, 32]
    assert [part.p for part in parts_of(module, nn.Dropout)] == [0.4]
    found = shapes_of(module, (64, 100), (nn.AvgPool2d,))
    assert found == [(8, 32, 50), (16, 16, 25)]


def test_cnn_logmel_ends_with_mean_over_bands_then_mean_plus_maximum_over_time():
    torch.manual_seed(0)
    module = build("cnn_logmel", (16, 32), 5, width=4, depth=2).eval()
    image = torch.rand(2, 16, 32)
    with torch.no_grad():
        last = module.blocks(module.band_norm(image).unsqueeze(1)).numpy().mean(axis=2)
        summed = last.mean(axis=2) + last.max(axis=2)
        head = module.head[1]
        expected = summed @ head.weight.numpy().T + head.bias.numpy()
        np.testing.assert_allclose(module(image), expected, rtol=1e-4, atol=1e-5)


def test_different_crops_of_a_batch_do_not_mix_in_evaluation():
    torch.manual_seed(0)
    for name in ("vgg_fewer", "cnn_logmel"):
        module = build(name, (20, 24), 3).eval()
        inputs = torch.rand(3, 20, 24)
        with torch.no_grad():
            together, alone = module(inputs), module(inputs[1:2])
        torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)
