"""Count the correct labels of each selection, where the train clips' ground truth is known."""

from typing import Any

import pandas as pd

from earmark.dataset.tables import write_table
from earmark.evaluation import label_quality
from earmark.evaluation import truth as ground_truth
from earmark.labels import selections as selection_files
from earmark.runtime import job

ALL_LABELS = "(all labels)"


def main(*, truth: str, selections: list[str], quality: str, cfg: dict[str, Any]) -> None:
    """Write selection, source, labels, correct, precision.

    The first selection, ALL_LABELS, has all labels, whatever their weight. ``cfg["names"]`` are the
    names of the ``selections``.
    """
    all_rows = [selection_files.read(path) for path in selections]
    # Each selection has a row for every usable clip.
    usable = all_rows[0]
    clips, classes = usable["clip"].tolist(), set(usable["label"])
    known, _ = ground_truth.fit(ground_truth.read_train(truth), clips, classes, "usable train")
    true_labels = dict(zip(known["clip"], known["label"], strict=True))
    source = usable["source"].where(usable["verified"] == 1, "unverified")
    by_name = {ALL_LABELS: usable.assign(source=source)}
    for name, table in zip(cfg["names"], all_rows, strict=True):
        by_name[name] = selection_files.training_rows(table)
    rows = []
    for name, selection in by_name.items():
        for source, part in selection.groupby("source", sort=False):
            correct, count = label_quality.count_correct(part, true_labels)
            share = round(correct / count, 4) if count else float("nan")
            rows.append((name, source, count, correct, share))
    columns = ["selection", "source", "labels", "correct", "precision"]
    write_table(pd.DataFrame(rows, columns=columns), quality)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
