"""Calibration: one temperature per system, so that of guesses with 0.8, 8 of 10 are right.

Predictions are means over a clip's crops and over folds, and have no logits: they are raised to
1 / temperature and scaled to sum to 1, which for a single softmax is dividing its logits (Guo et
al. 2017, On Calibration of Modern Neural Networks). The temperature has the lowest negative
log-likelihood of a system's verified clips, out of fold; members are calibrated before they are
averaged. It does not change the order of a system's guesses. Submissions are not calibrated.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy import optimize

from earmark.evaluation.predictions import Predictions
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file

# With fewer clips the temperature is 1.
FEWEST_CLIPS = 100
BINS = 10
# Of a class that was ruled out, so that its loss is finite.
LOWEST_PROBABILITY = 1e-12
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """What a system's verified clips say of it, out of fold: their number, its temperature and
    MAP@3 (None without clips).
    """

    clips: int
    temperature: float
    map3: float | None


def write(path: str | Path, calibration: Calibration) -> None:
    """Write a calibration as JSON."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(asdict(calibration)) + "\n", encoding="utf-8")


def read(path: str | Path) -> Calibration:
    """Read a calibration back. Raises EarmarkError when the file is damaged."""
    try:
        return Calibration(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise EarmarkError(
            f"The calibration {path} is damaged. Delete it; the next run recreates it."
        ) from problem


def read_all(paths: Mapping[str, str]) -> dict[str, Calibration]:
    """Read the calibrations of systems, by name."""
    return {name: read(path) for name, path in paths.items()}


def calibrated(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """Probabilities (..., n, classes), each raised to 1 / temperature and scaled to sum to 1."""
    if np.all(np.asarray(temperature) == 1):
        return probabilities
    values = probabilities.astype(np.float64)
    powers = (values / values.max(axis=-1, keepdims=True)) ** (1 / np.asarray(temperature))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def apply(predicted: Predictions, temperature: float) -> Predictions:
    """A system's predictions, calibrated."""
    return replace(predicted, probabilities=calibrated(predicted.probabilities, temperature))


def losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Negative log-likelihood (n,) of the classes ``truth`` (n,) by probabilities (n, classes)."""
    of_truth = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return -np.log(np.maximum(of_truth, LOWEST_PROBABILITY))


def mean_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The mean of ``losses``; NaN without clips."""
    return float(losses(probabilities, truth).mean()) if len(truth) else float("nan")


def fit(probabilities: np.ndarray, truth: np.ndarray, fewest: int = FEWEST_CLIPS) -> float:
    """The temperature with the lowest mean of ``losses``; 1 for fewer than ``fewest`` clips."""
    if len(truth) < fewest:
        return 1.0
    found = optimize.minimize_scalar(
        lambda log: losses(calibrated(probabilities, np.exp(log)), truth).mean(),
        bounds=np.log([LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE]),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def cross_fitted(
    probabilities: np.ndarray, truth: np.ndarray, folds: np.ndarray, recordings: Sequence[str]
) -> np.ndarray:
    """Each clip's temperature (n,), fitted on the clips of the other ``folds`` (n,).

    Where one fold was held out, halves of its recordings take the place of folds. Where all clips
    are too few for a temperature, each is 1.
    """
    temperatures = np.ones(len(truth))
    if len(truth) < FEWEST_CLIPS:
        return temperatures
    parts = folds
    if len(np.unique(folds)) < 2:
        parts = np.array([hashlib.blake2b(name.encode()).digest()[0] % 2 for name in recordings])
    for part in np.unique(parts):
        others = parts != part
        fitted = fit(probabilities[others], truth[others], FEWEST_CLIPS // 2)
        temperatures[parts == part] = fitted
    return temperatures


def equal_bins(confidence: np.ndarray) -> list[np.ndarray]:
    """Clips in bins of equal mass by ``confidence`` (n,), the lowest first: places in it."""
    order = np.argsort(confidence, kind="stable")
    return [bin_ for bin_ in np.array_split(order, BINS) if len(bin_)]


def expected_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error in bins of equal mass; NaN without clips.

    It is the mean over clips of the distance between mean confidence and accuracy in their bin.
    """
    if not len(truth):
        return float("nan")
    confidence, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    gaps = [abs((hits[b] - confidence[b]).sum()) for b in equal_bins(confidence)]
    return float(sum(gaps) / len(truth))
