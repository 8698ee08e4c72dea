"""Figures. Colours are matplotlib's tab10, at most ten classes in a panel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from earmark.tables import whole_file

# The file must not depend on when or where it was made.
mpl.rcParams["svg.hashsalt"] = "earmark"
COLOURS = [mpl.colormaps["tab10"](number) for number in range(10)]
PANELS = 4


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG or SVG, by the path's suffix."""
    path = Path(path)
    kind = path.suffix.removeprefix(".")
    with whole_file(path) as temporary:
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(temporary, format=kind, dpi=120, metadata=metadata)


def split_over_panels(classes: Sequence[str], panels: int = PANELS) -> list[list[str]]:
    """Share classes out to panels as evenly as possible, in order, so that all are drawn."""
    return [list(part) for part in np.array_split(np.array(classes, dtype=object), panels)]


def before_and_after(
    points: np.ndarray, given: Sequence[str], spread: Sequence[str], title: str
) -> Figure:
    """Draw t-SNE points (n, 2) twice: left by given label, right by label after spreading.

    Each side has four panels and each panel a quarter of the classes in colour, the rest grey. An
    empty label after spreading means undecided: such clips stay grey.
    """
    classes = sorted(set(given))
    panels = split_over_panels(classes, min(PANELS, len(classes)))
    figure = Figure(figsize=(17, 9), layout="constrained")
    figure.suptitle(title)
    sides: Any = figure.subfigures(1, 2, wspace=0.03)
    headings = ("labels as given", "labels after spreading")
    for side, labels, heading in zip(sides, (given, spread), headings, strict=True):
        side.suptitle(heading)
        grid = side.subplots(2, 2, sharex=True, sharey=True).ravel()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes, part in zip(grid, panels, strict=False):
            _scatter(axes, points, np.array(labels, dtype=object), part)
    return figure


def _scatter(axes: mpl.axes.Axes, points: np.ndarray, labels: np.ndarray, part: list[str]) -> None:
    others = ~np.isin(labels, part)
    axes.scatter(points[others, 0], points[others, 1], s=4, color="0.85", linewidths=0)
    for colour, label in zip(COLOURS, part, strict=False):
        mine = labels == label
        axes.scatter(
            points[mine, 0],
            points[mine, 1],
            s=11,
            color=colour,
            linewidths=0,
            label=f"{label} ({mine.sum()})",
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(
        fontsize=7,
        markerscale=1.6,
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=2,
        frameon=False,
    )


def training_curves(history: pd.DataFrame, title: str) -> Figure:
    """Draw loss and accuracy per epoch; round starts are marked where there are rounds."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    epochs = np.arange(1, len(history) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, style in (("train", "-"), ("validation", "--")):
            if f"{part}_{name}" in history:
                axes.plot(epochs, history[f"{part}_{name}"], style, label=part)
        if "round" in history:
            for start in epochs[history["round"].diff().fillna(1).to_numpy() > 0][1:]:
                axes.axvline(start - 0.5, color="0.7", linewidth=0.8)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.legend(frameon=False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure
