"""Results that Snakemake has no record of: it would take them for new, whatever made them.

Snakemake notes in ``.snakemake`` by what each output was made. An output without such a note (a
copied folder, a deleted ``.snakemake``) is to it as good as new. These functions look while a run
is planned.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snakemake.persistence.file import FilePersistence

from earmark.runtime.errors import EarmarkError

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


def of(workflow: Any) -> "FilePersistence | None":
    """Snakemake's records in this folder; None if this workflow keeps them in a database."""
    from snakemake.persistence.file import FilePersistence

    if workflow.workflow_settings.persistence_backend.name != "FILE":
        return None
    return FilePersistence(nolock=True)


def check(results: Path, records: "FilePersistence | None") -> None:
    """Raise EarmarkError if there are ``results`` without a record of what made them."""
    if records is None:
        return
    made = sorted(str(path) for kind in MADE for path in results.glob(kind))
    # Of what a stopped run left behind, it says that it is incomplete.
    stopped = records._filter_incomplete_keys(made)
    unknown = [path for path in made if path not in stopped and not records._read_record(path)]
    if unknown:
        raise EarmarkError(
            f"Nothing tells by which data, config and code {unknown[0]} was made ({len(unknown)} "
            f"such files in {results}): they were copied here, or the folder .snakemake was "
            f"deleted. Delete {results}, or write `name: another_name` in the config, or, if you "
            f"are sure that they are of this data and config, take them over with `snakemake "
            f"--touch --forceall` and the same target, configfile and config."
        )


def mark_foreign(top: Path, results: Path, records: "FilePersistence | None") -> None:
    """Let ``top`` be made anew if it is there and no copy of the submission in ``results``."""
    own = results / "submission.csv"
    foreign = top.is_file() and not (own.exists() and top.read_bytes() == own.read_bytes())
    if foreign and records is not None:
        records._mark_incomplete(str(top), None)
