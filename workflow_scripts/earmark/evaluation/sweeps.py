"""The table of a sweep: how good each setting is, and how much better than the first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.evaluation import class_scores, comparison, out_of_fold, scoring
from earmark.evaluation.predictions import Predictions

DIFFERENCES = [
    f"{score}_difference{end}" for score in ("map3", "accuracy") for end in ("", "_low", "_high")
]
ALONE = {"kind": "arithmetic", "exponent": 1.0}


def clip_scores(
    predicted: Mapping[tuple[str, int], Predictions], labels: pd.DataFrame, folds: pd.DataFrame
) -> pd.DataFrame:
    """Scores of the verified clips held out, as ``scoring.read_clip_scores`` returns them.

    ``predicted`` has train clips by (system, seed).
    """
    parts = []
    for (system, seed), one in predicted.items():
        combined = out_of_fold.combine(system, ALONE, {system: one}, labels)
        parts.append(out_of_fold.rows(system, seed, combined, labels, folds))
    return scoring.of_verified(pd.concat(parts))


def table(scores: pd.DataFrame, systems: Sequence[str], folds: pd.DataFrame) -> pd.DataFrame:
    """A row per system: MAP@3 and accuracy, means over seeds and clips, with their intervals.

    ``DIFFERENCES`` are those from the first system on the clips that both hold out, with paired
    intervals; empty for the first, and without such clips.
    """
    recordings = folds.set_index("clip")["recording"]
    of_first = scores.loc[scores["system"] == systems[0], "clip"]
    rows = []
    for system in systems:
        own = scores[scores["system"] == system]
        values = own.pivot(index="seed", columns="clip", values="average_precision")
        groups = recordings.reindex(values.columns).to_numpy()
        row: dict[str, object] = {"system": system, "seeds": len(values), "clips": values.shape[1]}
        for name, of_seeds in (("map3", values), ("accuracy", (values == 1).astype(float))):
            row |= class_scores.with_interval(name, of_seeds.mean(axis=0).to_numpy(), groups)
        row |= dict.fromkeys(DIFFERENCES, np.nan)
        if system != systems[0] and own["clip"].isin(of_first).any():
            compared = comparison.compare(scores, system, systems[0], folds, by_class=False)
            row |= dict(zip(DIFFERENCES, compared.iloc[0, 2:], strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def seconds_of(benchmarks: Sequence[Sequence[str]]) -> float:
    """Mean seconds of training a network, as Snakemake measured them; NaN where it has not.

    ``benchmarks`` are, of each network, the files of its training and of its rounds.
    """
    files = [path for of_network in benchmarks for path in of_network]
    if not all(Path(path).is_file() for path in files):
        return float("nan")
    return float(sum(pd.read_csv(path, sep="\t")["s"].sum() for path in files) / len(benchmarks))
