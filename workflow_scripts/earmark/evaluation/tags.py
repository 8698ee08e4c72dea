"""Tags: the most probable labels of sounds, and their table, ``tags.csv``.

Columns: clip, start, end (seconds; empty for a whole file), label, probability, rank (from 1),
problem (status and reason; of a sound that is heard too, such as one that is longer than what is
used of it). A clip that cannot be heard has one row without a label.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from earmark.dataset import audio, csv_files
from earmark.inference import metrics

COLUMNS = ("clip", "start", "end", "label", "probability", "rank", "problem")
Row = tuple[Any, ...]


class Tag(NamedTuple):
    """A label and its probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class Tags:
    """``probabilities`` (n, classes) of n clips.

    They are NaN for a clip that cannot be heard; then ``problems`` (n,) says why. Of others it says
    what is remarkable, such as "truncated: ...", or nothing.
    """

    classes: list[str]
    probabilities: np.ndarray
    problems: list[str]

    @property
    def unheard(self) -> int:
        """How many clips cannot be heard."""
        return int(np.isnan(self.probabilities[:, 0]).sum())

    def best(self, top: int = 3, threshold: float = 0.0) -> list[list[Tag]]:
        """Up to ``top`` tags of each clip, best first, of at least the probability ``threshold``.

        There are none for a clip that cannot be heard.
        """
        order = metrics.top_classes(self.probabilities, top)
        return [
            [Tag(self.classes[at], float(row[at])) for at in best if row[at] >= threshold]
            for row, best in zip(self.probabilities, order, strict=True)
        ]

    def rows(self, places: Iterable[Row], top: int = 3, threshold: float = 0.0) -> list[Row]:
        """Rows of the table; ``places`` are the clips' cells clip, start and end."""
        found = zip(
            places, self.best(top, threshold), self.problems, self.probabilities, strict=True
        )
        rows: list[Row] = []
        for place, best, problem, values in found:
            for rank, (label, probability) in enumerate(best, start=1):
                rows.append((*place, label, round(probability, 6), rank, problem))
            if np.isnan(values[0]):
                rows.append((*place, None, None, None, problem))
        return rows


def reason(status: str, problem: str) -> str:
    """A clip's status and problem in words; nothing where all is well."""
    return problem if status == "ok" else f"{status}: {problem or audio.STATUSES[status]}"


def header(form: str = "csv") -> bytes:
    """The first line of a table of the ``form`` csv; nothing of jsonl."""
    return encoded([COLUMNS]) if form == "csv" else b""


def encoded(rows: Iterable[Row], form: str = "csv") -> bytes:
    """Rows as CSV, or as JSON lines (``form`` jsonl), with the bytes of odd file names."""
    if form == "jsonl":
        text = "".join(f"{json.dumps(dict(zip(COLUMNS, row, strict=True)))}\n" for row in rows)
    else:
        text = csv_files.to_text(rows)
    return text.encode("utf-8", "surrogateescape")
