"""Batches from a feature file: cropped, augmented, in random order, prefetched by a thread.

Memory holds a few batches, however many clips the file has. The order of clips, the crops and the
augmentations of an epoch follow from its seed alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from earmark.features.store import FeatureStore
from earmark.inference.tensor_store import TensorStore
from earmark.runtime import own_parts

if TYPE_CHECKING:
    from earmark.features.settings import Feature

# Once, so that an edit of the file changes no training that runs.
_load = cache(own_parts.load)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Augmentation:
    """Changes to training inputs; zeros switch each off.

    ``mixup_alpha``: each clip is mixed with another of its batch, in shares drawn from
    Beta(alpha, alpha) (Zhang et al. 2018): the mean of the inputs by these shares, or, with
    ``mixup_of`` "power", what both sound like together, their amplitudes in these shares (after
    Tokozume et al. 2018). For that, inputs are levels from 0 to -``range_db``, divided by it.
    ``mask_bands``, ``mask_frames``: up to so many neighbouring bands or frames are set to silence
    (SpecAugment, Park et al. 2019). ``augmentation``: a function in a user's own file that comes
    before these; it gets inputs, a torch.Generator on their device, and the options, and returns
    inputs of the same shape.
    """

    mixup_alpha: float = 0.0
    mixup_of: str = "inputs"
    range_db: float = 80.0
    mask_bands: int = 0
    mask_frames: int = 0
    augmentation: str = ""
    augmentation_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Crops:
    """How clips are cut for a network: for features without a fixed length.

    Up to ``per_clip`` crops of ``frames`` are spread evenly over a clip, and the probabilities of
    its crops are averaged. ``batch_clips`` inputs go through the network at a time.
    """

    frames: int = 0
    per_clip: int = 1
    batch_clips: int = 32

    @classmethod
    def of_recipe(cls, recipe: Mapping[str, Any]) -> "Crops":
        """The crops of a config's recipe. Batches are twice as large: no gradients are kept."""
        return cls(
            recipe.get("crop_frames", 0), recipe.get("test_crops", 1), 2 * recipe["batch_clips"]
        )


@dataclass(frozen=True)
class Examples:
    """Clips to learn from: rows (n,) of the store, class numbers (n,), weights (n,), names (n,)."""

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    clips: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Batch:
    """inputs (batch, frequency, time); targets (batch, classes); weights, clips (batch,).

    Mixup changes the first three, but the batch is of the same clips as before.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    clips: Sequence[str]


def input_shape(store: "FeatureStore | Feature", crops: Crops) -> tuple[int, int]:
    """(frequency, time) of the inputs that networks get."""
    return store.shape[0], store.shape[1] or crops.frames


def training_batches(
    store: FeatureStore | TensorStore,
    examples: Examples,
    classes: int,
    batch_clips: int,
    crop_frames: int,
    augmentation: Augmentation,
    device: torch.device,
    seed: int,
) -> Iterator[Batch]:
    """Yield one epoch of shuffled batches; a last one of a single clip joins the one before it.

    ``crop_frames`` is the length of the random crops from ragged features; others are not cropped.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples))
    cuts = list(range(batch_clips, len(order), batch_clips))
    if len(order) % batch_clips == 1 and len(order) > 1:
        cuts.pop()  # batch norm has no variance for one clip
    parts = np.split(order, cuts)

    def prepare(part: np.ndarray) -> Batch:
        rows = examples.rows[part]
        if store.fixed:
            values = store.images(rows)
        else:
            starts = random_starts(store.lengths(rows), crop_frames, rng)
            values = store.crops(rows, starts, crop_frames)
        targets = torch.zeros(len(part), classes)
        targets[torch.arange(len(part)), torch.from_numpy(examples.labels[part])] = 1.0
        weights = torch.from_numpy(examples.weights[part]).float()
        clips = [examples.clips[index] for index in part]
        inputs = as_inputs(values, store.unit, device)
        batch = Batch(inputs, targets.to(device), weights.to(device), clips)
        return augment(batch, augmentation, store.padding / store.unit, seed + int(part[0]))

    yield from prefetch(prepare, parts)


def random_starts(lengths: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Where random crops begin: inside longer clips, before shorter ones, which stay complete."""
    spare = lengths - frames
    low, high = np.minimum(spare, 0), np.maximum(spare, 0)
    return rng.integers(low, high, endpoint=True)


def even_starts(length: int, frames: int, crops: int) -> np.ndarray:
    """Where ``crops`` evenly spread crops begin; one in the middle for a clip that is shorter."""
    spare = length - frames
    if spare <= 0:
        return np.array([spare // 2])
    count = min(crops, 1 + -(-spare // frames))
    return np.linspace(0, spare, count).round().astype(int) if count > 1 else np.array([spare // 2])


def augment(batch: Batch, augmentation: Augmentation, silence: float, seed: int) -> Batch:
    """Return the batch with the user's augmentation, masks and mixup applied.

    Weights are mixed like targets. What is masked gets the value ``silence``.
    """
    rng = np.random.default_rng(seed)
    inputs, targets, weights = batch.inputs, batch.targets, batch.weights
    if augmentation.augmentation:
        inputs = _own(inputs, augmentation, seed)
    count, bands, frames = inputs.shape
    keep_bands = _mask(rng, count, bands, augmentation.mask_bands)
    keep_frames = _mask(rng, count, frames, augmentation.mask_frames)
    if not (keep_bands.all() and keep_frames.all()):
        keep = torch.from_numpy(keep_bands).to(inputs.device)[:, :, None]
        keep = keep & torch.from_numpy(keep_frames).to(inputs.device)[:, None, :]
        inputs = inputs.masked_fill(~keep, silence)
    if augmentation.mixup_alpha > 0 and count > 1:
        alpha = augmentation.mixup_alpha
        drawn = rng.beta(alpha, alpha, count).astype(np.float32)
        share = torch.from_numpy(np.maximum(drawn, 1 - drawn)).to(inputs.device)
        partner = torch.from_numpy(rng.permutation(count)).to(inputs.device)
        each = share[:, None, None]
        if augmentation.mixup_of == "power":
            inputs = mixed_power(inputs, inputs[partner], each, augmentation.range_db)
        else:
            inputs = torch.lerp(inputs[partner], inputs, each)
        targets = torch.lerp(targets[partner], targets, share[:, None])
        weights = torch.lerp(weights[partner], weights, share)
    return Batch(inputs, targets, weights, batch.clips)


def _own(inputs: Tensor, augmentation: Augmentation, seed: int) -> Tensor:
    name = augmentation.augmentation
    generator = torch.Generator(inputs.device).manual_seed(seed)
    with own_parts.explained(name):
        changed = _load(name)(inputs, generator, **augmentation.augmentation_options)
        if (changed.shape, changed.dtype) != (inputs.shape, inputs.dtype):
            raise ValueError(
                f"it gives {changed.dtype} of the shape {tuple(changed.shape)} for {inputs.dtype} "
                f"of {tuple(inputs.shape)}."
            )
    return changed


def mixed_power(one: Tensor, other: Tensor, share: Tensor, range_db: float) -> Tensor:
    """Levels of two sounds played together, their amplitudes in the ratio share : 1 - share.

    Levels, of any equal shape, are from 0 (0 dB) to 1 (-``range_db``). Powers of sounds that do not
    depend on each other add up; the result is as loud as its parts.
    """
    bels = -range_db / 10
    own, others = share.square(), (1 - share).square()
    power = (own * 10 ** (bels * one) + others * 10 ** (bels * other)) / (own + others)
    return (power.log10() / bels).clamp(0, 1)


def _mask(rng: np.random.Generator, count: int, size: int, widest: int) -> np.ndarray:
    """True (count, size) but for one run of up to ``widest`` positions in each row."""
    if widest == 0:
        return np.ones((count, size), bool)
    width = rng.integers(0, min(widest, size), count, endpoint=True)
    start = rng.integers(0, size - width, endpoint=True)
    position = np.arange(size)
    return (position < start[:, None]) | (position >= (start + width)[:, None])


def prediction_batches(
    store: FeatureStore | TensorStore,
    rows: np.ndarray,
    crops: Crops,
    device: torch.device,
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Yield (indices, inputs): indices (batch,) says which of ``rows`` each input belongs to.

    Only ragged features are cropped.
    """
    if store.fixed:
        indices, starts = np.arange(len(rows)), np.zeros(len(rows), dtype=int)
    else:
        per_clip = [even_starts(int(n), crops.frames, crops.per_clip) for n in store.lengths(rows)]
        indices = np.repeat(np.arange(len(rows)), [len(s) for s in per_clip])
        starts = np.concatenate(per_clip) if per_clip else np.zeros(0, dtype=int)
    numbers = np.arange(len(indices))
    size = crops.batch_clips
    parts = [numbers[begin : begin + size] for begin in range(0, len(numbers), size)]

    def prepare(part: np.ndarray) -> tuple[np.ndarray, Tensor]:
        if store.fixed:
            values = store.images(rows[part])
        else:
            values = store.crops(rows[indices[part]], starts[part], crops.frames)
        return indices[part], as_inputs(values, store.unit, device)

    yield from prefetch(prepare, parts)


def as_inputs(values: np.ndarray | Tensor, unit: int, device: torch.device) -> Tensor:
    """Stored values (batch, frequency, time) -> floats on the device, divided by ``unit``."""
    if isinstance(values, np.ndarray):
        values = torch.from_numpy(np.ascontiguousarray(values))
    return values.to(device).contiguous().float().div_(unit)


def prefetch(
    prepare: Callable[[Item], Result], parts: Iterable[Item], ahead: int = 2
) -> Iterator[Result]:
    """Yield ``prepare(part)`` in order, while a thread prepares the next ones."""
    with ThreadPoolExecutor(1) as reader:
        waiting: deque[Future[Result]] = deque()
        for part in parts:
            waiting.append(reader.submit(prepare, part))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
