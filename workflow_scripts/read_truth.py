"""Write the labels of test clips that a data set's own list or folders have, for scoring alone."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import clip_lists, guessing, tables
from earmark.runtime import job
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")


def main(*, index_table: str, table: str, cfg: dict[str, Any], dataset: str) -> None:
    """Write the truth (fname, label) of the test clips of the data set at ``dataset``.

    ``cfg`` has where the ``labels`` are, for Snakemake to notice an edit.
    """
    layout = guessing.layout_of(Path(dataset))
    problems: list[tuple[int, EarmarkError]] = []
    listed = clip_lists.read(layout.test, problems=problems) if layout.test else []
    if problems:
        log.warning(
            "%d test clips have no usable label and are not scored, for example: %s",
            len(problems),
            problems[0][1],
        )
    truth = pd.DataFrame([(clip.clip, clip.label) for clip in listed], columns=["fname", "label"])
    tables.write_table(truth, table)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
