"""Activation maximisation, against filters whose best input is known."""

import pytest
import torch
from torch import nn

from earmark.networks.build import build
from earmark.networks.layers import Image
from earmark.report2018 import activation
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


def unit(weights):
    return weights / weights.flatten(1).norm(dim=1)[:, None, None]


def conv_of(weights, **options):
    conv = nn.Conv2d(1, len(weights), weights.shape[1:], **options)
    with torch.no_grad():
        conv.weight.copy_(weights[:, None])
    return conv


@pytest.mark.parametrize("options", [{}, {"padding": "same"}], ids=["valid", "same"])
@pytest.mark.parametrize("shape", [(5, 3), (20, 8), (4, 4), (3, 1), (1, 1)])
def test_best_input_of_a_linear_filter_is_the_filter(options, shape):
    weights = torch.randn(6, *shape, generator=torch.Generator().manual_seed(3))
    found = activation.preferred_inputs(nn.Sequential(conv_of(weights, **options)), seed=1)
    torch.testing.assert_close(found, unit(weights), atol=1e-4, rtol=0)


def test_batch_norm_with_a_negative_scale_turns_the_sign():
    weights = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(4))
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, -0.5, 1.0]))
        norm.running_mean.copy_(torch.tensor([5.0, -5.0, 0.0]))
    layers = nn.Sequential(conv_of(weights), norm).eval()
    expected = unit(weights) * torch.tensor([1.0, -1.0, 1.0])[:, None, None]
    torch.testing.assert_close(
        activation.preferred_inputs(layers, seed=1), expected, atol=1e-4, rtol=0
    )


def test_filter_of_zeros_prefers_nothing():
    weights = torch.stack([torch.zeros(3, 3), torch.ones(3, 3)])
    found = activation.preferred_inputs(nn.Sequential(conv_of(weights)), seed=1)
    assert found[0].norm() == pytest.approx(activation.NOISE_NORM, rel=1e-4)
    assert found[1].norm() == pytest.approx(1.0, rel=1e-4)


def test_maximum_inside_the_ball_is_found_too(monkeypatch):
    monkeypatch.setattr(activation, "STEP_LENGTH", 0.01)
    # -|x - c|^2 has its maximum at c, whose norm is below 1: steps of a fixed length end near it.
    centre = torch.tensor([[[0.3, -0.2]], [[0.0, 0.5]]])
    found = activation.maximise(lambda x: -(x - centre).square().sum(dim=(1, 2)), 2, (1, 2), seed=0)
    assert (found - centre).flatten(1).norm(dim=1).max() < 0.02


def test_same_seed_same_inputs_and_the_answer_does_not_hang_on_it():
    layers = nn.Sequential(conv_of(torch.randn(2, 4, 4)))
    first, again, other = (activation.preferred_inputs(layers, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.testing.assert_close(first, other, atol=1e-4, rtol=0)


def test_first_layer_of_the_vgg():
    module = build("vgg_fewer", (16, 16), 3)
    layers, last = activation.first_layer(module)
    assert list(layers) == [module[1], module[2]]
    assert last is module[3]


def test_first_layers_of_other_sequences():
    conv, norm, relu = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()
    drop = nn.Dropout(0.5)
    layers, last = activation.first_layer(nn.Sequential(conv, drop, norm, relu))
    assert (list(layers), last) == ([conv, norm], relu)
    layers, last = activation.first_layer(nn.Sequential(conv, relu, nn.MaxPool2d(2), norm))
    assert (list(layers), last) == ([conv], relu)
    layers, last = activation.first_layer(nn.Sequential(conv, nn.MaxPool2d(2), relu))
    assert (list(layers), last) == ([conv], conv)
    rest = nn.Sequential(nn.Sequential(conv, norm, relu), nn.MaxPool2d(2))
    layers, last = activation.first_layer(rest)
    assert (list(layers), last) == ([conv, norm], relu)


def test_networks_without_such_filters_get_a_sentence():
    with pytest.raises(EarmarkError, match="two-dimensional"):
        activation.first_layer(nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU()))


def test_output_of_a_layer_is_not_what_the_next_makes_of_it_in_place():
    weights = torch.tensor([[[1.0]], [[-1.0]]])
    conv = conv_of(weights, bias=False)
    module = nn.Sequential(Image(), conv, nn.ReLU(inplace=True))
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = activation.output_of(conv, module, image)
    assert torch.equal(found, torch.stack([image, -image]))
    after = activation.output_of(module[2], module, image)
    assert torch.equal(after, torch.stack([image, torch.zeros(2, 2)]))
