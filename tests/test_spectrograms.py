"""Figures of spectrograms, filters and maps show the stored values on axes in seconds and kHz."""

import numpy as np
import pandas as pd
import plot_autoencoder
import plot_examples
import plot_filters
import pytest
import torch
from drawn import assert_same_bytes, labelled_clips, write_tables

from earmark.features import store
from earmark.networks import saved_models
from earmark.networks.autoencoder import Autoencoder
from earmark.networks.build import build
from earmark.report2018 import spectrograms
from earmark.report2018.spectrograms import Spectrogram
from earmark.reporting import figures
from earmark.runtime.errors import EarmarkError

SHAPE = (20, 12)
SETTINGS = {"kind": "stft", "sample_rate": 8000, "range_db": 60.0, "bins": 20, "frames": 12}
ROWS = [
    ("a.wav", "Oboe", 1, 2.5),
    ("b.wav", "Hi-hat", 1, 0.5),
    ("c.wav", "Cello", 1, 1.5),
    ("d.wav", "Double_bass", 1, 3.0),
]


@pytest.fixture
def folder(tmp_path):
    """Tables and features of four clips; the features are in another order."""
    write_tables(tmp_path, ROWS)
    names = [row[0] for row in reversed(ROWS)]
    store.write_features(
        tmp_path / "stft.h5", names, images_of(names), SHAPE, True, settings=SETTINGS
    )
    return tmp_path


def images_of(names):
    return [
        np.random.default_rng(ord(name[0])).integers(0, 256, SHAPE).astype(np.uint8)
        for name in names
    ]


@pytest.fixture
def saved(monkeypatch):
    """The figures that a script saves, by the name of their PNG."""
    by_name = {}

    def save(figure, png, svg):
        assert svg == png.replace("png", "svg")
        by_name[png] = figure

    monkeypatch.setattr(figures, "save", save)
    return by_name


def tables_in(folder):
    names = {"labels_table": "labels.csv", "clips_table": "clips.csv", "feature_file": "stft.h5"}
    return {argument: str(folder / name) for argument, name in names.items()}


def pair(name, prefix=""):
    return {f"{prefix}png": f"{name}.png", f"{prefix}svg": f"{name}.svg"}


def panels_of(figure):
    """Axes with a picture in them, without colour bars."""
    return [axes for axes in figure.axes if axes.images and axes.get_label() != "<colorbar>"]


def test_examples_are_the_stored_bytes_in_db_seconds_and_khz(folder, saved):
    plot_examples.main(**tables_in(folder), **pair("x"), cfg={"labels": ["Oboe", "Hi-hat"]})
    figure = saved["x.png"]
    first, second = panels_of(figure)
    for axes, name, seconds in ((first, "a.wav", 2.5), (second, "b.wav", 0.5)):
        (image,) = axes.images
        (expected,) = images_of([name])
        np.testing.assert_allclose(image.get_array(), -60.0 * expected / 255)
        assert image.origin == "lower"  # low frequencies below
        assert image.get_extent() == [0, seconds, 0, 4.0]
        assert image.get_clim() == (-60.0, 0)
        assert axes.get_xlabel() == "time (s)"
    assert first.get_title() == "Oboe\na.wav, 2.50 s"
    assert first.get_ylabel() == "frequency (kHz)"
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert [bar.get_ylabel() for bar in bars] == ["dB relative to the clip's maximum"]


def test_examples_need_a_clip_of_the_label(folder):
    with pytest.raises(EarmarkError, match="'Gong'"):
        plot_examples.main(**tables_in(folder), **pair("x"), cfg={"labels": ["Oboe", "Gong"]})


def test_features_that_are_no_pictures_of_clips_get_a_sentence(folder):
    frames = [np.zeros((4, 8), np.uint8) for _ in ROWS]
    store.write_features(
        folder / "mel.h5",
        [row[0] for row in ROWS],
        frames,
        (8, 0),
        False,
        settings={"kind": "log_mel"},
    )
    with (
        store.FeatureStore(folder / "mel.h5") as features,
        pytest.raises(EarmarkError, match=r"Set `report\.filters_of`"),
    ):
        spectrograms.read(features, labelled_clips(ROWS))


def test_originals_above_their_reconstructions(folder, saved, monkeypatch):
    held_out = {"a.wav", "b.wav", "c.wav"}
    monkeypatch.setattr(plot_autoencoder, "validation_clips", lambda names: held_out)
    torch.manual_seed(0)
    module = Autoencoder(SHAPE, 0.1)
    saved_models.save(
        folder / "w.safetensors",
        folder / "model.json",
        module,
        network="autoencoder",
        batch_norm_momentum=0.1,
    )
    losses = pd.DataFrame({"train_loss": [0.5, 0.2], "validation_loss": [0.6, 0.3]})
    losses.to_csv(folder / "history.csv", index=False)
    plot_autoencoder.main(
        **tables_in(folder),
        weights=str(folder / "w.safetensors"),
        metadata=str(folder / "model.json"),
        history=str(folder / "history.csv"),
        **pair("curves", "curves_"),
        **pair("reconstructions", "reconstructions_"),
    )
    assert saved["curves.png"].axes[0].lines[0].get_ydata().tolist() == [0.5, 0.2]
    panels = panels_of(saved["reconstructions.png"])
    # In the order of their labels, without the clip that was learned from.
    names = ["c.wav", "b.wav", "a.wav"]
    assert [axes.get_title().split("\n")[1].split(",")[0] for axes in panels[:3]] == names
    module.eval()
    for above, below, image in zip(panels[:3], panels[3:], images_of(names), strict=True):
        inputs = torch.from_numpy(image / 255.0).float()
        with torch.no_grad():
            expected = module(inputs[None])[0]
        np.testing.assert_allclose(above.images[0].get_array(), -60.0 * image / 255)
        np.testing.assert_allclose(below.images[0].get_array(), -60.0 * expected.numpy(), atol=1e-3)
        error = (expected - inputs).square().mean().item()
        assert below.get_title() == f"reconstruction\nmean squared error {error:.4f}"
        assert below.images[0].get_clim() == above.images[0].get_clim() == (-60.0, 0)
        assert below.images[0].get_extent() == above.images[0].get_extent()


def test_filters_and_maps_of_a_saved_network(folder, saved):
    torch.manual_seed(0)
    classes = ["Cello", "Double_bass", "Hi-hat", "Oboe"]
    options = {"kernel_scale": 0.25}
    module = build("vgg_fewer", SHAPE, len(classes), **options)
    with torch.no_grad():
        module[2].weight.copy_(torch.linspace(-1, 1, 32))
        module[2].running_mean.copy_(torch.linspace(0, 1, 32))
    saved_models.save(
        folder / "w.safetensors",
        folder / "model.json",
        module,
        classes=classes,
        network="vgg_fewer",
        network_options=options,
        recipe={"epochs": 1, "learning_rate": 0.1, "batch_clips": 2},
    )
    plot_filters.main(
        **tables_in(folder),
        weights=str(folder / "w.safetensors"),
        metadata=str(folder / "model.json"),
        **pair("filters", "filters_"),
        **pair("maps", "maps_"),
        cfg={"label": "Oboe"},
        seed=1,
    )
    # A linear filter prefers itself, turned around where batch norm's scale is negative; inputs
    # are quieter the higher they are, and the figure shows what is louder as higher.
    weights = module[1].weight.detach()[:, 0]
    sign = torch.sign(module[2].weight.detach())
    drawn = panels_of(saved["filters.png"])
    assert [axes.get_title() for axes in drawn] == [str(n) for n in range(1, 33)]
    for axes, weight, turned in zip(drawn, weights, sign, strict=True):
        expected = -turned * weight / weight.norm()
        np.testing.assert_allclose(axes.images[0].get_array(), expected, atol=1e-3)
    assert "5 bins of 200 Hz" in saved["filters.png"].get_suptitle()

    whole, *maps = panels_of(saved["maps.png"])
    (image,) = images_of(["a.wav"])
    np.testing.assert_allclose(whole.images[0].get_array(), -60.0 * image / 255)
    with torch.no_grad():
        inputs = torch.from_numpy(image / 255.0).float()[None]
        expected = module.eval()[:4](inputs)[0]
    assert len(maps) == 32
    for axes, values in zip(maps, expected, strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), values, atol=1e-5)
        assert axes.images[0].get_extent() == whole.images[0].get_extent()
    assert "maps of a.wav (Oboe)\n" in saved["maps.png"].get_suptitle()


def sounds(count):
    return [Spectrogram(images_of("abc")[n] / 255, 1.0 + n, 4.0, 60.0, "t") for n in range(count)]


FILTERS = np.random.default_rng(0).normal(size=(5, 4, 3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: spectrograms.examples(sounds(2)),
        lambda: spectrograms.reconstructions(sounds(1), np.zeros((1, *SHAPE))),
        lambda: spectrograms.filters(FILTERS, 43.0, "title"),
        lambda: spectrograms.feature_maps(sounds(1)[0], FILTERS, "title"),
    ],
    ids=["examples", "reconstructions", "filters", "maps"],
)
def test_figures_have_the_same_bytes_again(make, tmp_path):
    assert_same_bytes(make, tmp_path)


def test_panels_without_a_filter_are_hidden():
    figure = spectrograms.filters(np.ones((11, 2, 2)), 43.0, "title")
    assert len(panels_of(figure)) == 11
    assert sum(not axes.get_visible() for axes in figure.axes) == 5
