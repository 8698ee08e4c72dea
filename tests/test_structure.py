"""Tables and diagrams of networks agree with section 3 and 5 of the report and with the module."""

import pandas as pd
import plot_structure
import pytest
import torch
from drawn import assert_same_bytes

from earmark.networks.build import parameter_count
from earmark.report2018 import network_diagram, structure
from earmark.runtime.errors import EarmarkError

REPORT = (513, 439)
# Output of each layer group, from the report's table of the autoencoder.
ENCODER = ["252 x 218 x 16", "122 x 108 x 16", "58 x 53 x 32", "26 x 25 x 32", "4 x 4 x 256"]
DECODER = ["24 x 24 x 128", "58 x 54 x 32", "250 x 218 x 16", "506 x 437 x 16", "513 x 439 x 1"]


def layers_of(name, shape=REPORT, classes=41, **options):
    module = structure.build(name, options, shape, classes)
    return structure.layers_of(module, shape), module


@pytest.mark.parametrize(
    ("name", "trainable", "everything"),
    [
        ("vgg_fewer", 1_263_465, 1_265_385),
        ("vgg_more", 1_110_681, 1_112_121),
        ("autoencoder", 956_097, 958_017),
    ],
)
def test_totals_are_the_reports_and_the_sum_of_the_layers(name, trainable, everything):
    table = structure.table_of(*layers_of(name))
    total = table.iloc[-1]
    assert (total["layer"], total["trainable"]) == ("total", trainable)
    assert total["with_statistics"] == everything
    assert table["trainable"][:-1].sum() == trainable
    assert table["with_statistics"][:-1].sum() == everything


def test_outputs_of_the_autoencoder_are_the_reports():
    outputs = [layer.shape_text for layer in layers_of("autoencoder")[0]]
    places = [outputs.index(shape) for shape in ENCODER + DECODER]
    assert places == sorted(places)
    assert outputs[0] == "513 x 439"
    assert outputs[-1] == "513 x 439 x 1"


def test_nothing_is_computed():
    _, module = layers_of("vgg_fewer")
    assert {part.device for part in module.parameters()} == {torch.device("meta")}


def test_table_of_a_small_network_by_hand():
    layers, module = layers_of("vgg_fewer", (9, 9), 2, kernel_scale=0.2, dropout_scale=0.0)
    rows = structure.table_of(layers, module).to_numpy().tolist()
    assert rows[0] == ["input", "", "9 x 9", 0, 0]
    assert rows[1] == ["channel axis", "", "9 x 9 x 1", 0, 0]
    weights = 4 * 3 * 32 + 32
    assert rows[2] == ["convolution", "4 x 3, 32 channels, same size", "9 x 9 x 32"] + [weights] * 2
    assert rows[3] == ["batch norm", "", "9 x 9 x 32", 64, 128]
    assert rows[4] == ["leaky ReLU", "0.05", "9 x 9 x 32", 0, 0]
    assert rows[8] == ["max pool", "3 x 3", "3 x 3 x 32", 0, 0]
    assert rows[9] == ["dropout", "0", "3 x 3 x 32", 0, 0]
    assert rows[-6] == ["global max pool", "", "256", 0, 0]
    assert rows[-2] == ["dense", "2", "2", 2050, 2050]


def test_settings_in_words():
    described = structure.described
    conv = torch.nn.Conv2d(1, 1, (10, 4), stride=2, padding=1)
    assert described(conv) == ("convolution", "10 x 4, 1 channel, stride 2, padding 1 x 1")
    assert described(torch.nn.Conv1d(1, 16, 9)) == ("1-D convolution", "9, 16 channels")
    assert described(torch.nn.MaxPool1d(16)) == ("max pool", "16")
    assert described(torch.nn.AvgPool2d((2, 3))) == ("average pool", "2 x 3")
    assert described(torch.nn.MaxPool2d(2, ceil_mode=True)) == ("max pool", "2 x 2, rounded up")
    assert described(torch.nn.Upsample(scale_factor=2)) == ("upsampling", "x 2, nearest")
    assert described(torch.nn.Softplus(beta=2.0))[0] == "Softplus"


@pytest.mark.parametrize("name", ["vgg_fewer", "vgg_more", "autoencoder", "cnn_logmel"])
def test_no_layer_is_lost_between_blocks(name):
    layers, module = layers_of(name, (64, 56))
    blocks = structure.blocks_of(layers)
    assert sum(block.trainable for block in blocks) == parameter_count(module)
    text = ", ".join(block.text for block in blocks).split(", ")
    for word in ("batch norm", "dropout"):
        count = sum(layer.name == word for layer in layers)
        assert count > 0
        assert sum(part.startswith(word) for part in text) == count
    assert blocks[-1].shape_text == layers[-1].shape_text


def test_parts_of_the_autoencoder_and_what_a_padded_one_cuts_off():
    blocks = structure.blocks_of(layers_of("autoencoder")[0])
    assert [block.part for block in blocks] == [""] + ["encoder"] * 11 + ["decoder"] * 12
    assert blocks[11].size == (4, 4, 256)
    layers, _ = layers_of("autoencoder", (64, 56))
    assert [(layer.name, layer.shape_text) for layer in layers[-2:]] == [
        ("transposed convolution", "64 x 64 x 1"),
        ("output", "64 x 56"),
    ]


def diagram_of(name, shape=REPORT):
    blocks = structure.blocks_of(layers_of(name, shape)[0])
    return network_diagram.diagram(blocks, "title", "1 trainable"), blocks


@pytest.mark.parametrize("name", ["vgg_fewer", "autoencoder"])
def test_diagram_draws_every_block_with_its_text_in_order(name):
    figure, blocks = diagram_of(name)
    (axes,) = figure.axes
    height_of = {}
    for text in axes.texts:
        height_of.setdefault(text.get_text(), []).append(text.get_position()[1])
    for column in ("text", "shape_text"):
        words = [getattr(block, column) for block in blocks]
        for word in set(words):
            assert len(height_of[word]) == words.count(word)
    numbers = [f"{block.trainable:,}" for block in blocks if block.trainable]
    assert set(numbers) <= set(height_of)
    # Each solid has three faces, each on a white ground; the front face comes first.
    fronts = [patch.get_xy() for patch in axes.patches[1::6]]
    assert len(fronts) == len(blocks)
    middles = [corners[:, 1].mean() for corners in fronts]
    assert middles == sorted(middles, reverse=True)
    # Width squared is proportional to the frequency bins, but for the least width.
    widths = [corners[:, 0].max() - corners[:, 0].min() for corners in fronts]
    for block, width in zip(blocks, widths, strict=True):
        if block.size[0] > 1:
            expected = network_diagram.WIDEST**2 * block.size[0] / 513
            assert width**2 == pytest.approx(expected)


@pytest.mark.parametrize("name", ["vgg_fewer", "vgg_more", "autoencoder"])
def test_no_text_of_the_diagram_overlaps_another(name):
    figure, _ = diagram_of(name)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    page = figure.bbox
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1


def test_figure_of_the_structure_has_the_same_bytes_again(tmp_path):
    assert_same_bytes(lambda: diagram_of("vgg_fewer", (9, 9))[0], tmp_path)


def test_script_of_the_structure(tmp_path):
    out = {name: str(tmp_path / f"structure.{name}") for name in ("csv", "markdown", "png", "svg")}
    cfg = {"network": "autoencoder", "network_options": {"batch_norm_momentum": 0.1}}
    plot_structure.main(
        **out, cfg={**cfg, "input_shape": [513, 439], "classes": 41, "title": "Autoencoder"}
    )
    table = pd.read_csv(out["csv"], keep_default_na=False)
    columns = ["layer", "settings", "output", "trainable", "with_statistics"]
    assert list(table.columns) == columns
    expected = structure.table_of(*layers_of("autoencoder"))
    assert table.astype(str).to_numpy().tolist() == expected.astype(str).to_numpy().tolist()
    assert (tmp_path / "structure.markdown").read_text().startswith("## Layers of Autoencoder\n")


@pytest.mark.parametrize("name", ["autoencoder", "vgg_fewer"])
def test_unknown_networks_and_options_get_a_sentence(name):
    with pytest.raises(EarmarkError, match="'colour'"):
        structure.build(name, {"colour": 1}, (64, 56), 3)
    with pytest.raises(EarmarkError, match="no network 'vgg'"):
        structure.build("vgg", {}, (64, 56), 3)
