"""Results that Snakemake has no record of: it would take them for new, whatever made them.

Snakemake notes in ``.snakemake`` by what each output was made. An output without such a note (a
copied folder, a deleted ``.snakemake``) is to it as good as new. These functions look while a run
is planned; ``persistence`` is Snakemake's.
"""

from pathlib import Path
from typing import Any

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


def check(results: Path, persistence: Any) -> None:
    """Raise EarmarkError if there are ``results`` without a record of what made them."""
    made = sorted(str(path) for kind in MADE for path in results.glob(kind))
    # Of what a stopped run left behind, it says that it is incomplete.
    stopped = persistence._filter_incomplete_keys(made)
    unknown = [
        path for path in made if path not in stopped and persistence._read_record(path) is None
    ]
    if unknown:
        raise EarmarkError(
            f"Nothing tells by which data, config and code {unknown[0]} was made ({len(unknown)} "
            f"such files in {results}): they were copied here, or the folder .snakemake was "
            f"deleted. Delete {results}, or write `name: another_name` in the config, or, if you "
            f"are sure that they are of this data and config, take them over with `snakemake "
            f"--touch --forceall` and the same target, configfile and config."
        )


def mark_foreign(top: Path, submitted: Path, persistence: Any) -> None:
    """Let ``top`` be made anew if it is there and no copy of the submission ``submitted``."""
    if top.exists() and not (submitted.exists() and top.read_bytes() == submitted.read_bytes()):
        persistence._mark_incomplete(str(top), None)
