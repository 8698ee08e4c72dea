"""Snakemake's records of how each output was made, in its folder ``.snakemake``.

Snakemake takes an output without a record (a copied folder, a deleted ``.snakemake``) for up to
date, so the main process checks for records while a run is planned.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")

# Calls of Snakemake that do not use results by their records; so are short forms such as -Ft.
OTHER_CALLS = {
    "--touch",
    "--unlock",
    "--lint",
    "--list-rules",
    "--cleanup-metadata",
    "--delete-all-output",
}
SHORT_CALL = re.compile(r"-[a-zA-Z]*[tl]")

# Files to check, at least one for each kind of results.
OUTPUTS = (
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
    "tags.csv",
    "suspects.csv",
    "tagger/tagger.json",
)
# About as much as Snakemake writes for a small run.
TRIAL_BYTES = 64 * 1024


def check_writable(folder: Path) -> None:
    """Raise EarmarkError if Snakemake's ``folder`` cannot be written; Snakemake does not say so."""
    path = folder.resolve() / "earmark" / "trial"
    with atomic_file(path) as temporary:
        temporary.write_bytes(bytes(TRIAL_BYTES))
    path.unlink(missing_ok=True)


def are_used(arguments: Sequence[str]) -> bool:
    """Whether a call of Snakemake with these arguments uses results by their records."""
    return not any(word in OTHER_CALLS or SHORT_CALL.fullmatch(word) for word in arguments)


def check_top(top: Path, results: Path) -> None:
    """Have ``top`` recreated if it exists and is no copy of the file of that name in ``results``.

    Raises EarmarkError for a folder of that name, which Snakemake would take for the file.
    """
    from snakemake.persistence.file import FilePersistence

    own = results / top.name
    if top.is_dir():
        raise EarmarkError(f"{top} is a folder. Move it elsewhere: a copy of {own} goes there.")
    if not top.is_file():
        return
    if own.is_file() and top.read_bytes() == own.read_bytes():
        # Planning for other data may have marked it.
        FilePersistence(nolock=True)._unmark_incomplete(str(top))
    else:
        FilePersistence(nolock=True)._mark_incomplete(str(top), None)


def check(results: Path) -> None:
    """Raise EarmarkError if there are ``results``, but no record of any of them.

    If only some have no record, they are marked incomplete, so that Snakemake recreates them.
    """
    from snakemake.persistence.file import FilePersistence

    outputs = sorted(str(path) for pattern in OUTPUTS for path in results.glob(pattern))
    if not outputs:
        return
    records = FilePersistence(nolock=True)
    # Snakemake itself recreates what a stopped run left behind.
    incomplete = records._filter_incomplete_keys(outputs)
    without = [
        path for path in outputs if path not in incomplete and not records._read_record(path)
    ]
    if len(without) == len(outputs):
        raise EarmarkError(
            f"Snakemake has no record of how {without[0]} was made ({len(without)} such files in "
            f"{results}): they were copied here, or the folder .snakemake was deleted. Delete "
            f"{results}, or write `name: another_name` in the config. To accept them as they are, "
            f"run `snakemake --touch --forceall` for each target, with the same configfiles and "
            f"config as its runs."
        )
    for path in without:
        records._mark_incomplete(path, None)
    if without:
        log.warning(
            "Snakemake has no record of how %s was made (%d such files): they are recreated.",
            without[0],
            len(without),
        )
