"""The networks that a config can name: their modules, options and smallest inputs.

Read while a run is planned, so torch is not needed here. ``build`` finds a network's function in
its module; a test compares the entries with those functions.

No module that computes a result may import this one by statement: its code hash would change with
each network that is added here. ``build`` imports it by name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earmark.runtime.errors import did_you_mean

Shape = tuple[int, int]


@dataclass(frozen=True)
class Option:
    """A setting of a network: ``kind`` is int or float, ``lowest`` and ``highest`` are allowed."""

    kind: type[int] | type[float]
    default: float
    lowest: float
    highest: float

    def allows(self, value: object) -> bool:
        """Whether ``value`` is a number of this kind in the range; whole numbers are floats too."""
        kinds = (int,) if self.kind is int else (int, float)
        return type(value) in kinds and self.lowest <= value <= self.highest  # type: ignore[operator]

    @property
    def allowed_values(self) -> str:
        """The allowed values in words."""
        number = "whole number" if self.kind is int else "number"
        return f"a {number} from {self.lowest:g} to {self.highest:g}"


@dataclass(frozen=True)
class Network:
    """A network: ``module`` has a function of its name.

    ``smallest`` gives the smallest input (frequency, time) for the options. Inputs are
    spectrograms (frequency, time) or, if it ``takes_samples``, raw samples (1, samples).
    """

    module: str
    smallest: Callable[..., Shape]
    options: Mapping[str, Option] = field(default_factory=dict)
    takes_samples: bool = False


# Dropout rates are at most 0.5 at scale 1, and torch takes none above 1.
DROPOUT_SCALE = Option(float, 1.0, 0.0, 2.0)
BATCH_NORM_MOMENTUM = Option(float, 0.01, 0.0, 1.0)
VGG = Network(
    "vgg",
    lambda **_: (1, 1),
    {
        "kernel_scale": Option(float, 1.0, 0.0, 10.0),
        "dropout_scale": DROPOUT_SCALE,
        "batch_norm_momentum": BATCH_NORM_MOMENTUM,
    },
)
NETWORKS = {
    # With 1616 samples, eight convolutions and three pools leave one value of each filter.
    "cnn1d_raw": Network("cnn1d_raw", lambda **_: (1, 1616), takes_samples=True),
    "cnn2d_mfcc": Network(
        "cnn2d", lambda **_: (16, 16), {"batch_norm_momentum": BATCH_NORM_MOMENTUM}
    ),
    "cnn2d_spectrogram": Network(
        "cnn2d",
        lambda **_: (16, 16),
        {"dropout_scale": DROPOUT_SCALE, "batch_norm_momentum": BATCH_NORM_MOMENTUM},
    ),
    "cnn2d_tall": Network("cnn2d", lambda **_: (18, 18)),
    "cnn_logmel": Network(
        "compact",
        lambda depth, **_: (2 ** (depth - 1), 2 ** (depth - 1)),
        {
            "width": Option(int, 32, 1, 1024),
            "depth": Option(int, 4, 1, 8),
            "dropout": Option(float, 0.2, 0.0, 1.0),
        },
    ),
    "vgg_fewer": VGG,
    "vgg_more": VGG,
}


def module_of(name: str) -> str:
    """The dotted name of the module that makes the known network ``name``."""
    return f"earmark.networks.{NETWORKS[name].module}"


def mistakes(
    name: str, options: Mapping[str, Any], input_shape: Sequence[int] | None = None
) -> Iterator[str]:
    """Sentences on why the network ``name`` cannot be built; they begin in lower case.

    ``input_shape`` is (frequency, time), as far as it is known.
    """
    network = NETWORKS.get(name)
    if network is None:
        guess = did_you_mean(name, NETWORKS)
        yield (
            f"there is no network '{name}'.{guess} Write one of: {', '.join(NETWORKS)}, or one in "
            f"a file of yours, as in my_net.py:MyNet."
        )
        return
    usable = True
    for key, value in options.items():
        option = network.options.get(key)
        if option is None:
            usable = False
            known = ", ".join(network.options) or "none, so leave network_options out"
            yield f"the network '{name}' has no option '{key}'. It has: {known}."
        elif not option.allows(value):
            usable = False
            yield (
                f"the option '{key}' of network '{name}' is {value!r}. Write "
                f"{option.allowed_values}."
            )
    if input_shape is None:
        return
    frequency, time = input_shape
    if network.takes_samples != (frequency == 1):
        needs, kinds = "a spectrogram", "stft, log_mel or mfcc, with more than one bin or band"
        if network.takes_samples:
            needs, kinds = "raw samples", "raw"
        yield (
            f"the network '{name}' needs {needs}; the feature gives {frequency} x {time} "
            f"(frequency x time). Use a feature of kind {kinds}."
        )
    # Without its options, the smallest input is not known.
    elif usable:
        defaults = {key: option.default for key, option in network.options.items()}
        yield from _too_small(name, network.smallest(**{**defaults, **options}), (frequency, time))


def _too_small(name: str, smallest: Shape, shape: Shape) -> Iterator[str]:
    remedies = (
        "a feature with more bands, coefficients or bins",
        "a recipe with more crop_frames or a feature with more frames",
    )
    short = [remedy for remedy, a, b in zip(remedies, shape, smallest, strict=True) if a < b]
    if short:
        yield (
            f"the network '{name}' reads inputs of at least {smallest[0]} x {smallest[1]} "
            f"(frequency x time), not {shape[0]} x {shape[1]}. Use {', and '.join(short)}."
        )
