"""The corpus of bad input: every kind that is made and tried, with what is expected of it.

Each part has a module of its own, ``bad_*.py``, with its list ``KINDS`` and the way to spoil
something good; the tests of that part try each kind. ``python tests/corpus.py`` prints the table
of docs/robustness.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A kind of bad input.

    ``name`` says in a few words what is wrong. ``expected`` is the status that the clip must get,
    or the words that the error's sentence must contain. ``spoil`` makes it from something good;
    what it takes and gives is the part's own.
    """

    name: str
    expected: str
    spoil: Callable[..., Any]

    def __str__(self) -> str:
        return self.name
