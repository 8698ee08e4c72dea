"""The figure of a sweep: scores of its settings, and their differences from the first."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from earmark.reporting import figures

SCORES = (("accuracy", "accuracy", figures.BLUE), ("map3", "MAP@3", figures.ORANGE))


def sweep_figure(table: pd.DataFrame) -> Figure:
    """Draw rows of ``evaluation.sweeps.table``, the first on top, with 95 % intervals."""
    rows = np.arange(len(table))
    figure = Figure(figsize=(13, 1.6 + 0.45 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for shift, (name, label, colour) in zip((-0.12, 0.12), SCORES, strict=True):
        for axes, key in ((left, name), (right, f"{name}_difference")):
            middle, low, high = (
                table[f"{key}{end}"].astype(float) for end in ("", "_low", "_high")
            )
            axes.hlines(rows + shift, low, high, color=colour, linewidth=1.5)
            axes.plot(middle, rows + shift, "o", color=colour, markersize=5, label=label)
    left.set_yticks(rows, table["system"], fontsize=8)
    left.set_ylim(len(rows) - 0.5, -0.5)
    left.set_xlabel("score on the clips held out")
    right.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    right.set_xlabel(f"difference from {table['system'].iloc[0]}")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return figure
