"""One page for all that a browser shows: sections of tables, figures, diagrams and lists of sounds.

A page is one file that asks the network for nothing. The template escapes every text, and a content
security policy allows the page's own script only.
"""

import base64
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.reporting.media import Media
from earmark.runtime.outputs import write_text

MISSING = "\N{EN DASH}"
HEADINGS = {"map3": "MAP@3", "macro_f1": "macro F1", "f1": "F1", "nll": "nll after"}
HEADINGS["ece"] = "ece after"
FOLDER = Path(__file__).parent
# More sounds than this make a page slow to open.
MOST_SOUNDS = 200


@dataclass(frozen=True)
class Block:
    """Something on a page: the template draws its ``content`` as its ``kind`` says."""

    kind: str
    content: Any
    title: str = ""
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of a page; ``files`` (CSV) can be saved from it."""

    title: str
    blocks: Sequence[Block]
    remarks: Sequence[str] = ()
    files: Sequence[str | Path] = ()


@dataclass(frozen=True)
class Interval:
    """A cell: a value and its interval as texts, and as percents of the cell's axis."""

    text: str
    range: str
    value: float
    low: float
    high: float
    signed: bool


def table(
    frame: pd.DataFrame, title: str = "", digits: int = 3, remarks: Sequence[str] = ()
) -> Block:
    """A frame as a table, numbers with ``digits`` decimals, a dash where there is none.

    The columns x, x_low and x_high become one, drawn on an axis from 0 to 1, or, where one is
    negative, around 0.
    """
    names = [str(name) for name in frame]
    ranged = [name for name in names if {f"{name}_low", f"{name}_high"} <= set(names)]
    bounds = {f"{name}_{end}" for name in ranged for end in ("low", "high")}
    columns: list[list[str | Interval]] = []
    kept = [name for name in names if name not in bounds]
    for name in kept:
        if name not in ranged:
            columns.append([_text(value, digits) for value in frame[name]])
            continue
        parts = frame[[name, f"{name}_low", f"{name}_high"]].astype(float)
        widest = max(parts.abs().max().max(), 1e-9) if (parts < 0).any(axis=None) else 0.0
        columns.append([_interval(row, widest, digits) for row in parts.to_numpy()])
    content = {
        "headings": [HEADINGS.get(name, name.replace("_", " ")) for name in kept],
        "rows": list(zip(*columns, strict=True)),
        "numeric": {n for n, name in enumerate(kept) if frame[name].dtype.kind in "fi"},
    }
    return Block("table", content, title, remarks)


def _text(value: Any, digits: int) -> str:
    if pd.isna(value):
        return MISSING
    # z: no minus sign on numbers that round to zero.
    return f"{value:z.{digits}f}" if isinstance(value, float) else str(value)


def _interval(numbers: np.ndarray, widest: float, digits: int) -> str | Interval:
    """A cell of value, low and high; its axis goes from 0 to 1, or as ``widest`` around 0."""
    if np.isnan(numbers[0]):
        return MISSING
    value, low, high = (_text(float(number), digits) for number in numbers)
    bottom, span = (-widest, 2 * widest) if widest else (0.0, 1.0)
    at, start, end = (100 * (numbers - bottom) / span).round(1).tolist()
    return Interval(value, f"{low} to {high}", at, start, end, bool(widest))


def figures(paths: Mapping[str, str | Path], width: int, title: str) -> Block:
    """Figures (title -> file), ``width`` pixels wide: SVG as it is, PNG as the smaller WebP."""
    from PIL import Image

    drawn = []
    for name, path in paths.items():
        kind, content = "svg+xml", Path(path).read_bytes()
        if Path(path).suffix == ".png":
            kind, file = "webp", io.BytesIO()
            Image.open(path).convert("RGB").save(file, "WEBP", quality=70)
            content = file.getvalue()
        drawn.append((name, f"data:image/{kind};base64,{base64.b64encode(content).decode()}"))
    return Block("figures", {"figures": drawn, "width": width}, title)


@dataclass(frozen=True)
class Sound:
    """A clip in a list.

    ``keys`` are what it can be sorted by and, where they are texts, filtered by: heading -> value.
    ``guesses`` are (label, probability, remark), ``references`` (heading, name) of clips to compare
    it with.
    """

    name: str
    media: Media
    keys: Mapping[str, str | float]
    guesses: Sequence[tuple[str, float, str]] = ()
    note: str = ""
    references: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Review:
    """What a list needs to be decided on: each sound's key "given label" is right or wrong.

    Decisions are kept in the browser by the data's ``hash`` and saved as ``file``. ``references``
    are the media of clips to compare with, by name.
    """

    hash: str
    file: str
    classes: Sequence[str]
    references: Mapping[str, Media]


def sounds(listed: Sequence[Sound], shown: Sequence[str], review: Review | None = None) -> Block:
    """A list of sounds with players; ``shown`` are the keys that are written beside each."""
    pairs = [(heading, value) for sound in listed for heading, value in sound.keys.items()]
    headings = list(dict.fromkeys(heading for heading, _ in pairs))
    filters = {
        heading: sorted(Counter(v for h, v in pairs if h == heading and isinstance(v, str)).items())
        for heading in headings
    }
    filters = {heading: counts for heading, counts in filters.items() if counts}
    content: dict[str, Any] = {"sounds": listed, "shown": shown, "review": review}
    content |= {"headings": headings, "filters": filters}
    return Block("sounds", content)


def write_table(
    data: pd.DataFrame,
    shown: pd.DataFrame,
    title: str,
    digits: int,
    remarks: Sequence[str],
    csv: str | Path,
    page: str | Path,
) -> None:
    """Write ``data`` as CSV, and a page with what is ``shown`` of it."""
    tables.write_table(data, csv)
    write(page, title, [Section(title, [table(shown, title, digits)], remarks, [csv])])


def write(
    path: str | Path, title: str, sections: Sequence[Section], pages: Sequence[str] = ()
) -> None:
    """Write a page; ``pages`` are files beside it, itself among them, that it leads to."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["file"] = lambda file: base64.b64encode(Path(file).read_bytes()).decode()
    environment.filters["name"] = lambda file: Path(file).name
    css, script = (
        (FOLDER / f"web_page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
    )
    text = environment.get_template("web_page.html").render(
        title=title,
        sections=sections,
        pages=[(number, file, file == Path(path).name) for number, file in enumerate(pages, 1)],
        css=css,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(path, text)
