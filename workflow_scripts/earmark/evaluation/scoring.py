"""Scores of predictions against the published truth. Only the scoring rule reads that file.

Scores per clip are for comparing systems clip by clip, and go on to the tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.dataset import clip_lists, csv_files, tables
from earmark.evaluation import out_of_fold
from earmark.inference import metrics
from earmark.runtime.errors import EarmarkError, shown

COLUMNS = ("system", "split", "clips", "map3", "standard_error", "accuracy", "seed")
CLIP_COLUMNS = ("system", "seed", "clip", "usage", "average_precision")
USAGES = ("Public", "Private")
IGNORED = "Ignored"
# Columns for reading: heading -> split and column of scores.csv.
HEADINGS = {
    "MAP@3": ("all", "map3"),
    "standard error": ("all", "standard_error"),
    "first guess right": ("all", "accuracy"),
    "public MAP@3": ("public", "map3"),
    "private MAP@3": ("private", "map3"),
}
# The usage of train clips that judge instead of test clips.
HELD_OUT = "held_out"


def read_truth(path: str | Path) -> pd.DataFrame:
    """Return clip, label, usage of the test clips that count; usage is Public, Private or empty.

    Rows with the usage Ignored do not count, nor do those without a label, or with the label None
    and no usage. A truth file without a usage column counts for the split "all" only.
    Raises EarmarkError for a row that cannot be scored, and for a clip that is listed twice.
    """
    table = csv_files.read(path, ("fname", "label"), "truth file", by_hand=True)
    check_name = clip_lists.name_checker()

    def check(line: int, fname: str, label: str, usage: str) -> tuple[str, str, str] | None:
        usage = usage.capitalize()
        if usage not in ("", IGNORED, *USAGES):
            raise EarmarkError(
                f"the usage is '{shown(usage)}'. Write Public, Private or Ignored, or nothing."
            )
        if usage == IGNORED or not label or (label == "None" and not usage):
            return None
        clip_lists.check_label(label)
        return check_name(line, fname), label, usage

    rows = [row for row in table.checked(("fname", "label", "usage"), check) if row]
    return pd.DataFrame(rows, columns=["clip", "label", "usage"], dtype=str)


def score_clips(
    system: str, seed: int, guesses: Mapping[str, list[str]], truth: pd.DataFrame
) -> pd.DataFrame:
    """Rows of clip_scores.csv for one system: one per clip that counts, in the truth's order.

    ``guesses`` maps each test clip to its class names, best first. Usage is public, private or
    empty. Raises EarmarkError when a clip that counts has no guess.
    """
    missing = [name for name in truth["clip"] if name not in guesses]
    if missing:
        raise EarmarkError(
            f"The truth file lists {len(missing)} test clips that were not tagged, the first is "
            f"{missing[0]}. Add them to the test list, or remove their lines."
        )
    _check_spelling(guesses, truth["label"])
    guessed = np.array([guesses[name][: metrics.GUESSES] for name in truth["clip"]])
    if len(truth):
        values = metrics.average_precision(guessed, truth["label"].to_numpy())
    else:
        values = np.zeros(0)
    usage = truth["usage"].where(truth["usage"].isin(USAGES), "").str.lower()
    return clip_table(system, seed, truth["clip"].tolist(), usage.tolist(), values)


def _check_spelling(guesses: Mapping[str, list[str]], labels: Iterable[str]) -> None:
    """Raise EarmarkError if the truth writes a class otherwise than the guesses do."""
    guessed = {label for labels in guesses.values() for label in labels}
    spelling = {clip_lists.spelling_key(label): label for label in guessed}
    for label in sorted(set(labels) - guessed):
        other = spelling.get(clip_lists.spelling_key(label))
        if other is not None:
            raise EarmarkError(
                f"The truth file writes the class '{shown(other)}' of the train list as "
                f"'{shown(label)}': no guess would be right. Write it the same way in both."
            )


def clip_table(
    system: str, seed: int, clips: Sequence[str], usage: str | Sequence[str], values: np.ndarray
) -> pd.DataFrame:
    """Rows of clip_scores.csv from average precisions (n,); ``usage`` is one for all or (n,)."""
    table = pd.DataFrame({"clip": list(clips), "usage": usage, "average_precision": values})
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


def for_reading(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of scores.csv as one line per system and seed, with headings in words.

    The seed is left out where there is only one.
    """
    lines = []
    several = scores["seed"].nunique() > 1
    for (seed, system), part in scores.groupby(["seed", "system"], sort=False):
        splits = part.set_index("split")
        figures = {
            heading: splits.at[split, column]
            for heading, (split, column) in HEADINGS.items()
            if split in splits.index
        }
        lines.append({"system": system, **({"seed": seed} if several else {}), **figures})
    return pd.DataFrame(lines)


def remarks(scores: pd.DataFrame) -> list[str]:
    """Sentences that say what the figures of ``scores``, rows of scores.csv, are."""
    counts = dict(zip(scores["split"], scores["clips"], strict=True))
    parts = [f"{counts[split]:,} {split}" for split in ("public", "private") if split in counts]
    return [
        "A clip scores 1 where the first guess is right, 1/2 where the second is, 1/3 where the "
        "third is, and 0 otherwise; MAP@3 is the mean over clips. The standard error says how far "
        "that mean would move with other clips: systems that differ by less may be equally good.",
        f"{counts.get('all', 0):,} test clips count{', ' if parts else ''}{' and '.join(parts)}.",
    ]


def means_over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, sample deviation, lowest and highest of the seeds' MAP@3 on all clips, per system."""
    everything = scores[scores["split"] == "all"]
    found = everything.groupby("system", sort=False)["map3"]
    found = found.agg(["mean", "std", "min", "max", "size"]).reset_index()
    return found.set_axis(
        ["system", "mean MAP@3", "deviation between seeds", "lowest", "highest", "seeds"], axis=1
    )


def of_out_of_fold(table: pd.DataFrame) -> pd.DataFrame:
    """Scores per clip of the verified clips of out_of_fold.csv."""
    judging = table[table["verified"] == 1]
    guessed = judging[list(out_of_fold.GUESSES)].to_numpy()
    return judging[["system", "seed", "clip"]].assign(
        usage=HELD_OUT,
        average_precision=metrics.average_precision(guessed, judging["label"].to_numpy()),
    )


def read_clip_scores(path: str | Path) -> pd.DataFrame:
    """Read scores per clip: clip_scores.csv, or those of the verified clips of out_of_fold.csv.

    Seeds and scores come back as numbers.
    """
    numbers = {**out_of_fold.NUMBERS, "average_precision": float}
    table = tables.read_table(path, ("system", "seed", "clip"), "table of clip scores", numbers)
    return of_out_of_fold(table) if set(out_of_fold.COLUMNS) <= set(table.columns) else table
