"""The structure of a network as a diagram (report, sections 3 and 5)."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from earmark.report2018.structure import Block
from earmark.reporting import figures

# Inches: the middle of the solids, where the text begins, and the width of its columns.
MIDDLE, TEXT, SIGN, SHAPE_COLUMN, NUMBER_COLUMN = 2.5, 4.3, 0.073, 1.5, 1.3
WIDEST, DEEPEST, LEAST = 2.4, 0.7, 0.05
GAP, LEAST_ROW, HEAD, FOOT = 0.14, 0.3, 1.0, 0.75

COLOURS = {
    "input": "#BBBBBB",
    "output": "#BBBBBB",
    "convolution": figures.BLUE,
    "1-D convolution": figures.BLUE,
    "transposed convolution": figures.SKY,
    "max pool": figures.ORANGE,
    "average pool": figures.ORANGE,
    "global max pool": figures.ORANGE,
    "upsampling": figures.GREEN,
    "dense": figures.PINK,
}
OTHER = "#DDDDDD"


def diagram(blocks: Sequence[Block], title: str, totals: str) -> Figure:
    """Draw the blocks from top to bottom as solids beside their layers, shapes and parameters.

    A solid's width and depth grow with the square root of frequency and time, its height with the
    logarithm of the channels: sizes from 1 to 500 and channels from 1 to 4096 stay visible.
    """
    largest = max(max(block.size[0], block.size[1]) for block in blocks)
    solids = [_edges(block, largest) for block in blocks]
    rows = [max(LEAST_ROW, high + 0.45 * deep) + GAP for _, deep, high in solids]
    total = HEAD + sum(rows) + FOOT
    shapes = TEXT + SIGN * max(len(block.text) for block in blocks) + SHAPE_COLUMN
    numbers = shapes + NUMBER_COLUMN
    page = numbers + 0.3
    figure = Figure(figsize=(page, total))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, page)
    axes.set_ylim(0, total)
    axes.set_axis_off()
    axes.text(page / 2, total - 0.3, title, ha="center", va="center", fontsize=15)
    heads = (
        (TEXT, "layers", "left"),
        (shapes, "output", "right"),
        (numbers, "parameters", "right"),
    )
    for x, text, side in heads:
        axes.text(x, total - 0.78, text, ha=side, va="center", fontsize=11, color="0.35")
    upper, part = total - HEAD, ""
    for block, solid, row in zip(blocks, solids, rows, strict=True):
        if block.part != part:
            part = block.part
            axes.plot([0.25, numbers], [upper, upper], color="0.7", linewidth=0.8)
            axes.text(
                0.3, upper - 0.1, figures.readable(part), va="top", fontsize=11, style="italic"
            )
        _solid(axes, MIDDLE, upper - row / 2, solid, COLOURS.get(block.kind, OTHER))
        y = upper - row / 2
        axes.text(TEXT, y, block.text, va="center", fontsize=10)
        axes.text(shapes, y, block.shape_text, ha="right", va="center", fontsize=10)
        if block.trainable:
            number = f"{block.trainable:,}"
            axes.text(numbers, y, number, ha="right", va="center", fontsize=10)
        upper -= row
    axes.text(numbers, 0.5, totals, ha="right", va="center", fontsize=10.5)
    note = (
        "Output: frequency x time x channels. Solids: width and depth grow with the square root of "
        "frequency and time,\nheight with the logarithm of the channels."
    )
    axes.text(0.3, 0.4, note, va="center", fontsize=8.5, color="0.35")
    return figure


def _edges(block: Block, largest: int) -> tuple[float, float, float]:
    """Width, depth and height in inches."""
    frequency, time, channels = block.size
    width = max(LEAST, WIDEST * math.sqrt(frequency / largest))
    depth = max(LEAST, DEEPEST * math.sqrt(time / largest))
    return width, depth, LEAST + 0.035 * math.log2(channels)


def _solid(axes: Any, x: float, y: float, edges: tuple[float, float, float], colour: str) -> None:
    """Draw a solid about (x, y); its depth goes to the upper right."""
    width, deep, high = edges
    right, up = 0.6 * deep, 0.45 * deep
    left, low = x - (width + right) / 2, y - (high + up) / 2
    front = [(left, low), (left + width, low), (left + width, low + high), (left, low + high)]
    back = [(across + right, above + up) for across, above in front]
    top = [front[3], front[2], back[2], back[3]]
    side = [front[1], back[1], back[2], front[2]]
    for corners, alpha in ((front, 1.0), (top, 0.55), (side, 0.75)):
        axes.add_patch(Polygon(corners, closed=True, facecolor="white", edgecolor="none"))
        face = Polygon(corners, closed=True, facecolor=colour, alpha=alpha, edgecolor="white")
        face.set_linewidth(0.6)
        axes.add_patch(face)
