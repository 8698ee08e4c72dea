"""Copy the guesses of one system or ensemble to a submission file."""

import logging
from pathlib import Path
from typing import Any

from earmark.evaluation import choosing, predictions
from earmark.evaluation import submission as submissions
from earmark.runtime import job
from earmark.runtime.errors import examples
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")


def main(
    *,
    guesses: list[str],
    combined: list[str],
    choice: list[str],
    submission: str,
    cfg: dict[str, Any],
) -> None:
    """Copy the chosen one of ``guesses`` to ``submission``; the log names the data and the system.

    ``cfg["candidates"]`` names the system or ensemble of each of the ``guesses``. ``combined``, if
    not empty, are the files of predictions that they were made from: the log then says which
    classes a submission spells in another way.
    """
    entry = choosing.chosen(choice, cfg["candidates"])
    place = cfg["candidates"].index(entry)
    for path in combined[place : place + 1]:
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
        temporary.write_bytes(Path(guesses[place]).read_bytes())
    log.info(
        "%s is the submission of %s by %s: a copy of %s.",
        submission,
        cfg["name"],
        entry,
        guesses[place],
        extra={"terminal": True},
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
