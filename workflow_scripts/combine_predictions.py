"""Average the members of an ensemble, or the folds of one system."""

from typing import Any

import numpy as np

from earmark import ensemble, job, manifest, metrics, store, submission, tables


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
    paths = iter(members)
    means, scores, names = [], [], []
    for folds in cfg["folds"].values():
        files = [next(paths) for _ in folds]
        read = [store.read_predictions(path, tests) for path in files]
        names += [classes for _, classes in read]
        means.append(np.mean([probabilities for probabilities, _ in read], axis=0))
        scores.append(_validation_score(clips, files, folds))
    classes = names[0]
    if any(other != classes for other in names):
        raise ValueError(f"The members of {combined} were trained on different classes.")
    found = ensemble.combine(cfg["kind"], means, scores, cfg["exponent"])
    store.write_predictions(combined, tests, found, classes)
    tables.write_table(submission.make(tests, found, classes), guesses)


def _validation_score(clips: Any, files: list[str], folds: list[int]) -> float:
    """MAP@3 on the verified clips that each fold's model did not see."""
    probabilities: list[np.ndarray] = []
    labels: list[int] = []
    for path, fold in zip(files, folds, strict=True):
        judges = clips[(clips["fold"] == fold) & (clips["verified"] == 1)]
        found, classes = store.read_predictions(path, judges["fname"].tolist())
        probabilities.append(found)
        labels += [classes.index(label) for label in judges["label"]]
    return metrics.map_at_3(np.concatenate(probabilities), labels)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
