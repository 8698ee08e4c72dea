"""The table of tags: the most probable labels of each sound, or why it has none.

Columns of tags.csv: clip (path below the folder of sounds), start, end (seconds; empty for a whole
file), label, probability, rank (from 1), problem (status and reason; of a sound that is heard too,
such as one that is longer than what is used of it). One that cannot be heard has one row without a
label.
"""

import numpy as np
import pandas as pd

from earmark.dataset import audio
from earmark.evaluation.predictions import Predictions
from earmark.inference import metrics

COLUMNS = ("clip", "start", "end", "label", "probability", "rank", "problem")


def make(clips: pd.DataFrame, predicted: Predictions) -> pd.DataFrame:
    """The tags of ``clips`` (a clips table), in its order."""
    values = predicted.of(clips["clip"].tolist())
    best = metrics.top_classes(values)
    status, problem = clips["status"], clips["problem"]
    told = status + ": " + problem.where(problem != "", status.map(audio.STATUSES))
    clips = clips.assign(problem=problem.where(status == "ok", told))
    heard = np.flatnonzero(status.isin(audio.STATUSES_WITH_SOUND))
    ranks = best.shape[1]
    tags = clips.iloc[np.repeat(heard, ranks)].assign(
        label=np.array(predicted.classes)[best[heard]].ravel(),
        probability=np.take_along_axis(values, best, axis=1)[heard].ravel().round(6),
        rank=np.tile(np.arange(1, ranks + 1), len(heard)),
    )
    unheard = clips.drop(clips.index[heard])
    # Stable, so that a clip's labels stay in the order of their ranks.
    table = pd.concat([tags, unheard]).sort_index(kind="stable").astype({"rank": "Int64"})
    return table[list(COLUMNS)]
