"""A check that numbers of clips are finite; its error names the clips where they are not."""

import logging
from collections.abc import Sequence

import numpy as np

from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Number of clips that an error names; the log names all of them.
NAMED = 10


def check_clips(what: str, clips: Sequence[str], values: np.ndarray, remedy: str) -> None:
    """Raise EarmarkError, with the clips' names, where ``values`` (n, ...) are not finite.

    ``what`` names the values, in the plural; ``remedy`` is a sentence about what to do.
    """
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not finite.all():
        bad = [clips[index] for index in np.flatnonzero(~finite).tolist()]
        raise EarmarkError(
            f"The {what} of {len(bad)} of {len(values)} clips are NaN or infinite: "
            f"{name_list(bad)}. {remedy}"
        )


def name_list(clips: Sequence[str]) -> str:
    """Names for a sentence: of many the first few, and all of them in the log."""
    if len(clips) <= NAMED:
        return ", ".join(clips)
    log.info("All %d clips of the message below: %s", len(clips), ", ".join(clips))
    return f"{', '.join(clips[:NAMED])} and {len(clips) - NAMED} more (all are in the log)"
