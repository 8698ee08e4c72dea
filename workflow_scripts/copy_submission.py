"""Copy the guesses of one system or ensemble to a submission file."""

import logging
from pathlib import Path
from typing import Any

from earmark.runtime import job
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")


def main(*, guesses: str, submission: str, cfg: dict[str, Any]) -> None:
    """Copy ``guesses`` to ``submission``; the log names the data and the system (``cfg``)."""
    with atomic_file(submission) as temporary:
        temporary.write_bytes(Path(guesses).read_bytes())
    log.info(
        "%s is the submission of %s by %s: a copy of %s.",
        submission,
        cfg["name"],
        cfg["entry"],
        guesses,
        extra={"terminal": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
