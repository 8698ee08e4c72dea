"""Figures of latents or spectrograms in two dimensions: labels before and after spreading.

Report, section 4; t-SNE after van der Maaten and Hinton (2008).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from earmark.reporting import figures

PANELS = 4
# Classes in colour; a panel has 20 of them, which can still be told apart.
MOST_CLASSES = 80
# Characters of names that fit side by side below a panel.
LONGEST_IN_COLUMNS = 24


def embed(vectors: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """t-SNE of vectors (n, d): points (n, 2).

    ``perplexity`` is about the number of neighbours that are used; it is lower for few clips. For
    fewer than four different vectors, the points are their first two components.
    """
    from sklearn.manifold import TSNE

    if len(np.unique(vectors, axis=0)) < 4 or vectors.shape[1] < 2:
        return np.pad(vectors[:, :2], ((0, 0), (0, max(0, 2 - vectors.shape[1]))))
    deviation = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    scale = np.abs(deviation).max()
    if not 1e-9 < scale < 1e9:
        # Their squares would overflow single precision, and scikit-learn would crash.
        vectors = deviation / scale
    perplexity = min(perplexity, max(1.0, (len(vectors) - 1) / 3))
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)


def before_and_after(
    points: np.ndarray, given: Sequence[str], spread: Sequence[str], title: str
) -> Figure:
    """Draw t-SNE points (n, 2) twice: left by given label, right by label after spreading.

    Each side has up to four panels. A panel shows a quarter of the classes in colour, the same ones
    on both sides, and the others in grey. Undecided clips, which have an empty label after
    spreading, are grey. So are all but the largest classes, where there are many of them.
    """
    sizes = Counter(given)
    classes = sorted(sorted(sizes, key=lambda label: (-sizes[label], label))[:MOST_CLASSES])
    if len(sizes) > MOST_CLASSES:
        title += f"; the {MOST_CLASSES} largest of {len(sizes)} classes in colour"
    panels = np.array_split(np.array(classes, dtype=object), min(PANELS, len(classes)))
    # Of each legend.
    columns = 1 if max(map(len, classes)) > LONGEST_IN_COLUMNS else 2
    lines = max(-(-len(part) // columns) for part in panels)
    height = 0.8 + len(panels) * (4.2 + 0.18 * lines)
    figure = Figure(figsize=(8.8, height), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(panels), 2, squeeze=False)
    for axes, part in zip(grid, panels, strict=True):
        _scatter(axes[0], points, np.array(given, dtype=object), part, columns)
        _scatter(axes[1], points, np.array(spread, dtype=object), part, columns)
    grid[0, 0].set_title("labels as given")
    grid[0, 1].set_title("labels after spreading")
    return figure


def _scatter(
    axes: mpl.axes.Axes, points: np.ndarray, labels: np.ndarray, classes: np.ndarray, columns: int
) -> None:
    others = ~np.isin(labels, classes)
    # As one image inside the SVG: thousands of shapes would make it slow to open.
    grey: dict[str, Any] = {"s": 4, "color": "0.8", "linewidths": 0, "rasterized": True}
    axes.scatter(points[others, 0], points[others, 1], **grey)
    for number, label in enumerate(classes):
        clips = labels == label
        axes.scatter(
            points[clips, 0],
            points[clips, 1],
            s=14,
            color=figures.COLOURS[number % len(figures.COLOURS)],
            marker=figures.MARKS[number % len(figures.MARKS)],
            linewidths=0,
            label=f"{figures.readable(label)} ({clips.sum()})",
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
        ncols=columns,
        frameon=False,
    )
