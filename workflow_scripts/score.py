"""Score submissions against the published ground truth; the only script that reads it."""

from typing import Any

import pandas as pd

from earmark.dataset.tables import write_table
from earmark.evaluation import predictions, scoring, submission
from earmark.evaluation import truth as ground_truth
from earmark.reporting import table_pages
from earmark.reporting.table_pages import Section
from earmark.runtime import job

REMARKS = (
    "A clip scores 1 if the first guess is correct, 1/2 if the second is, 1/3 if the third is, and "
    "0 otherwise; MAP@3 is the mean over clips. The standard error says how much that mean would "
    "vary with other clips: systems that differ by less may be equally good.",
)
HEADINGS = {"map3": "MAP@3", "accuracy": "first guess correct"}
BETWEEN_SEEDS = ("MAP@3 of each system over its seeds: mean and sample standard deviation.",)


def main(
    *,
    truth: str,
    submissions: list[str],
    combined: list[str],
    scores: str,
    page: str,
    clip_scores: str,
    cfg: dict[str, Any],
) -> None:
    """Write scores.csv, the same as a web page, and the scores of each clip.

    ``cfg["systems"]`` gives (system, seed) of each submission; ``combined`` are the files of
    predictions that they were made from, which have the names of the classes.
    """
    classes_of = [predictions.read_classes(path) for path in combined]
    guesses = [
        submission.read(path, classes)
        for path, classes in zip(submissions, classes_of, strict=True)
    ]
    classes = set().union(*classes_of)
    true_labels, remarks = ground_truth.fit(
        ground_truth.read_test(truth, classes), list(guesses[0]), classes, "test"
    )
    parts = [
        scoring.score_clips(system, seed, guessed, true_labels)
        for (system, seed), guessed in zip(cfg["systems"], guesses, strict=True)
    ]
    clips = pd.concat(parts, ignore_index=True)
    write_table(clips, clip_scores)
    table = scoring.score(clips)
    shown = table.sort_values("split", kind="stable").rename(columns=HEADINGS)
    sections = [Section("Scores on the test clips", shown, 3, [*REMARKS, *remarks])]
    if table["seed"].nunique() > 1:
        means = scoring.means_over_seeds(table)
        sections.insert(0, Section("Means over seeds", means, 3, BETWEEN_SEEDS))
    table_pages.write(table, sections, scores, page)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
