"""The autoencoder's layers against the table in section 3 of the report, and other sizes."""

import pytest
import torch
from torch import nn

from earmark.networks.autoencoder import Autoencoder, PaddedConv, PaddedConvTransposed
from earmark.training import autoencoder

REPORT = (513, 439)

# (layer, height, width, channels): the report's table, and by hand between its rows.
ENCODER = [
    ("PaddedConv", 252, 218, 16),
    ("PaddedConv", 243, 215, 16),
    ("MaxPool2d", 122, 108, 16),
    ("PaddedConv", 58, 53, 32),
    ("PaddedConv", 51, 50, 32),
    ("MaxPool2d", 26, 25, 32),
    ("PaddedConv", 22, 22, 64),
    ("PaddedConv", 18, 19, 128),
    ("MaxPool2d", 9, 10, 128),
    ("PaddedConv", 7, 8, 256),
    ("MaxPool2d", 4, 4, 256),
]
DECODER = [
    ("PaddedConvTransposed", 6, 6, 128),
    ("Upsample", 12, 12, 128),
    ("Upsample", 24, 24, 128),
    ("PaddedConvTransposed", 26, 25, 64),
    ("PaddedConvTransposed", 29, 27, 32),
    ("Upsample", 58, 54, 32),
    ("PaddedConvTransposed", 120, 108, 32),
    ("PaddedConvTransposed", 125, 109, 16),
    ("Upsample", 250, 218, 16),
    ("PaddedConvTransposed", 506, 437, 16),
    ("PaddedConvTransposed", 513, 439, 1),
]


@pytest.fixture(scope="module")
def report():
    torch.manual_seed(0)
    return Autoencoder(REPORT)


def test_layer_shapes_are_the_reports():
    with torch.device("meta"):
        module = Autoencoder(REPORT).eval()
        shapes = []
        for layer in (*module.encoder, *module.decoder):
            layer.register_forward_hook(
                lambda layer, _, out: shapes.append((type(layer).__name__, *out.shape[1:]))
            )
        module(torch.zeros(1, *REPORT))
    resizing = {"PaddedConv", "MaxPool2d", "PaddedConvTransposed", "Upsample"}
    rows = [(name, *shape, channels) for name, channels, *shape in shapes if name in resizing]
    assert rows == ENCODER + DECODER


def test_order_of_norms_and_activations(report):
    conv = ["PaddedConv", "ReLU", "BatchNorm2d"]
    pool = ["MaxPool2d"]
    assert [type(layer).__name__ for layer in report.encoder] == (
        conv * 2 + pool + conv * 2 + pool + conv * 2 + pool + conv + pool
    )
    up = ["Upsample", "BatchNorm2d"]
    start = ["PaddedConvTransposed", "ReLU"]
    norm = ["BatchNorm2d"]
    twice = [*start, *norm, *start, *up] * 2
    expected = ["Dropout", *start, *up, *up, *twice, *start, *norm, "PaddedConvTransposed"]
    assert [type(layer).__name__ for layer in report.decoder] == expected
    assert report.decoder[0].p == 0.2


def test_parameter_counts_are_the_reports(report):
    parts = list(report.modules())
    convolutions = [part for part in parts if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]
    weights = sum(p.numel() for part in convolutions for p in part.parameters())
    assert weights == 954_177
    assert sum(p.numel() for p in report.parameters() if p.requires_grad) == 956_097


def test_batch_norm_is_keras(report):
    norms = [part for part in report.modules() if isinstance(part, nn.BatchNorm2d)]
    assert len(norms) == 14
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    other = Autoencoder((64, 56), batch_norm_momentum=0.1)
    found = {part.momentum for part in other.modules() if isinstance(part, nn.BatchNorm2d)}
    assert found == {0.1}


def test_reports_size_has_4096_latents_is_not_padded_and_comes_back(report):
    image = torch.rand(1, *REPORT)
    assert not report.padded
    with torch.no_grad():
        assert report.eval().encode(image).shape == (1, 4096)
        assert report(image).shape == (1, *REPORT)


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((321, 247), True),
        ((257, 247), False),
        ((321, 183), False),
        ((385, 439), True),
        ((514, 439), False),
        ((512, 439), False),
        ((513, 440), False),
        ((1025, 951), True),
    ],
)
def test_only_sizes_that_the_layers_give_back_are_not_padded(shape, fits):
    with torch.device("meta"):
        module = Autoencoder(shape).eval()
        assert module.padded != fits
        for layer in module.modules():
            if isinstance(layer, PaddedConv | PaddedConvTransposed):
                layer.padded = False
        try:
            image = module.decoder(module.encoder(torch.zeros(1, 1, *shape)))
        except RuntimeError:  # too small for a kernel
            image = torch.zeros(0)
    assert (image.shape == (1, 1, *shape)) == fits


# The six halvings, each rounded up: 64 -> 1, 110 -> 2, 440 -> 7, and so on; 256 channels.
@pytest.mark.parametrize(
    ("shape", "latents"),
    [
        ((64, 56), 1 * 1 * 256),
        ((128, 110), 2 * 2 * 256),
        ((40, 30), 1 * 1 * 256),
        ((513, 440), 9 * 7 * 256),
        ((65, 129), 2 * 3 * 256),
        ((1, 1), 256),
    ],
)
def test_other_sizes_come_back(shape, latents):
    with torch.device("meta"):
        module = Autoencoder(shape)
        image = torch.zeros(2, *shape)
        assert module.padded
        assert module.encode(image).shape == (2, latents)
        assert module(image).shape == (2, *shape)


@pytest.mark.parametrize("shape", [(64, 56), (40, 30)])
def test_other_sizes_give_finite_numbers(shape):
    torch.manual_seed(0)
    module = Autoencoder(shape)
    for mode in (True, False):
        found = module.train(mode)(torch.rand(3, *shape))
        assert found.shape == (3, *shape)
        assert found.isfinite().all()


def test_weights_have_the_same_shapes_for_any_size(report):
    other = Autoencoder((64, 56)).state_dict()
    assert {name: value.shape for name, value in report.state_dict().items()} == {
        name: value.shape for name, value in other.items()
    }


@pytest.mark.parametrize(("size", "kernel", "stride"), [(9, 4, 1), (9, 4, 2), (8, 3, 2), (1, 5, 2)])
def test_padded_convolution_has_its_surplus_after_the_end(size, kernel, stride):
    torch.manual_seed(0)
    layer = PaddedConv(1, 1, (kernel, 1), stride, padded=True)
    signal = torch.rand(size)
    wanted = -(-size // stride)
    total = max(0, (wanted - 1) * stride + kernel - size)
    padded = [0.0] * (total // 2) + signal.tolist() + [0.0] * (total - total // 2)
    weight, bias = layer.conv.weight.flatten().tolist(), layer.conv.bias.item()
    expected = [
        bias + sum(w * padded[stride * i + j] for j, w in enumerate(weight)) for i in range(wanted)
    ]
    found = layer(signal[None, None, :, None].expand(1, 1, size, stride))
    assert found.shape == (1, 1, wanted, 1)
    torch.testing.assert_close(found.flatten(), torch.tensor(expected))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (6, 2), (2, 2), (8, 2)])
def test_padded_transposed_convolution_is_the_middle_of_the_whole_one(kernel, stride):
    torch.manual_seed(0)
    layer = PaddedConvTransposed(1, 1, (kernel, kernel), stride, padded=True)
    image = torch.rand(1, 1, 5, 4)
    whole = nn.functional.conv_transpose2d(image, layer.conv.weight, layer.conv.bias, stride)
    cut = (kernel - stride) // 2
    found = layer(image)
    assert found.shape == (1, 1, 5 * stride, 4 * stride)
    torch.testing.assert_close(
        found, whole[:, :, cut : cut + 5 * stride, cut : cut + 4 * stride], rtol=0, atol=0
    )


def test_a_few_steps_on_a_constant_image_lower_the_loss():
    torch.manual_seed(0)
    module = Autoencoder((64, 56), batch_norm_momentum=0.1)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    image = torch.full((4, 64, 56), 0.7)
    losses = []
    for _ in range(12):
        loss = nn.functional.mse_loss(module(image), image)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_latents_in_evaluation_mode_are_deterministic_and_belong_to_their_clip():
    torch.manual_seed(0)
    module = Autoencoder((64, 56))
    images = torch.rand(4, 64, 56)
    module.train()(images)  # moves the running statistics off their start
    module.eval()
    with torch.no_grad():
        first, again = module.encode(images), module.encode(images)
        assert torch.equal(first, again)
        torch.testing.assert_close(module.encode(images[2:3]), first[2:3], rtol=1e-4, atol=1e-5)
        assert (first[0] - first[1]).abs().max() > 1e-3


def test_training_mode_drops_latents_before_the_decoder():
    torch.manual_seed(0)
    module = Autoencoder((64, 56)).eval()
    images = torch.rand(2, 64, 56)
    with torch.no_grad():
        still = module(images)
        module.decoder[0].train()
        assert not torch.equal(module(images), still)
        assert torch.equal(module.encode(images), module.encode(images))


def test_a_tenth_of_the_clips_validates_whoever_else_there_is():
    names = [f"{number}.wav" for number in range(1000)]
    chosen = autoencoder.validation_clips(names)
    assert chosen < set(names)
    assert 70 <= len(chosen) <= 130  # four deviations about the hundred
    # In any order, and the same ones with fewer or more clips.
    assert autoencoder.validation_clips(names[::-1]) == chosen
    assert autoencoder.validation_clips(names[:500]) == chosen & set(names[:500])
    assert autoencoder.validation_clips([*names, "sub/new.wav"]) - {"sub/new.wav"} == chosen


def test_few_clips_leave_one_to_validate_by_and_some_to_learn_from():
    # None of these is among the tenth.
    names = [f"{number}.wav" for number in range(1000)]
    rest = sorted(set(names) - autoencoder.validation_clips(names))[:5]
    (one,) = autoencoder.validation_clips(rest)
    assert one in rest
    assert autoencoder.validation_clips(rest[::-1]) == {one}
    assert autoencoder.validation_clips(["a.wav"]) == set()
    assert autoencoder.validation_clips([]) == set()
