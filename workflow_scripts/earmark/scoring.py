"""Scores of predictions against the published truth. Only the scoring rule reads that file.

Scores per clip are for comparing systems clip by clip, and go on to the tables.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import metrics, tables
from earmark.errors import EarmarkError

COLUMNS = ("system", "split", "clips", "map3", "standard_error", "accuracy", "seed")
CLIP_COLUMNS = ("system", "seed", "fname", "usage", "average_precision")
USAGES = ("Public", "Private")
# The usage of train clips that judge instead of test clips.
HELD_OUT = "held_out"


def read_truth(path: str | Path) -> pd.DataFrame:
    """Return fname, label, usage of the test clips that count.

    A truth file without a usage column counts for the split "all" only.
    """
    table = tables.read_table(path, ("fname", "label"), "truth file")
    if "usage" not in table.columns:
        table["usage"] = ""
    return table[(table["usage"] != "Ignored") & ~table["label"].isin(["", "None"])]


def score_clips(
    system: str, seed: int, guesses: Mapping[str, list[str]], truth: pd.DataFrame
) -> pd.DataFrame:
    """Rows of clip_scores.csv for one system: one per clip that counts, in the truth's order.

    ``guesses`` maps each test clip to its class names, best first. Usage is public, private or
    empty. Raises EarmarkError when a clip that counts has no guess.
    """
    missing = [name for name in truth["fname"] if name not in guesses]
    if missing:
        raise EarmarkError(
            f"The truth file lists {len(missing)} test clips that were not tagged, the first is "
            f"{missing[0]}. Add them to the test list, or remove their lines."
        )
    guessed = np.array([guesses[name][: metrics.GUESSES] for name in truth["fname"]])
    if len(truth):
        values = metrics.average_precision(guessed, truth["label"].to_numpy())
    else:
        values = np.zeros(0)
    usage = truth["usage"].where(truth["usage"].isin(USAGES), "").str.lower()
    return clip_table(system, seed, truth["fname"].tolist(), usage.tolist(), values)


def clip_table(
    system: str, seed: int, fnames: Sequence[str], usage: str | Sequence[str], values: np.ndarray
) -> pd.DataFrame:
    """Rows of clip_scores.csv from average precisions (n,); ``usage`` is one for all or (n,)."""
    table = pd.DataFrame({"fname": list(fnames), "usage": usage, "average_precision": values})
    return table.assign(system=system, seed=seed)[list(CLIP_COLUMNS)]


def score(system: str, seed: int, clips: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of scores.csv for one system: public, private and all, where they have clips.

    ``clips`` are the system's rows of ``score_clips``.
    """
    splits = {usage.lower(): clips[clips["usage"] == usage.lower()] for usage in USAGES}
    splits["all"] = clips
    rows = []
    for split, part in splits.items():
        if part.empty:
            continue
        values = part["average_precision"].to_numpy()
        mean, error = metrics.mean_and_error(values)
        rows.append(
            {
                "system": system,
                "split": split,
                "clips": len(part),
                "map3": round(mean, 4),
                "standard_error": round(error, 4),
                "accuracy": round(float((values == 1).mean()), 4),
                "seed": seed,
            }
        )
    return rows


def read_clip_scores(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Read files of clip scores below each other; seeds and scores come back as numbers.

    Raises EarmarkError when a clip has two scores of one system and seed.
    """
    found = pd.concat(
        [tables.read_table(path, CLIP_COLUMNS, "table of clip scores") for path in paths],
        ignore_index=True,
    )
    found["seed"] = found["seed"].astype(int)
    found["average_precision"] = found["average_precision"].astype(float)
    twice = found[found.duplicated(["system", "seed", "fname"])]
    if len(twice):
        first = twice.iloc[0]
        raise EarmarkError(
            f"{first['system']} has two scores for the clip {first['fname']} and seed "
            f"{first['seed']}. Give each table of clip scores ({', '.join(map(str, paths))}) once."
        )
    return found
