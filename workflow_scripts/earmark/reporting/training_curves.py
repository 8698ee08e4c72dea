"""Figures of training: curves over epochs and rounds, and self-training's thresholds.

Report, sections 3 and 6.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from earmark.labels.threshold_schedule import ThresholdSchedule
from earmark.reporting import figures

PARTS = (("train", figures.BLUE), ("validation", figures.ORANGE))
Y_LABELS = {"loss": "loss (cross entropy)", "accuracy": "accuracy", "map3": "MAP@3"}
KEPT: dict[str, Any] = {
    **{"color": figures.BLACK, "markersize": 5, "label": "kept epoch"},
    "clip_on": False,  # a score of 1 lies on the frame
}
# More round numbers than this do not fit side by side.
ROUND_LABELS = 10


def training_curves(history: pd.DataFrame, title: str) -> Figure:
    """Draw loss, accuracy and MAP@3 per epoch, counted through all rounds.

    ``history`` has a row per epoch with any of train_loss, validation_loss, train_accuracy,
    validation_accuracy, validation_map3, and the ``round``: 0 is the base model. With several
    rounds, a line marks the start of each, and the upper axis counts them. The epochs that are
    ``kept``, where the history says it, have a diamond.
    """
    panels = ["loss", "accuracy", *(["map3"] if "validation_map3" in history else [])]
    figure = Figure(figsize=(6 * len(panels), 4.6), layout="constrained")
    figure.suptitle(title)
    epochs = pd.Series(np.arange(1, len(history) + 1))
    starts = epochs.groupby(history["round"].to_numpy()).first()
    for axes, name in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _curves(axes, history, name)
        if len(starts) > 1:
            _mark_rounds(axes, starts)
        axes.set_ylabel(Y_LABELS[name])
        if name != "loss":
            axes.set_ylim(0, 1)
    _legend(figure)
    return figure


def _curves(axes: mpl.axes.Axes, history: pd.DataFrame, name: str) -> None:
    epochs = np.arange(1, len(history) + 1)
    for part, colour in PARTS:
        if f"{part}_{name}" in history:
            # A single epoch is no line.
            mark = "o" if len(history) == 1 else ""
            values = history[f"{part}_{name}"]
            known = values.notna().to_numpy()
            line = axes.plot(epochs[known], values[known], color=colour, marker=mark, label=part)
            line[0].set_linewidth(1.3)
            kept = history.get("kept", pd.Series(False, history.index)).to_numpy()
            if part == "validation" and kept.any():
                axes.plot(epochs[kept], values[kept], "D", **KEPT)
    axes.set_xlabel("epoch")
    axes.set_xlim(0.5, len(history) + 0.5)
    figures.whole_numbers_on(axes.xaxis)


def _mark_rounds(axes: mpl.axes.Axes, starts: pd.Series) -> None:
    """Mark the first epoch (``starts``, by round) of each round, and number the rounds above."""
    for number, start in starts.items():
        if number > 0:
            axes.axvline(start - 0.5, color="0.8", linewidth=0.8, zorder=0)
    shown = starts[starts.index % -(-len(starts) // ROUND_LABELS) == 0]
    upper = axes.secondary_xaxis("top")
    # Names are to the right of their round's start.
    upper.set_xticks(shown - 0.5, [str(number or "base") for number in shown.index], ha="left")
    upper.set_xlabel("round of self-training")


def _legend(figure: Figure) -> None:
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)


def autoencoder_curves(history: pd.DataFrame) -> Figure:
    """Draw train and validation loss per epoch and mark the lowest validation loss.

    Without validation clips, the lowest train loss is marked.
    """
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    _curves(axes, history, "loss")
    losses = history.get("validation_loss", history["train_loss"])
    epoch, lowest = int(losses.argmin()) + 1, losses.min()
    name = f"lowest: {lowest:.4f} in epoch {epoch}"
    axes.plot([epoch], [lowest], "D", color=figures.BLACK, markersize=6, label=name)
    # The loss of the first epochs is a hundred times that of the last ones.
    axes.set_yscale("log")
    # The log scale's own formatter writes formulas, which figures do not parse.
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.set_ylabel("mean squared error (inputs are 0 to 1)")
    axes.set_title("Autoencoder: loss")
    _legend(figure)
    return figure


def thresholds(schedules: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the bounds per round of each self-training; what becomes a pseudo-label is shaded.

    ``schedules`` maps names to ``rounds`` and ``schedule``, the fields of a ``ThresholdSchedule``.
    """
    figure = Figure(figsize=(1.5 + 4 * len(schedules), 4.4), layout="constrained")
    grid = figure.subplots(1, len(schedules), sharey=True, squeeze=False)[0]
    grid[0].set_ylabel("highest probability of a clip")
    for axes, (name, setting) in zip(grid, schedules.items(), strict=True):
        count, schedule = setting["rounds"], ThresholdSchedule(**setting["schedule"])
        # Each round is a step of width one, centred on its number.
        edges = np.arange(count + 1) + 0.5
        lower = np.array([schedule.lower(number) for number in range(1, count + 1)])
        upper = np.full(count, schedule.upper)
        band = {"fill": True, "color": figures.SKY, "alpha": 0.35, "linewidth": 0}
        axes.stairs(np.maximum(upper, lower), edges, baseline=lower, label="kept", **band)
        line = {"baseline": None, "linewidth": 1.8}
        axes.stairs(upper, edges, color=figures.RED, label="upper bound", **line)
        axes.stairs(lower, edges, color=figures.BLUE, label="lower bound", **line)
        axes.set_title(f"{name}: {count} rounds")
        axes.set_xlim(0.5, count + 0.5)
        axes.set_ylim(0, 1)
        figures.whole_numbers_on(axes.xaxis)
        axes.set_xlabel("round")
    _legend(figure)
    return figure
