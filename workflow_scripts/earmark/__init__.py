"""Earmark: learn a sound tagger from partly verified labels.

from earmark import Tagger
tags = Tagger.load("results/demo/tagger")("bird.wav")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earmark.evaluation.tags import Tag, Tags
    from earmark.tagging.tagger import Tagger

__all__ = ["Tag", "Tagger", "Tags"]


def __getattr__(name: str) -> Any:
    # Torch starts slowly, and planning does without it. By name and not by statement: the code hash
    # of every script would change with each edit of the tagger.
    if name in __all__:
        return getattr(import_module("earmark.tagging.tagger"), name)
    raise AttributeError(f"module 'earmark' has no attribute '{name}'")
