"""List every clip of the data set, open each one, and draw the validation folds."""

import logging
from typing import Any

from earmark import job, layout, manifest

log = logging.getLogger("earmark")


def main(*, table: str, cfg: dict[str, Any], seed: int, threads: int) -> None:
    """Write the manifest of the data set in ``cfg["folder"]`` to ``table``."""
    found = layout.find_layout(cfg["folder"])
    clips = manifest.build(found, cfg["folds"], seed, cfg["bad_clips"], threads)
    manifest.write(clips, table)
    for (split, status), count in clips.groupby(["split", "status"]).size().items():
        level = logging.INFO if status == "ok" else logging.WARNING
        log.log(level, "%s: %d clips %s", split, count, status)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
