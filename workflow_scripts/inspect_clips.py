"""Open every clip of one part and say what it is."""

import logging
from pathlib import Path
from typing import Any

from earmark.dataset import clips, inspection, tables
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    index_table: str,
    audio: list[str],
    table: str,
    cfg: dict[str, Any],
    threads: int,
    folder: str,
) -> None:
    """Write the clips table of ``index_table``.

    ``folder`` is what its files are relative to; if the workflow made the data set, it lies where
    the folders of its clips, ``audio``, are. ``cfg`` has the ``part`` and how to treat faulty
    ``clips``.
    """
    listed = tables.read_table(index_table, ("clip", "file", "start", "end"), "index of clips")
    base = Path(audio[0]).parent if audio else Path(folder)
    inspected = inspection.inspect(listed, base, cfg["part"], cfg["clips"], threads)
    clips.write(inspected, table)
    for line in inspection.summary(inspected, cfg["part"]):
        log.info("%s", line)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
