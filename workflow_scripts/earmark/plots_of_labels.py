"""Figures of the labels: clips per class, and labels before and after spreading.

Report, sections 1, 4 and 8.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from earmark import plots

PANELS = 4
# Of the t-SNE figure, in inches: a panel's edge, beside panels, and above them.
PANEL, GAP, HEAD = 3.9, 0.3, 0.9


def count_clips(clips: pd.DataFrame) -> pd.DataFrame:
    """Count a manifest's train clips whose status is ok.

    Returns rows (label, verified, not_verified, clips), the largest class first, equal ones by
    name.
    """
    usable = clips[(clips["split"] == "train") & (clips["status"] == "ok")]
    counts = usable.groupby("label")["verified"].agg(verified="sum", clips="size").reset_index()
    counts["not_verified"] = counts["clips"] - counts["verified"]
    counts = counts.sort_values(["clips", "label"], ascending=[False, True], ignore_index=True)
    return counts[["label", "verified", "not_verified", "clips"]]


def clips_per_class(counts: pd.DataFrame) -> Figure:
    """Draw rows (label, verified, not_verified, clips) as stacked bars, the first row on top."""
    figure = Figure(figsize=(8, 1.3 + 0.22 * len(counts)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(counts))
    left = np.zeros(len(counts))
    parts = (
        ("verified", "label verified", plots.BLUE),
        ("not_verified", "not verified", plots.ORANGE),
    )
    for column, name, colour in parts:
        axes.barh(places, counts[column], left=left, height=0.8, color=colour, label=name)
        left += counts[column].to_numpy()
    for place, total in zip(places, counts["clips"], strict=True):
        axes.annotate(
            str(total), (total, place), (3, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_yticks(places, [plots.readable(label) for label in counts["label"]], fontsize=9)
    axes.set_ylim(len(counts) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * max(1, counts["clips"].max()))
    plots.count_axis(axes)
    axes.set_xlabel("train clips")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def before_and_after(
    points: np.ndarray, given: Sequence[str], spread: Sequence[str], title: str
) -> Figure:
    """Draw t-SNE points (n, 2) twice: left by given label, right by label after spreading.

    Each side has up to four panels, and each panel a quarter of the classes in colour, the rest
    grey; the same classes lie side by side. An empty label after spreading means undecided: such
    clips stay grey.
    """
    classes = sorted(set(given))
    panels = plots.shared_out(classes, min(PANELS, len(classes)))
    lines = max(-(-len(part) // 2) for part in panels)  # of each legend
    row = PANEL + 0.3 + 0.17 * lines
    width, height = 2 * PANEL + 3 * GAP, HEAD + len(panels) * row
    figure = Figure(figsize=(width, height))
    figure.text(0.5, 1 - 0.25 / height, title, ha="center", va="center", fontsize=14)
    headings = ("labels as given", "labels after spreading")
    for side, (labels, heading) in enumerate(zip((given, spread), headings, strict=True)):
        left = GAP + side * (PANEL + GAP)
        middle = (left + PANEL / 2) / width
        figure.text(middle, 1 - 0.65 / height, heading, ha="center", va="center", fontsize=12)
        for number, part in enumerate(panels):
            low = height - HEAD - number * row - PANEL
            place = (left / width, low / height, PANEL / width, PANEL / height)
            _scatter(figure.add_axes(place), points, np.array(labels, dtype=object), part)
    return figure


def _scatter(axes: mpl.axes.Axes, points: np.ndarray, labels: np.ndarray, part: list[str]) -> None:
    others = ~np.isin(labels, part)
    # As a picture inside the SVG: as thousands of shapes they would make it slow to open.
    grey: dict[str, Any] = {"s": 4, "color": "0.8", "linewidths": 0, "rasterized": True}
    axes.scatter(points[others, 0], points[others, 1], **grey)
    for number, label in enumerate(part):
        mine = labels == label
        colour, mark = plots.style_of(number)
        axes.scatter(
            points[mine, 0],
            points[mine, 1],
            s=14,
            color=colour,
            marker=mark,
            linewidths=0,
            label=f"{plots.readable(label)} ({mine.sum()})",
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(
        fontsize=8,
        markerscale=1.6,
        loc="upper left",
        bbox_to_anchor=(0, -0.02),
        borderaxespad=0,
        borderpad=0,
        handletextpad=0.2,
        columnspacing=1.0,
        ncols=2,
        frameon=False,
    )
