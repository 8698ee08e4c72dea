"""Scores of predictions against the published ground truth, which only the scoring rule reads.

Systems are compared by their scores per clip.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.evaluation import out_of_fold
from earmark.evaluation.truth import USAGES
from earmark.inference import metrics

COLUMNS = ("system", "split", "clips", "map3", "standard_error", "accuracy", "seed")
CLIP_COLUMNS = ("system", "seed", "clip", "usage", "average_precision")
# The usage of verified train clips that are scored instead of test clips.
VALIDATION = "validation"


def score_clips(
    system: str, seed: int, guesses: Mapping[str, list[str]], truth: pd.DataFrame
) -> pd.DataFrame:
    """Rows of clip_scores.csv for one system: one per clip of ``truth``, in its order.

    ``guesses`` maps each test clip to its class names, best first.
    """
    guessed = [guesses[name][: metrics.GUESSES] for name in truth["clip"]]
    values = metrics.average_precision(np.array(guessed or np.empty((0, 1))), truth["label"])
    table = truth.assign(system=system, seed=seed, average_precision=values)
    return table[list(CLIP_COLUMNS)]


def score(clips: pd.DataFrame) -> pd.DataFrame:
    """Rows of scores.csv from those of ``score_clips``: public, private and all, if there are any.

    Systems and seeds stay in their order.
    """
    rows = []
    for (system, seed), table in clips.groupby(["system", "seed"], sort=False):
        for split in (*USAGES, "all"):
            in_split = table if split == "all" else table[table["usage"] == split]
            values = in_split["average_precision"].to_numpy()
            if len(values):
                mean, error = metrics.mean_and_error(values)
                accuracy = float((values == 1).mean())
                scores = [round(value, 4) for value in (mean, error, accuracy)]
                rows.append((system, split, len(values), *scores, seed))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_clip_scores(path: str | Path) -> pd.DataFrame:
    """Read scores per clip: clip_scores.csv, or those of the verified clips of out_of_fold.csv.

    Seeds and scores come back as numbers; those of verified clips have their label too.
    """
    numbers = {**out_of_fold.NUMBERS, "average_precision": float}
    table = tables.read_table(path, ("system", "seed", "clip"), "table of clip scores", numbers)
    return of_verified(table) if set(out_of_fold.COLUMNS) <= set(table.columns) else table


def of_verified(table: pd.DataFrame) -> pd.DataFrame:
    """Scores of the verified clips among rows of out_of_fold.csv, with their label too."""
    table = table[table["verified"] == 1]
    guesses = table[list(out_of_fold.GUESS_COLUMNS)].to_numpy()
    values = metrics.average_precision(guesses, table["label"].to_numpy())
    return table.assign(usage=VALIDATION, average_precision=values)[[*CLIP_COLUMNS, "label"]]
