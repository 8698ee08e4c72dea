"""Copy the guesses of one system or ensemble to a submission file."""

import logging
from pathlib import Path
from typing import Any

from earmark.evaluation import predictions
from earmark.evaluation import submission as submissions
from earmark.runtime import job
from earmark.runtime.errors import examples
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")


def main(*, guesses: str, combined: list[str], submission: str, cfg: dict[str, Any]) -> None:
    """Copy ``guesses`` to ``submission``; the log names the data and the system (``cfg``).

    ``combined``, if not empty, is the file of predictions that the guesses were made from: the log
    then says which of its classes a submission spells in another way.
    """
    for path in combined:
        spelled = submissions.spellings(predictions.read_classes(path))
        others = [f"'{name}' as {text}" for name, text in spelled.items() if name != text]
        if others:
            log.info(
                "The submission spells %d of %d classes in another way, as spaces separate its "
                "guesses: %s.",
                len(others),
                len(spelled),
                examples(others),
                extra={"terminal": True},
            )
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
