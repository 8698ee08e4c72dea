"""Class probabilities of clips by a network: for validation while training, and for `predict`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from earmark.features import finite
from earmark.features.store import FeatureStore
from earmark.inference import batches
from earmark.inference.batches import Crops
from earmark.inference.hardware import Hardware
from earmark.inference.tensor_store import TensorStore
from earmark.networks import saved_models
from earmark.networks.build import build

if TYPE_CHECKING:
    from earmark.features.settings import Feature


def build_for(store: "FeatureStore | Feature", model: Mapping[str, Any], classes: int) -> nn.Module:
    """The untrained network of ``model``, for the inputs of a store or a kind of feature.

    ``model`` has ``network``, ``network_options`` and ``recipe``, as in the config and in models'
    metadata.
    """
    shape = batches.input_shape(store, Crops.of_recipe(model["recipe"]))
    return build(model["network"], shape, classes, **model["network_options"])


def load(
    store: FeatureStore, weights: str | Path, metadata: str | Path
) -> tuple[nn.Module, Crops, dict[str, Any]]:
    """A trained network, its crops and its metadata. Raises EarmarkError if it is damaged."""
    model = saved_models.read_metadata(
        metadata, {"network": str, "network_options": dict, "recipe": dict, "classes": list}
    )
    try:
        crops = Crops.of_recipe(model["recipe"])
    except KeyError as problem:
        raise saved_models.damaged_metadata(metadata, problem) from problem
    module = build_for(store, model, len(model["classes"]))
    saved_models.load(module, weights)
    return module, crops, model


@torch.no_grad()
def predict(
    module: nn.Module,
    store: FeatureStore | TensorStore,
    rows: np.ndarray,
    crops: Crops,
    hardware: Hardware,
    classes: int,
) -> np.ndarray:
    """Class probabilities (n, classes) of the store's ``rows``, averaged over a clip's crops."""
    module.eval()
    total = torch.zeros(len(rows), classes)
    count = torch.zeros(len(rows), 1)
    for indices, inputs in batches.prediction_batches(store, rows, crops, hardware.device):
        with hardware.autocast():
            logits: Tensor = module(inputs)
        probabilities = logits.float().softmax(1).cpu()
        clips = torch.from_numpy(indices)
        total.index_add_(0, clips, probabilities)
        count.index_add_(0, clips, torch.ones(len(clips), 1))
    return (total / count.clamp_min(1)).numpy()


def check_finite(clips: Sequence[str], probabilities: np.ndarray, learning_rate: float) -> None:
    """Raise EarmarkError, with the clips' names, where probabilities are not finite."""
    finite.check_clips(
        "predictions",
        clips,
        probabilities,
        f"Look at them in clips/*.csv, or lower the recipe's learning_rate ({learning_rate:g}).",
    )
