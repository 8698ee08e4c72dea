"""Snakemake's records of how each output was made, in its folder ``.snakemake``.

Snakemake takes an output without a record (a copied folder, a deleted ``.snakemake``) for up to
date, so the main process checks for records while a run is planned.
"""

import logging
from pathlib import Path

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")

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
)
# About as much as Snakemake writes for a small run.
TRIAL_BYTES = 64 * 1024


def check_writable(folder: Path) -> None:
    """Raise EarmarkError if Snakemake's ``folder`` cannot be written; Snakemake does not say so."""
    path = folder.resolve() / "earmark" / "trial"
    with atomic_file(path) as temporary:
        temporary.write_bytes(bytes(TRIAL_BYTES))
    path.unlink(missing_ok=True)


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
