"""Bundles of small networks with random weights: their numbers are as definite as trained ones."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny import tone

from earmark.features import settings
from earmark.features.settings import Feature
from earmark.inference import batches, predicting
from earmark.inference.batches import Crops
from earmark.inference.tensor_store import TensorStore
from earmark.networks import saved_models
from earmark.tagging import bundle
from earmark.tagging.bundle import Bundle, Combination, System

CLASSES = ["Bark", "Cello", "Flute", "Hi-hat", "Meow"]
FEATURES: dict[str, dict[str, Any]] = {
    "stft": {"kind": "stft", "sample_rate": 16000, "bins": 64, "frames": 56},
    "log_mel": {"kind": "log_mel", "bands": 32},
    "whole": {
        **{"kind": "log_mel", "window_samples": 1021, "hop_samples": 700, "bands": 20},
        **{"range_db": 50.0, "trim_db": 0.0},
    },
    "mfcc": {"kind": "mfcc", "sample_rate": 22050, "highest_hz": 11025.0, "coefficients": 20},
    "raw": {"kind": "raw", "sample_rate": 8000},
}
RECIPE = {"batch_clips": 4, "learning_rate": 1e-3, "epochs": 1}
SYSTEMS: dict[str, dict[str, Any]] = {
    "stft": {"network": "cnn_logmel", "network_options": {"width": 4, "depth": 2}},
    "log_mel": {
        "network": "cnn_logmel",
        "network_options": {"width": 4, "depth": 3},
        "recipe": {"crop_frames": 40, "test_crops": 3},
    },
    "whole": {
        "network": "cnn_logmel",
        "network_options": {"width": 4, "depth": 2},
        "recipe": {"crop_frames": 30},
    },
    "mfcc": {"network": "cnn2d_mfcc", "recipe": {"crop_frames": 32, "test_crops": 2}},
    "raw": {"network": "cnn1d_raw", "recipe": {"crop_frames": 2000, "test_crops": 4}},
}


def make(
    folder: Path,
    kinds: tuple[str, ...] = ("log_mel",),
    combination: str = "arithmetic",
    folds: int = 1,
    longest_seconds: float = 6.0,
    temperature: float = 1.0,
) -> Path:
    """A bundle of a system for each kind; beside it the files that `predict.py` would read."""
    weights = {}
    systems = {}
    (folder / "models").mkdir(parents=True)
    for kind in kinds:
        feature = settings.parse(FEATURES[kind])
        entry: dict[str, Any] = {"network_options": {}, **SYSTEMS[kind]}
        entry["recipe"] = {**RECIPE, **entry.get("recipe", {})}
        files = [f"{kind}_fold{fold}.safetensors" for fold in range(folds)]
        for fold, file in enumerate(files):
            torch.manual_seed(100 * fold + len(kind))
            module = predicting.build_for(feature, entry, len(CLASSES))
            for part in module.modules():  # as if it had learned something
                if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                    part.running_mean += 0.1 * torch.randn_like(part.running_mean)
                    part.running_var *= 1 + torch.rand_like(part.running_var)
            _spread(module.eval(), feature, Crops.of_recipe(entry["recipe"]))
            path = folder / "models" / file
            saved_models.save(path, path.with_suffix(".json"), module, classes=CLASSES, **entry)
            weights[file] = path
        systems[kind] = System(kind, weights=files, temperature=temperature, **entry)
    scores = [0.5 + 0.1 * number for number in range(len(kinds))]
    mean = Combination(
        combination, 0.25, list(kinds), scores if combination == "weighted" else None
    )
    features = {kind: settings.to_dict(settings.parse(FEATURES[kind])) for kind in kinds}
    described = Bundle("tiny", CLASSES, mean, features, systems, longest_seconds, 0.05)
    bundle.write(folder / "tagger", described, weights, "# A tagger\n\nOf random weights.\n")
    return folder / "tagger"


@torch.no_grad()
def _spread(module: torch.nn.Module, feature: Feature, crops: Crops) -> None:
    """Scale the last layer so that sounds get different probabilities, some near 0 and 1."""
    rate = feature.sample_rate
    sounds = [tone(150.0 * 1.5**number, 2.0, rate, seed=number) for number in range(8)]
    store = TensorStore.of_arrays(feature, [feature.compute(sound) for sound in sounds])
    rows = np.arange(len(sounds))
    inputs = batches.prediction_batches(store, rows, crops, torch.device("cpu"))
    logits = torch.cat([module(part) for _, part in inputs])
    *_, last = (part for part in module.modules() if isinstance(part, torch.nn.Linear))
    scale = 2 / logits.std(dim=0)
    last.bias += -logits.mean(dim=0)
    last.bias *= scale
    last.weight *= scale[:, None]
