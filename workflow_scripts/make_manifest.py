"""List every clip of the data set, open each one, and draw the validation folds."""

import logging
from pathlib import Path
from typing import Any

from earmark import inspection, layout, manifest
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *, table: str, audio_folders: list[str], cfg: dict[str, Any], seed: int, threads: int
) -> None:
    """Write the manifest of the data set in ``cfg["folder"]`` to ``table``.

    If the workflow made the data set, it lies where the folders of its clips, ``audio_folders``,
    are.
    """
    found = layout.find_layout(Path(audio_folders[0]).parent if audio_folders else cfg["folder"])
    clips = inspection.build(found, cfg["folds"], seed, cfg["clips"], threads)
    manifest.write(clips, table)
    for line in inspection.summary(clips):
        log.info("%s", line)
    for line in inspection.repeated(clips):
        log.warning("%s", line)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
