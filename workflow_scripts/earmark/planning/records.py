"""Snakemake's records of what made each output, in its folder ``.snakemake``.

An output without such a record (a copied folder, a deleted ``.snakemake``) counts as up to date, so
the main process looks for them while a run is planned.
"""

import logging
from pathlib import Path

from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")

# Of each kind of results, files that every run that has them makes.
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
# What Snakemake writes about a small run.
ROOM_BYTES = 64 * 1024


def check_room(folder: Path) -> None:
    """Raise EarmarkError if Snakemake could not write to its ``folder``, which it does not say."""
    path = folder.resolve() / "earmark" / "trial"
    with atomic_file(path) as temporary:
        temporary.write_bytes(bytes(ROOM_BYTES))
    path.unlink(missing_ok=True)


def check(results: Path) -> None:
    """Raise EarmarkError if there are ``results``, and none has a record of what made it.

    Where only some have none, these are marked incomplete, so that Snakemake recreates them.
    """
    from snakemake.persistence.file import FilePersistence

    outputs = sorted(str(path) for pattern in OUTPUTS for path in results.glob(pattern))
    if not outputs:
        return
    records = FilePersistence(nolock=True)
    # Snakemake itself recreates what a stopped run left behind.
    incomplete = records._filter_incomplete_keys(outputs)
    unknown = [
        path for path in outputs if path not in incomplete and not records._read_record(path)
    ]
    if len(unknown) == len(outputs):
        raise EarmarkError(
            f"Nothing tells by which data, config and code {unknown[0]} was made ({len(unknown)} "
            f"such files in {results}): they were copied here, or the folder .snakemake was "
            f"deleted. Delete {results}, or write `name: another_name` in the config, or, if you "
            f"are sure that they are of this data and config, take them over with `snakemake "
            f"--touch --forceall`, once with each target, configfile and config that you use."
        )
    for path in unknown:
        records._mark_incomplete(path, None)
    if unknown:
        log.warning(
            "Nothing tells how %s was made (%d such files): they are recreated.",
            unknown[0],
            len(unknown),
        )
