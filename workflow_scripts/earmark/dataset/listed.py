"""listed.csv of the index: what the lists of a data set say about its train clips.

Columns: clip, label, verified (0 or 1), recording, fold (official ones; else empty).
"""

from pathlib import Path

import pandas as pd

from earmark.dataset import index, tables


def read(path: str | Path) -> pd.DataFrame:
    """Read listed.csv; ``verified`` comes back as a number."""
    return tables.read_table(path, index.LISTED, "table of listed clips", {"verified": int})
