"""Figures of spectrograms: examples, reconstructions, filters and their feature maps.

Report, sections 2, 3 and 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from earmark.features.store import FeatureStore
from earmark.reporting import figures
from earmark.runtime.errors import EarmarkError

IMAGE: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}
DECIBELS = "dB relative to the clip's maximum"


@dataclass(frozen=True)
class Spectrogram:
    """A clip's spectrogram: values (frequency, time) as networks read them, 0 loudest, 1 floor.

    It covers the entire clip, from 0 to ``seconds`` and from 0 to ``highest_khz``.
    """

    values: np.ndarray
    seconds: float
    highest_khz: float
    range_db: float
    title: str


def read(store: FeatureStore, clips: Any) -> list[Spectrogram]:
    """Return the spectrograms of rows (clip, label, seconds).

    Raises EarmarkError when the features are of another kind than stft.
    """
    settings = store.settings
    if settings["kind"] != "stft":
        raise EarmarkError(
            f"The features {store.path} have the kind '{settings['kind']}', but the figures show "
            f"entire clips. Set `report.filters_of` to a system whose feature has kind stft, and "
            f"`report.autoencoder` to an autoencoder of one."
        )
    images = store.images(store.rows_of(clips["clip"])) / 255
    return [
        Spectrogram(
            values=image,
            seconds=float(clip.seconds),
            highest_khz=settings["sample_rate"] / 2000,
            range_db=settings["range_db"],
            title=f"{figures.readable(clip.label)}\n{clip.clip}, {clip.seconds:.2f} s",
        )
        for image, clip in zip(images, clips.itertuples(), strict=True)
    ]


def draw(axes: mpl.axes.Axes, spectrogram: Spectrogram) -> Any:
    """Draw a spectrogram in dB with its axes in seconds and kHz; return the image."""
    image = axes.imshow(
        -spectrogram.range_db * spectrogram.values,
        extent=(0.0, spectrogram.seconds, 0.0, spectrogram.highest_khz),
        cmap="magma",
        vmin=-spectrogram.range_db,
        vmax=0,
        **IMAGE,
    )
    axes.set_title(spectrogram.title, fontsize=10)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("frequency (kHz)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(mpl.ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
    return image


def examples(spectrograms: Sequence[Spectrogram]) -> Figure:
    """Draw spectrograms side by side with one dB scale."""
    figure = Figure(figsize=(1 + 4.6 * len(spectrograms), 4.2), layout="constrained")
    grid = figure.subplots(1, len(spectrograms), squeeze=False)[0]
    for axes, spectrogram in zip(grid, spectrograms, strict=True):
        image = draw(axes, spectrogram)
    for axes in grid[1:]:
        axes.set_ylabel("")
    figure.colorbar(image, ax=list(grid), label=DECIBELS)
    return figure


def reconstructions(spectrograms: Sequence[Spectrogram], outputs: np.ndarray) -> Figure:
    """Draw spectrograms above their reconstructions (n, frequency, time), with one dB scale.

    Values outside [0, 1] are clipped in the figure, but not in the reconstruction's error.
    """
    figure = Figure(figsize=(1 + 4 * len(spectrograms), 7), layout="constrained")
    upper, lower = figure.subplots(2, len(spectrograms), squeeze=False)
    for column, (spectrogram, values) in enumerate(zip(spectrograms, outputs, strict=True)):
        draw(upper[column], spectrogram).axes.set_xlabel("")
        error = float(np.square(values - spectrogram.values).mean())
        title = f"reconstruction\nmean squared error {error:.4f}"
        image = draw(lower[column], replace(spectrogram, values=values, title=title))
    for axes in (*upper[1:], *lower[1:]):
        axes.set_ylabel("")
    figure.colorbar(image, ax=[*upper, *lower], label=DECIBELS)
    return figure


def _grid_of(count: int) -> tuple[int, int]:
    """Rows and columns for ``count`` panels: 32 are 4 x 8."""
    columns = min(8, count)
    return -(-count // columns), columns


def filters(preferred: np.ndarray, bin_hertz: float, title: str) -> Figure:
    """Draw the inputs (filters, bins, frames) that filters respond to most, low bins below.

    All panels have one scale. As an input of 0 is the loudest, colours show the negated inputs:
    higher is louder. ``bin_hertz`` is the height of a bin.
    """
    count, bins, frames = preferred.shape
    rows, columns = _grid_of(count)
    # Cells are square unless that makes panels too narrow or too flat.
    height = min(3.0, max(0.8, 1.1 * bins / frames))
    figure = Figure(figsize=(2.2 + 1.15 * columns, 1.3 + (height + 0.3) * rows))
    figure.set_layout_engine("constrained")
    figure.suptitle(
        f"{title}\n{bins} bins of {bin_hertz:.0f} Hz (upwards) by {frames} frames (rightwards)",
        fontsize=12,
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    largest = float(np.abs(preferred).max())
    for number, axes in enumerate(grid):
        if number >= count:
            axes.set_visible(False)
            continue
        image = axes.imshow(-preferred[number], cmap="RdBu_r", vmin=-largest, vmax=largest, **IMAGE)
        axes.set_title(str(number + 1), fontsize=9, pad=3)
        axes.set_xticks([])
        axes.set_yticks([])
    bar = figure.colorbar(image, ax=list(grid), fraction=0.03, aspect=40)
    bar.set_label(
        "quieter  \N{LEFTWARDS ARROW}  input (norm 1) that the filter prefers  "
        "\N{RIGHTWARDS ARROW}  louder"
    )
    return figure


def feature_maps(spectrogram: Spectrogram, maps: np.ndarray, title: str) -> Figure:
    """Draw a spectrogram above a layer's feature maps (filters, frequency, time) of it.

    Maps have the spectrogram's axes, and each its own scale from its lowest value to its highest.
    """
    rows, columns = _grid_of(len(maps))
    figure = Figure(figsize=(max(5.0, 1.35 * columns), 4.0 + 1.3 * rows))
    figure.set_layout_engine("constrained")
    note = "each map on its own scale: dark is its lowest value, yellow its highest"
    figure.suptitle(f"{title}\n{note}", fontsize=12)
    cells = figure.add_gridspec(rows + 1, columns, height_ratios=(3.2, *[1.3] * rows))
    top = figure.add_subplot(cells[0, :])
    image = draw(top, spectrogram)
    figure.colorbar(image, ax=top, label=DECIBELS, fraction=0.06)
    for number, values in enumerate(maps):
        row, column = divmod(number, columns)
        axes = figure.add_subplot(cells[row + 1, column])
        axes.imshow(values, extent=image.get_extent(), cmap="viridis", **IMAGE)
        axes.set_title(str(number + 1), fontsize=9, pad=3)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure
