"""Numbers of clips that must be finite: where they are not, the clips are named."""

import logging
from collections.abc import Sequence

import numpy as np

from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# A sentence names so many clips; the log names all of them.
NAMED = 10


def check_clips(what: str, clips: Sequence[str], values: np.ndarray, remedy: str) -> None:
    """Raise EarmarkError, with the clips' names, where ``values`` (n, ...) are not finite.

    ``what`` names the values, in the plural; ``remedy`` is a sentence about what to do.
    """
    fine = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not fine.all():
        bad = [clips[place] for place in np.flatnonzero(~fine).tolist()]
        raise EarmarkError(
            f"The {what} of {len(bad)} of {len(values)} clips are not finite numbers: "
            f"{listed(bad)}. {remedy}"
        )


def listed(clips: Sequence[str]) -> str:
    """Names for a sentence; of many, the first few, and all of them in the log."""
    if len(clips) <= NAMED:
        return ", ".join(clips)
    log.info("All %d clips meant below: %s", len(clips), ", ".join(clips))
    return f"{', '.join(clips[:NAMED])} and {len(clips) - NAMED} more (all are in the log)"
