"""The catalogue of networks agrees with the functions that build them, and explains mistakes."""

import inspect
from importlib import import_module

import pytest
import torch
from torch import nn

from earmark.networks import catalogue
from earmark.networks.build import build
from earmark.networks.catalogue import NETWORKS
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths", "ignore:Initializing zero-element"
)


def function_of(name):
    return getattr(import_module(catalogue.module_of(name)), name)


def mistakes(*arguments):
    return list(catalogue.mistakes(*arguments))


@pytest.mark.parametrize("name", NETWORKS)
def test_options_are_the_functions_own(name):
    shape, classes, *options = inspect.signature(function_of(name)).parameters.values()
    assert (shape.name, classes.name) == ("input_shape", "classes")
    found = {
        key: (option.kind, option.default, type(option.default))
        for key, option in NETWORKS[name].options.items()
    }
    assert found == {o.name: (o.annotation, o.default, type(o.default)) for o in options}


def test_every_function_that_builds_a_network_is_listed():
    for module in {network.module for network in NETWORKS.values()}:
        family = import_module(f"earmark.networks.{module}")
        public = {
            name
            for name, found in inspect.getmembers(family, inspect.isfunction)
            if found.__module__ == family.__name__ and not name.startswith("_")
        }
        assert public == {name for name in NETWORKS if NETWORKS[name].module == module}


def works(name, shape, **options):
    """Whether the function itself makes a network that takes such inputs."""
    try:
        module = function_of(name)(shape, 3, **options)
        return module(torch.rand(2, *shape)).shape == (2, 3)
    except (RuntimeError, ZeroDivisionError, IndexError, ValueError):
        return False


CASES = [(name, {}) for name in NETWORKS] + [
    ("cnn_logmel", {"width": 2, "depth": depth}) for depth in (1, 2, 3, 6)
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_smallest_inputs_are_the_smallest_that_work(name, options):
    defaults = {key: option.default for key, option in NETWORKS[name].options.items()}
    frequency, time = NETWORKS[name].smallest(**{**defaults, **options})
    assert works(name, (frequency, time), **options)
    assert not works(name, (frequency - 1, time), **options)
    assert not works(name, (frequency, time - 1), **options)
    assert works(name, (frequency, time + 1), **options)
    assert works(name, (frequency + 1, time), **options) != NETWORKS[name].takes_samples


@pytest.mark.parametrize("name", NETWORKS)
def test_the_ends_of_each_range_build_a_network(name):
    shape = (1, 2000) if NETWORKS[name].takes_samples else (128, 128)
    for key, option in NETWORKS[name].options.items():
        for value in (option.lowest, option.highest):
            # Without memory: the widest and deepest are large.
            with torch.device("meta"):
                assert isinstance(build(name, shape, 3, **{key: value}), nn.Module)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("vgg_fewer", "dropout_scale"),
        ("cnn2d_spectrogram", "dropout_scale"),
        ("cnn_logmel", "dropout"),
    ],
)
def test_more_dropout_than_the_range_has_is_no_probability(name, option):
    beyond = NETWORKS[name].options[option].highest * 1.01
    with pytest.raises(ValueError, match="probability"):
        function_of(name)((64, 64), 3, **{option: beyond})


def test_a_fitting_system_has_no_mistakes():
    assert mistakes("vgg_fewer", {"kernel_scale": 0.25, "dropout_scale": 1}, (64, 56)) == []
    assert mistakes("cnn_logmel", {"width": 16}) == []
    assert mistakes("cnn1d_raw", {}, [1, 32000]) == []


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("vgg_fewr", {}), ("no network 'vgg_fewr'", "Did you mean 'vgg_fewer'?", *NETWORKS)),
        (("", {}), ("no network ''", *NETWORKS)),
        (("cnn_logmel", {"widht": 3}), ("no option 'widht'", "width, depth, dropout")),
        (("cnn2d_tall", {"width": 3}), ("no option 'width'", "none")),
        (("cnn_logmel", {"width": 16.0}), ("'width'", "16.0", "a whole number from 1 to 1024")),
        (("cnn_logmel", {"depth": 0}), ("'depth'", "is 0", "from 1 to 8")),
        (("cnn_logmel", {"depth": True}), ("'depth'", "is True", "from 1 to 8")),
        (("cnn_logmel", {"dropout": False}), ("'dropout'", "is False", "a number from 0 to 1")),
        (("cnn_logmel", {"dropout": -0.1}), ("'dropout'", "-0.1", "a number from 0 to 1")),
        (("cnn_logmel", {"dropout": None}), ("'dropout'", "None", "a number from 0 to 1")),
        (("vgg_more", {"kernel_scale": float("nan")}), ("'kernel_scale'", "nan", "0 to 10")),
        (("vgg_more", {"kernel_scale": "1e-1"}), ("'1e-1'", "a number from 0 to 10")),
        (("cnn_logmel", {}, (4, 128)), ("at least 8 x 8", "not 4 x 128", "more bands")),
        (("cnn_logmel", {"depth": 6}, (40, 31)), ("at least 32 x 32", "40 x 31", "crop_frames")),
        (("cnn2d_tall", {}, (17, 17)), ("18 x 18", "bins", "crop_frames", "frames")),
        (("cnn1d_raw", {}, (1, 1615)), ("at least 1 x 1616", "crop_frames")),
        (("cnn1d_raw", {}, (40, 32000)), ("needs raw samples", "40 x 32000", "kind raw")),
        (("vgg_fewer", {}, (1, 32000)), ("needs a spectrogram", "1 x 32000", "kind stft, log_mel")),
    ],
)
def test_mistakes_are_explained(arguments, parts):
    (found,) = mistakes(*arguments)
    for part in parts:
        assert part in found
    assert found.endswith(".")


def test_all_mistakes_are_told():
    options = {"width": "2", "colour": 3, "dropout": 7}
    found = mistakes("cnn_logmel", options, (1, 32000))
    assert len(found) == 4
    # How small an input may be depends on the options.
    assert len(mistakes("cnn_logmel", {"depth": "1"}, (4, 4))) == 1


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("vgg_least", (513, 439), 41), {}, r"^There is no network 'vgg_least'.*vgg_fewer"),
        (
            ("vgg_fewer", (20, 20), 41),
            {"width": 3},
            "^The network .* no option 'width'",
        ),
        (("cnn2d_tall", (17, 20), 41), {}, "^The network 'cnn2d_tall' reads inputs of at least 18"),
    ],
)
def test_what_cannot_be_built_is_explained(arguments, options, words):
    with pytest.raises(EarmarkError, match=words):
        build(*arguments, **options)
