"""Which of several systems and ensembles makes the submission: the best one out of fold.

Another than the first is taken only if it is better by more than one standard error of the paired
difference, as the best of several is often so by chance.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from earmark.dataset import tables
from earmark.evaluation.intervals import variance_of_mean

COLUMNS = ("system", "clips", "map3", "difference", "standard_error", "chosen")
NUMBERS = {"clips": int, "chosen": int, "map3": float}


def choose(values: Mapping[str, np.ndarray], recordings: np.ndarray) -> pd.DataFrame:
    """Rows of choice.csv from each candidate's average precisions (n,) of the same clips.

    ``difference`` is MAP@3 less that of the first, ``standard_error`` its standard error between
    ``recordings`` (n,). Without clips the first is taken.
    """
    first = next(iter(values.values()))
    rows = []
    for name, own in values.items():
        error = np.sqrt(variance_of_mean(own - first, recordings)) if len(own) else np.nan
        mean = own.mean() if len(own) else np.nan
        difference = (own - first).mean() if len(own) else np.nan
        rows.append((name, len(own), mean, difference, error, 0))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    best = table["map3"].fillna(-1).idxmax()
    beats = table.loc[best, "difference"] > table.loc[best, "standard_error"]
    table.loc[best if beats else 0, "chosen"] = 1
    return table


def sentence(table: pd.DataFrame) -> str:
    """What ``choose`` found, in words."""
    first, taken = table.iloc[0], table.loc[table["chosen"] == 1].iloc[0]
    best = table.loc[table["map3"].fillna(-1).idxmax()]
    told = (
        f"The submission is {taken['system']}. Of {len(table)} candidates {best['system']} has the "
        f"highest MAP@3 on {best['clips']} verified clips held out, {best['map3']:.3f}"
    )
    if best["system"] == first["system"]:
        return f"{told}; it is the first listed."
    return (
        f"{told}; that is {best['difference']:.3f} more than {first['system']}, the first listed, "
        f"with a standard error of {best['standard_error']:.3f}. One standard error is needed."
    )


def chosen(choice: Sequence[str], candidates: Sequence[str]) -> str:
    """The name of the submission: as ``choice``, a file or none, says, or the only candidate."""
    if not choice:
        return candidates[0]
    table = tables.read_table(choice[0], COLUMNS, "table of the choice", NUMBERS)
    return str(table.loc[table["chosen"] == 1, "system"].iloc[0])


def shown(choice: Sequence[str], candidates: Sequence[str], entries: Collection[str]) -> str:
    """What an evaluation of ``entries`` shows in detail: the submission, if it is among them."""
    name = chosen(choice, candidates)
    return name if name in entries else next(iter(entries))
