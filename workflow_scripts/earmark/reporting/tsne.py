"""Figures of latents or spectrograms in two dimensions: labels before and after spreading.

Report, section 4; t-SNE after van der Maaten and Hinton (2008).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from earmark.reporting import figures

# As few panels as there may be: one for up to 12 classes, at most four, with up to 20 classes each,
# which can still be told apart.
PANELS, PANEL_CLASSES = 4, 12
MOST_CLASSES = 80
EDGE = 0.7
VERIFIED: dict[str, Any] = {
    **{"marker": "o", "linestyle": "", "markerfacecolor": "0.8", "markeredgecolor": figures.BLACK},
    **{"markeredgewidth": EDGE, "label": "verified"},
}
WRONG: dict[str, Any] = {
    **{"marker": "x", "linestyle": "", "color": figures.BLACK, "markersize": 5},
    **{"markeredgewidth": 0.9, "label": "wrong label"},
}
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
    points: np.ndarray,
    given: Sequence[str],
    spread: Sequence[str],
    title: str,
    verified: np.ndarray | None = None,
    true: Sequence[str] | None = None,
) -> Figure:
    """Draw t-SNE points (n, 2) twice: left by given label, right by label after spreading.

    Each side has up to four panels. A panel shows some of the classes in colour, the same ones on
    both sides, and the others in grey. Undecided clips, which have an empty label after spreading,
    are grey. So are all but the largest classes, where there are many of them. ``verified`` (n,)
    clips have a black edge; crosses mark labels that are not the ``true`` ones (empty: unknown).
    """
    sizes = Counter(given)
    classes = sorted(sorted(sizes, key=lambda label: (-sizes[label], label))[:MOST_CLASSES])
    if len(sizes) > MOST_CLASSES:
        title += f"; the {MOST_CLASSES} largest of {len(sizes)} classes in colour"
    count = min(PANELS, -(-len(classes) // PANEL_CLASSES))
    panels = np.array_split(np.array(classes, dtype=object), count)
    # Of each legend.
    columns = 1 if max(map(len, classes)) > LONGEST_IN_COLUMNS else 2
    lines = max(-(-len(part) // columns) for part in panels)
    height = 0.8 + len(panels) * (4.2 + 0.18 * lines)
    figure = Figure(figsize=(8.8, height), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(panels), 2, squeeze=False)
    edges = np.zeros(len(points), bool) if verified is None else verified
    truth = np.array(given if true is None else true, dtype=object)
    for pair, part in zip(grid, panels, strict=True):
        for axes, labels in zip(pair, (given, spread), strict=True):
            names = np.array(labels, dtype=object)
            _scatter(axes, points, names, part, columns, edges)
            wrong = (names != truth) & (names != "") & (truth != "") & np.isin(names, part)
            if true is not None:
                axes.plot(*points[wrong].T, **WRONG)
    marks = [Line2D([], [], **VERIFIED)] * bool(edges.any()) + [Line2D([], [], **WRONG)] * (
        true is not None
    )
    if marks:
        figure.legend(handles=marks, loc="outside lower center", ncols=2, frameon=False)
    grid[0, 0].set_title("labels as given")
    grid[0, 1].set_title("labels after spreading")
    return figure


def _scatter(
    axes: mpl.axes.Axes,
    points: np.ndarray,
    labels: np.ndarray,
    classes: np.ndarray,
    columns: int,
    verified: np.ndarray,
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
            linewidths=np.where(verified[clips], EDGE, 0).tolist(),
            edgecolors=figures.BLACK,
            label=f"{figures.readable(label)} ({clips.sum()})",
        )
    axes.set_xticks([])
    axes.set_yticks([])
    legend = axes.legend(
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
    for handle in filter(None, legend.legend_handles):
        mpl.artist.setp(handle, linewidth=0)
