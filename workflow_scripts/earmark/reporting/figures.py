"""What all figures share: style, colours and how they are saved.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which colour-blind readers can
distinguish; with more classes than colours, the shapes of their marks differ too.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from earmark.runtime.outputs import atomic_file

# The file must not depend on when or where it was made, nor on anybody's own style of figures.
mpl.rcdefaults()
mpl.rcParams["svg.hashsalt"] = "earmark"
# A dollar sign in a label does not begin a formula.
mpl.rcParams["text.parse_math"] = False

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, RED, BLACK = "#56B4E9", "#D55E00", "#000000"
# Of classes; black edges and crosses lie upon them. Olive is Tol's (2021).
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED, "#999933")
# Six shapes and seven colours: 42 different pairs.
MARKS = ("o", "^", "s", "D", "v", "P")

# Characters of a class name; longer ones leave no room for the data.
LONGEST_NAME = 40


def save(figure: Figure, png: str | Path, svg: str | Path) -> None:
    """Write a figure as PNG and as SVG; the same figure gives the same bytes."""
    _fix_layout(figure)
    with atomic_file(png) as temporary:
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})
    with atomic_file(svg) as temporary:
        figure.savefig(temporary, format="svg", dpi=120, metadata={"Date": None})


def _fix_layout(figure: Figure) -> None:
    """Lay the figure out once and round the positions of its axes.

    The layout's solver differs in the last bits from run to run, and so would names in the SVG,
    which are hashes of positions. Axes in subfigures would escape this.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, low, width, height = (round(float(x), 6) for x in axes.get_position(True).bounds)
        axes.set_position((left, low, width, height))


def readable(label: str) -> str:
    """A class name with spaces, ``Acoustic guitar``; the middle of a long one is left out."""
    text = label.replace("_", " ")
    return text if len(text) <= LONGEST_NAME else f"{text[:24]}\N{HORIZONTAL ELLIPSIS}{text[-15:]}"


def whole_numbers_on(axis: mpl.axis.Axis) -> None:
    """Put an axis's ticks at whole numbers only."""
    axis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
