"""Whether a network learned anything: it must beat an answer that never looks at the clip."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.inference.batches import Examples

log = logging.getLogger("earmark")

# By fewer held-out clips than this, luck decides who is better.
FEW_JUDGES = 20

REMEDY = (
    "Try more epochs or another learning_rate in its recipe, and see whether the labels are right."
)


def examples_to_judge_by(train: Examples, validation: Examples) -> tuple[Examples, bool]:
    """The held-out examples, and True; where they are few or of one class, the others, and False.

    By fewer than 20 clips luck decides.
    """
    if len(validation) < FEW_JUDGES or len(np.unique(validation.labels)) < 2:
        return train, False
    return validation, True


def of_classifier(
    name: str,
    judging: Examples,
    held_out: bool,
    classes: Sequence[str],
    probabilities: np.ndarray,
) -> dict[str, Any]:
    """Compare a trained model with always guessing the commonest class; warn if it is no better.

    ``probabilities`` (n, classes) are of the clips ``judging`` (n), ``held_out`` or learned from.
    Returns what was found, as plain values for the facts.
    """
    guessed = probabilities.argmax(axis=1)
    accuracy = float((guessed == judging.labels).mean())
    counts = np.bincount(judging.labels)
    commonest = float(counts.max() / len(judging))
    if accuracy <= commonest:
        same = len(np.unique(guessed)) == 1
        log.warning(
            "%s learned nothing: it is right for %.1f %% of %d clips that %s%s. To guess %s for "
            "each of them is right for %.1f %%. %s",
            name,
            100 * accuracy,
            len(judging),
            "were held out" if held_out else "it learned from",
            f" (its guess is {classes[guessed[0]]} for each)" if same else "",
            classes[int(counts.argmax())],
            100 * commonest,
            REMEDY,
        )
    return {
        "clips": len(judging),
        "held_out": held_out,
        "accuracy": round(accuracy, 6),
        "commonest_class": round(commonest, 6),
    }


def of_autoencoder(history: pd.DataFrame, keep: str, spread: float) -> dict[str, Any]:
    """Compare an autoencoder's error with that of the mean picture; warn if it is no better.

    ``history`` has its losses per epoch, ``keep`` is the plan's, and ``spread`` the mean squared
    error of the mean of all pictures, taken for each of them. Returns plain values for the facts.
    """
    losses = history.get("validation_loss", history["train_loss"])
    error = float(losses.min() if keep == "best" else losses.iloc[-1])
    # Pictures that are all alike have nothing to be learned from.
    if error >= spread > 0:
        log.warning(
            "The autoencoder learned nothing: the mean squared error of its pictures is %.4g, and "
            "that of the mean of all pictures %.4g. Try more epochs or another learning_rate in "
            "its recipe. Labels that are spread by its latents are no better than it is.",
            error,
            spread,
        )
    return {"error": round(error, 6), "error_of_mean_picture": round(spread, 6)}
