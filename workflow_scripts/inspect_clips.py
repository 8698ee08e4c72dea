"""Open and check every clip of one part (train or test)."""

import logging
from typing import Any

from earmark.dataset import clips, inspection, layout, tables
from earmark.dataset.hashing import hash_of
from earmark.runtime import job
from earmark.runtime.errors import EarmarkError

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
    """Write the clips table for the clips of ``index_table``, whose files are in ``base_folder``.

    ``cfg`` has the ``part`` and how to treat faulty ``clips``.
    """
    before = hash_of(index_table)
    index = tables.read_table(index_table, ("clip", "file", "start", "end"), "index of clips")
    base = layout.base_folder(audio, folder)
    inspected = inspection.inspect(index, base, cfg["part"], cfg["clips"], threads)
    # Planning another run writes it too, and Snakemake would take this table for newer.
    if hash_of(index_table) != before:
        raise EarmarkError(
            f"The list of clips was edited while they were inspected ({index_table} has changed). "
            f"Run the same command again."
        )
    clips.write(inspected, table)
    for line in inspection.summary(inspected, cfg["part"]):
        log.info("%s", line)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
