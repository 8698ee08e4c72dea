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
# More round numbers than this do not fit side by side.
ROUND_LABELS = 10


def training_curves(history: pd.DataFrame, title: str) -> Figure:
    """Draw loss and accuracy per epoch, counted through all rounds.

    ``history`` has a row per epoch with any of train_loss, validation_loss, train_accuracy,
    validation_accuracy, and the ``round`` it belongs to: 0 is the base model. Where there are
    rounds, a line marks each one's start and the upper edge counts them.
    """
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    figure.suptitle(title)
    epochs = np.arange(1, len(history) + 1)
    starts = _starts(history["round"].to_numpy())
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _curves(axes, epochs, history, name)
        if len(starts) > 1:
            _mark_rounds(axes, starts)
        axes.set_ylabel("loss (cross entropy)" if name == "loss" else "accuracy")
        if name == "accuracy":
            axes.set_ylim(0, 1)
    _legend(figure)
    return figure


def _starts(rounds: np.ndarray) -> dict[int, int]:
    """The first epoch of each round, counted from 1 through all rounds."""
    starts: dict[int, int] = {}
    for epoch, number in enumerate(rounds.tolist(), start=1):
        starts.setdefault(number, epoch)
    return starts


def _curves(axes: mpl.axes.Axes, epochs: np.ndarray, history: pd.DataFrame, name: str) -> None:
    for part, colour in PARTS:
        if f"{part}_{name}" in history:
            # One epoch alone makes no line.
            mark = "o" if len(history) == 1 else ""
            values = history[f"{part}_{name}"]
            axes.plot(epochs, values, color=colour, linewidth=1.3, marker=mark, label=part)
    axes.set_xlabel("epoch")
    axes.set_xlim(0.5, len(history) + 0.5)
    figures.count_axis(axes)


def _mark_rounds(axes: mpl.axes.Axes, starts: Mapping[int, int]) -> None:
    for number, start in starts.items():
        if number > 0:
            axes.axvline(start - 0.5, color="0.8", linewidth=0.8, zorder=0)
    step = -(-len(starts) // ROUND_LABELS)
    shown = [number for number in starts if number % step == 0 or number == 0]
    upper = axes.secondary_xaxis("top")
    names = ["base" if number == 0 else str(number) for number in shown]
    upper.set_xticks([starts[number] - 0.5 for number in shown], names)
    # A name stands to the right of its round's start.
    for text in upper.get_xticklabels():
        text.set_horizontalalignment("left")
    upper.set_xlabel("round of self-training")


def _legend(figure: Figure) -> None:
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)


def autoencoder_curves(history: pd.DataFrame) -> Figure:
    """Draw train and validation loss per epoch and mark the best epoch by validation loss.

    Where no clip is held out, the train loss says which is best.
    """
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    _curves(axes, np.arange(1, len(history) + 1), history, "loss")
    losses = history.get("validation_loss", history["train_loss"])
    best = int(losses.argmin())
    lowest = losses.iloc[best]
    name = f"best: {lowest:.4f} in epoch {best + 1}"
    axes.plot([best + 1], [lowest], "D", color=figures.BLACK, markersize=6, label=name)
    # The first epochs' loss is a hundred times the last ones'.
    axes.set_yscale("log")
    axes.set_ylabel("mean squared error (inputs are 0 to 1)")
    axes.set_title("Autoencoder: loss")
    _legend(figure)
    return figure


def thresholds(schedules: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the bounds per round of each self-training setting; what is kept is shaded.

    A setting has ``rounds`` and the fields of ``ThresholdSchedule``.
    """
    columns = min(3, len(schedules))
    rows = -(-len(schedules) // columns)
    figure = Figure(figsize=(1.5 + 4 * columns, 1 + 3.4 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes in grid[len(schedules) :]:
        axes.set_visible(False)
    for axes, (name, setting) in zip(grid, schedules.items(), strict=False):
        bounds = {key: value for key, value in setting.items() if key != "rounds"}
        schedule, count = ThresholdSchedule(**bounds), setting["rounds"]
        # A round is a step one wide, its number in the middle.
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
        figures.count_axis(axes)
        axes.set_xlabel("round")
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("highest probability of a clip")
    _legend(figure)
    return figure
