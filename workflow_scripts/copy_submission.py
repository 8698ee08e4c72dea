"""Copy the submission to the top folder."""

import logging
from pathlib import Path
from typing import Any

from earmark.runtime import job
from earmark.runtime.outputs import whole_file

log = logging.getLogger("earmark")


def main(*, submitted: str, top: str, cfg: dict[str, Any]) -> None:
    """Copy ``submitted`` to ``top``; the log says of which data and system it is (``cfg``)."""
    with whole_file(top) as temporary:
        temporary.write_bytes(Path(submitted).read_bytes())
    log.info(
        "%s is the submission of %s by %s: a copy of %s.",
        top,
        cfg["name"],
        cfg["entry"],
        submitted,
        extra={"screen": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
