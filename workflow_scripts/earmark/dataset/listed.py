"""The train clips as the lists say: index/listed.csv, written with the index.

Columns: clip, label, verified (0 or 1), recording (what the clip is cut from; never empty), fold
(the official one, a whole number of 0 or more; empty if it has none).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from earmark.dataset import csv_files
from earmark.runtime.errors import EarmarkError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("clip", "label", "verified", "recording", "fold")


def read(path: str | Path) -> "pd.DataFrame":
    """Read listed.csv; the fold of a clip that has no official one is -1."""
    import pandas as pd  # not to plan

    cells = csv_files.read(path, COLUMNS, "table of train clips")
    table = pd.DataFrame(cells.rows, columns=cells.columns, dtype=str)
    try:
        return table.replace({"fold": {"": "-1"}}).astype({"verified": int, "fold": int})
    except ValueError as problem:
        raise EarmarkError(
            f"The table of train clips {path} is damaged ({problem}). Delete it; the next run "
            f"recreates it."
        ) from problem
