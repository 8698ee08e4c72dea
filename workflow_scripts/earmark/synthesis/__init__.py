"""The demo data set: sound models of all 41 classes and the set made of them.

``registry.MODELS`` maps each class to its model, ``dataset.synthesise`` writes a whole set in the
layout of FSDKaggle2018. Nothing is recorded: every clip is computed from the seed.
"""

from earmark.synthesis.dataset import synthesise, synthesise_clip
from earmark.synthesis.registry import MODELS

__all__ = ["MODELS", "synthesise", "synthesise_clip"]
