"""What all kinds of features share: their settings, and the form of the stored arrays.

A kind is a dataclass in a module of its own, with a default for what the config leaves out.
Planning checks a config with it, so only functions that compute import torch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError

# The byte of the lowest level, where bytes stand for decibels.
FLOOR = 255
# The rate that settings in samples are written for, and the highest one, where the config says
# `sample_rate: auto`.
AUTO, AUTO_HIGHEST_RATE = "auto", 44100


@dataclass(frozen=True)
class Feature(ABC):
    """A kind of feature with its settings.

    ``fixed``: all clips have arrays of one size, or else frames, from which training takes random
    crops. Stored numbers are of type ``dtype``; networks read them divided by ``unit``.
    """

    sample_rate: int

    kind: ClassVar[str]
    fixed: ClassVar[bool]
    dtype: ClassVar[type[np.generic]]
    unit: ClassVar[int]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(frequency, time) of a clip's feature; time is 0 where it differs from clip to clip."""

    @property
    def padding(self) -> int:
        """The stored value that stands for no sound.

        An empty or silent clip is full of it, and it lies beside a clip shorter than a crop.
        """
        return 0

    def mistakes(self) -> Iterator[str]:
        """Sentences on settings that do not fit together; they begin in lower case."""
        yield from ()

    @abstractmethod
    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) in [-1, 1] -> (frequency, time), or (frames, frequency), at least one."""


def resolved(entry: Mapping[str, Any], sample_rate: int) -> dict[str, Any]:
    """Return a config entry with ``sample_rate`` (Hz, at most 44,100) where it says auto.

    Its window and hop are those at 44,100 Hz, scaled, the window up to the next power of two, and
    no frequency lies above half the rate. An entry with a number stays as it is, and so do other
    settings of a kind in a user's own file.
    """
    if entry.get("sample_rate") != AUTO:
        return dict(entry)
    if sample_rate == AUTO_HIGHEST_RATE or own_parts.is_own(entry["kind"]):
        return {**entry, "sample_rate": sample_rate}
    # With the defaults of what the entry leaves out.
    result = to_dict(parse({**entry, "sample_rate": AUTO_HIGHEST_RATE}, check=False))
    if "window_samples" in result:
        least = math.ceil(result["window_samples"] * sample_rate / AUTO_HIGHEST_RATE)
        result["window_samples"] = 1 << (least - 1).bit_length()
    if "hop_samples" in result:
        hop = round(result["hop_samples"] * sample_rate / AUTO_HIGHEST_RATE)
        result["hop_samples"] = max(1, hop)
    if "highest_hz" in result:
        result["highest_hz"] = min(result["highest_hz"], sample_rate / 2)
    return {**result, "sample_rate": sample_rate}


def parse(entry: Mapping[str, Any], check: bool = True) -> Feature:
    """Return the feature that a config entry (kind and its settings) describes.

    Raises EarmarkError for an unknown kind or setting, and, with ``check``, for settings that do
    not fit together.
    """
    # By name and not by statement: a script's code hash leaves out what is imported like this. The
    # hash of the kind's own module is another parameter of its rule.
    catalogue = import_module("earmark.features.catalogue")
    kind = entry.get("kind")
    if isinstance(kind, str) and own_parts.is_own(kind):
        with own_parts.explained(kind):
            return _parsed(_own_class(kind), entry, check)
    if kind not in catalogue.KINDS:
        known = ", ".join(catalogue.KINDS)
        raise EarmarkError(f"There is no feature kind '{kind}'. Write one of: {known}.")
    feature_class = getattr(import_module(catalogue.module_of(kind)), catalogue.KINDS[kind][1])
    return _parsed(feature_class, entry, check)


def _own_class(kind: str) -> type[Feature]:
    """The class in a user's own file: it checks what it computes, and other processes load it."""
    found = own_parts.load(kind)
    if not (isinstance(found, type) and issubclass(found, Feature)):
        raise TypeError("it is not derived from earmark.features.settings.Feature.")

    class Own(found):  # type: ignore[misc, valid-type]
        def __reduce__(self) -> tuple[Any, ...]:
            return parse, (to_dict(self), False)

        def compute(self, samples: np.ndarray) -> np.ndarray:
            with own_parts.explained(kind):
                values = super().compute(samples)
                shape = self.shape if self.fixed else (max(1, len(values)), self.shape[0])
                if values.shape != shape or values.dtype != self.dtype:
                    expected = f"{np.dtype(self.dtype)} of {shape}"
                    raise ValueError(f"it gives {values.dtype} of {values.shape}, not {expected}.")
                if not np.isfinite(values).all():
                    raise ValueError("some of its values are NaN or infinite.")
            return values

    Own.kind = kind
    return Own


def _parsed(feature_class: type[Feature], entry: Mapping[str, Any], check: bool) -> Feature:
    settings = {name: value for name, value in entry.items() if name != "kind"}
    known_settings = {field.name for field in fields(feature_class)}
    unknown = sorted(set(settings) - known_settings)
    if unknown:
        raise EarmarkError(
            f"The feature kind '{feature_class.kind}' has no setting '{unknown[0]}'. It has: "
            f"{', '.join(sorted(known_settings))}."
        )
    feature: Feature = feature_class(**settings)
    for mistake in feature.mistakes() if check else ():
        raise EarmarkError(mistake[0].upper() + mistake[1:])
    return feature


def to_dict(feature: Feature) -> dict[str, Any]:
    """Return the config entry that ``parse`` turns back into this feature."""
    return {"kind": feature.kind, **asdict(feature)}
