"""Find the train clips whose label is probably wrong."""

import logging

import numpy as np

from earmark.dataset import clips, listed, tables
from earmark.evaluation import out_of_fold, predictions, tags
from earmark.features import clip_statistics
from earmark.labels import label_table, suspect_table, suspects
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    features: list[str],
    listed_table: str,
    labels_table: str,
    clips_table: str,
    found: str,
    top: str,
    counts: str,
    seed: int,
) -> None:
    """Write ``found`` (suspects.csv), ``top``, a copy of it, and ``counts`` (wrong_labels.csv).

    ``members`` are files of train clips' predictions, out of fold, which are averaged;
    ``features`` names one file that clips are compared by, or none.
    """
    labels = label_table.read(labels_table)
    parts = [predictions.read(path) for path in members]
    classes = predictions.same_classes(parts, "suspects")
    heard = labels["clip"].isin(out_of_fold.predicted_clips(parts))
    rows = labels[heard].reset_index(drop=True)
    names = rows["clip"].tolist()
    now = np.array([classes.index(label) for label in rows["label"]], dtype=int)
    evidence = [np.mean([part.of(names) for part in parts], axis=0, dtype=np.float64)]
    if features:
        points = clip_statistics.describe(features[0], names)
        evidence.append(suspects.by_trees(points, now, len(classes), seed))
    else:
        points = np.log(np.maximum(evidence[0], suspects.LOWEST_PROBABILITY))
    known = suspect_table.known_labels(rows, listed.read(listed_table), classes)
    suspicion = suspects.fit(evidence, known)
    state = clips.read(clips_table).set_index("clip")
    unheard = labels[~heard]
    problems = [tags.reason(*state.loc[clip, ["status", "problem"]]) for clip in unheard["clip"]]
    table = suspect_table.make(rows, classes, suspicion, points, unheard.assign(problem=problems))
    for path in (found, top):
        tables.write_table(table, path)
    expected = suspect_table.count(rows["label"].tolist(), suspicion, seed)
    tables.write_table(expected, counts)
    checked = int(expected["checked"].iat[0])
    log.info(
        "%s has the train clips by how probably their label is wrong. Of %d labels that nobody "
        "checked, about %.0f should be another class (95 %% interval %.0f to %.0f); clips of no "
        "class are not counted.%s",
        top,
        len(rows) - checked,
        *expected.loc[0, ["wrong", "wrong_low", "wrong_high"]],
        ""
        if checked >= suspect_table.FEW_CHECKED
        else f" Only {checked} are known to be checked: a rough estimate.",
        extra={"terminal": True},
    )
    if not suspicion.is_informed:
        log.warning(
            "The predictions tell no more of the labels than how frequent each is, so the suspects "
            "and their numbers mean nothing. Train the networks longer, or choose others by "
            "`suspects: {systems: [names]}`."
        )
    wrong, likely, deviation = suspicion.checks
    if wrong > likely + 2 * deviation:
        log.warning(
            "Of the labels that you checked, %d were wrong, where the evidence expects about %.0f: "
            "more labels are wrong than %s says, as where one class is often taken for another. Go "
            "by what you find.",
            *(wrong, likely, counts),
        )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
