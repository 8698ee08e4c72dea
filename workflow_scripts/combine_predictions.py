"""Average the members of an ensemble, or the folds of one system."""

from typing import Any

import numpy as np

from earmark import ensemble, held_out, manifest, submission, tables
from earmark.features import store
from earmark.runtime import job


def main(
    *, table: str, members: list[str], combined: str, guesses: str, cfg: dict[str, Any]
) -> None:
    """Write the test clips' mean probabilities (HDF5) and three best guesses (CSV).

    ``members`` are prediction files; ``cfg`` has ``kind``, ``exponent`` and ``folds``, which lists
    for each member the held-out folds of its files, in their order: {"name": [0, 1], ...}. The
    folds of one member are averaged first.
    """
    clips = manifest.read(table)
    tests = clips.loc[clips["split"] == "test", "fname"].tolist()
    by_member = held_out.files_of(members, cfg["folds"])
    means, names = [], []
    for files in by_member.values():
        read = [store.read_predictions(path, tests) for path in files.values()]
        names += [classes for _, classes in read]
        means.append(np.mean([probabilities for probabilities, _ in read], axis=0))
    classes = held_out.same_classes(names, combined)
    scores = held_out.weighing_scores(clips, by_member, cfg["kind"])
    found = ensemble.combine(cfg["kind"], means, scores, cfg["exponent"])
    store.write_predictions(combined, tests, found, classes)
    tables.write_table(submission.make(tests, found, classes), guesses)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
