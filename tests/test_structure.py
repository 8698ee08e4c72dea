"""Layers of networks as built: what the report says of them, and what the figure shows."""

import pandas as pd
import plot_structure
import pytest
import torch
from drawn import assert_same_bytes

from earmark.report2018 import structure

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

REPORT = (513, 439)
# Output of each layer group, from the report's table of the autoencoder; channels come first here.
ENCODER = ["16 x 252 x 218", "16 x 122 x 108", "32 x 58 x 53", "32 x 26 x 25", "256 x 4 x 4"]
DECODER = ["128 x 24 x 24", "32 x 58 x 54", "16 x 250 x 218", "16 x 506 x 437", "1 x 513 x 439"]


def layers_of(name, shape=REPORT, classes=41, **options):
    return structure.layers_of(structure.build(name, options, shape, classes), shape)


@pytest.mark.parametrize(
    ("name", "total"), [("vgg_fewer", 1_263_465), ("vgg_more", 1_110_681), ("autoencoder", 956_097)]
)
def test_totals_are_the_reports_and_the_sum_of_the_layers(name, total):
    layers = layers_of(name)
    assert layers["layer"].iloc[-1] == "total"
    assert layers["parameters"].iloc[-1] == layers["parameters"][:-1].sum() == total


def test_outputs_of_the_autoencoder_are_the_reports():
    outputs = layers_of("autoencoder")["output"].tolist()
    found = [outputs.index(shape) for shape in ENCODER + DECODER]
    assert found == sorted(found)
    assert outputs[-1] == "513 x 439"


def test_layers_of_a_small_network_by_hand():
    rows = layers_of("vgg_fewer", (9, 9), 2, kernel_scale=0.2).to_numpy().tolist()
    assert rows[0] == ["Image", "", "1 x 9 x 9", 0]
    convolution = "1, 32, kernel_size=(4, 3), stride=(1, 1), padding=same"
    assert rows[1] == ["Conv2d", convolution, "32 x 9 x 9", 4 * 3 * 32 + 32]
    assert (rows[2][0], *rows[2][2:]) == ("BatchNorm2d", "32 x 9 x 9", 64)
    assert rows[3] == ["LeakyReLU", "negative_slope=0.05", "32 x 9 x 9", 0]
    assert (rows[7][0], *rows[7][2:]) == ("MaxPool2d", "32 x 3 x 3", 0)
    assert rows[-2] == ["Linear", "in_features=1024, out_features=2, bias=True", "2", 2050]
    assert (rows[-1][0], rows[-1][2]) == ("total", "2")


def test_nothing_is_computed():
    module = structure.build("vgg_fewer", {}, REPORT, 41)
    assert {part.device for part in module.parameters()} == {torch.device("meta")}


def test_figure_shows_every_layer_with_its_shape_and_parameters(tmp_path):
    layers = layers_of("vgg_fewer", (9, 9), 2, kernel_scale=0.2)
    figure = structure.draw(layers, "title")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.yaxis_inverted()  # the first layer on top
    assert [bar.get_width() for bar in axes.patches] == layers["parameters"][:-1].tolist()
    names = [text.get_text().split(" (")[0] for text in axes.get_yticklabels()]
    assert names == layers["layer"][:-1].tolist()
    (right,) = axes.child_axes
    assert [text.get_text() for text in right.get_yticklabels()] == layers["output"][:-1].tolist()
    counts = [text.get_text() for text in axes.texts]
    assert counts == [f"{count:,}" if count else "" for count in layers["parameters"][:-1]]
    # Whole numbers, not formulas.
    assert [text.get_text() for text in axes.get_xticklabels()][1:4] == ["1", "10", "100"]
    assert_same_bytes(lambda: structure.draw(layers, "title"), tmp_path)


def test_script_of_the_structure(tmp_path):
    out = {name: str(tmp_path / f"structure.{name}") for name in ("csv", "png", "svg")}
    cfg = {"network": "autoencoder", "network_options": {}, "title": "Autoencoder"}
    plot_structure.main(**out, cfg={**cfg, "input_shape": [64, 56], "classes": 41})
    table = pd.read_csv(out["csv"], keep_default_na=False)
    assert list(table.columns) == ["layer", "settings", "output", "parameters"]
    expected = layers_of("autoencoder", (64, 56))
    assert table.astype(str).to_numpy().tolist() == expected.astype(str).to_numpy().tolist()
    text = (tmp_path / "structure.svg").read_text(encoding="utf-8")
    assert "956,097 parameters, 958,017 with batch norm's statistics" in text
