"""Results that Snakemake has no record of: it would take them for new, whatever made them.

Snakemake notes in ``.snakemake`` by what each output was made. An output without such a note (a
copied folder, a deleted ``.snakemake``) is to it as good as new. These functions look while a run
is planned.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snakemake.persistence.file import FilePersistence

from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Of each kind of results, files that every run that has them makes.
MADE = (
    "clips/*.csv",
    "labels.csv",
    "folds.csv",
    "features/*/*.h5",
    "autoencoders/*/model.json",
    "selections/*.csv",
    "models/*/*/*/model.json",
    "selftraining/*/*/*/*/model.json",
    "predictions/*/*/*.h5",
    "submission.csv",
)


# Calls of Snakemake that work on results without trusting them. Nothing else tells them apart while
# the workflow is read.
OTHER_CALLS = {
    "--touch",
    "--unlock",
    "--cleanup-metadata",
    "--delete-all-output",
    "--lint",
    "--list-rules",
}


def trusts_results(arguments: Sequence[str]) -> bool:
    """Whether this call of Snakemake takes results for what they seem to be."""
    short = re.compile(r"-[a-zA-Z]*[tl]")  # also -Ft
    return not any(word in OTHER_CALLS or short.fullmatch(word) for word in arguments)


def of(workflow: Any) -> "FilePersistence | None":
    """Snakemake's records in this folder; None if this workflow keeps them in a database."""
    from snakemake.persistence.file import FilePersistence

    if workflow.workflow_settings.persistence_backend.name != "FILE":
        return None
    return FilePersistence(nolock=True)


def check(results: Path, records: "FilePersistence | None") -> None:
    """Raise EarmarkError if there are ``results``, and none has a record of what made it.

    Where only some have none, these are made anew.
    """
    if records is None:
        return
    made = sorted(str(path) for kind in MADE for path in results.glob(kind))
    # Of what a stopped run left behind, it says that it is incomplete.
    stopped = records._filter_incomplete_keys(made)
    unknown = [path for path in made if path not in stopped and not records._read_record(path)]
    if len(unknown) < len(made):
        for path in unknown:
            records._mark_incomplete(path, None)
        if unknown:
            log.warning(
                "Nothing tells how %s was made (%d such files): they are made anew.",
                unknown[0],
                len(unknown),
            )
    elif unknown:
        raise EarmarkError(
            f"Nothing tells by which data, config and code {unknown[0]} was made ({len(unknown)} "
            f"such files in {results}): they were copied here, or the folder .snakemake was "
            f"deleted. Delete {results}, or write `name: another_name` in the config, or, if you "
            f"are sure that they are of this data and config, take them over with `snakemake "
            f"--touch --forceall`, once with each target, configfile and config that you use."
        )


def mark_foreign(top: Path, results: Path, records: "FilePersistence | None") -> None:
    """Let ``top`` be made anew if it is there and no copy of the submission in ``results``."""
    own = results / "submission.csv"
    if records is None or not top.is_file():
        return
    if own.exists() and top.read_bytes() == own.read_bytes():
        # As an earlier plan, for other data, may have left it.
        records._unmark_incomplete(str(top))
    else:
        records._mark_incomplete(str(top), None)
