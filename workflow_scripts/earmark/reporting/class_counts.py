"""Figure of the data set: clips per class, verified and not (report, sections 1 and 8)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from earmark.reporting import figures

# Bars that can be read on one page. Of more classes, the largest and the smallest are drawn.
MOST_BARS = 60


def count_clips(labelled: pd.DataFrame) -> pd.DataFrame:
    """Count clips (label, verified) by label.

    Returns rows (label, verified, unverified, clips), the largest class first, ties by name.
    """
    counts = labelled.groupby("label")["verified"].agg(verified="sum", clips="size").reset_index()
    counts["unverified"] = counts["clips"] - counts["verified"]
    counts = counts.sort_values(["clips", "label"], ascending=[False, True], ignore_index=True)
    return counts[["label", "verified", "unverified", "clips"]]


def clips_per_class(counts: pd.DataFrame) -> Figure:
    """Draw rows (label, verified, unverified, clips) as stacked bars, the first row on top.

    Of many classes, the first and the last rows are drawn, and the figure says so.
    """
    half, classes = MOST_BARS // 2, len(counts)
    if classes > MOST_BARS:
        counts = pd.concat([counts[:half], counts[-half:]], ignore_index=True)
    figure = Figure(figsize=(8, 1.3 + 0.22 * len(counts)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(counts))
    verified, rest, clips = counts["verified"], counts["unverified"], counts["clips"]
    bars = axes.barh(rows, verified, color=figures.BLUE, label="verified")
    if rest.any():
        bars = axes.barh(rows, rest, left=verified, color=figures.ORANGE, label="unverified")
    axes.bar_label(bars, labels=clips.astype(str), padding=3, fontsize=8)
    axes.set_yticks(rows, [figures.readable(label) for label in counts["label"]], fontsize=9)
    axes.set_ylim(len(counts) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * max(1, clips.max()))
    figures.whole_numbers_on(axes.xaxis)
    axes.set_xlabel("train clips")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if classes > MOST_BARS:
        axes.axhline(half - 0.5, color="0.5", linestyle=":")
        title = f"the {half} largest and {half} smallest of {classes} classes"
        axes.set_title(f"{title} (all are in clips_per_class.csv)", fontsize=10)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure
