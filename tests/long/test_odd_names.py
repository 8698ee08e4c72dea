"""Clips, classes and folders with names that shells, Snakemake and markup could trip over."""

import csv
import html
from pathlib import Path
from xml.etree import ElementTree

from bad_lists import FOLDERS, SCRIPTS, SIGNS, rename_clips
from tiny import make_set, merged, read_rows, snakemake, write_rows
from tiny_run import TINY

# The last ones are what programs take for a missing value or a truth value.
CLASSES = ["犬", "<b>&'{set}'", r"_$\frac$", "%s", "None", "nan", "True"]
FOLDER = "my 'set' of sounds; $HOME %s é"


def test_odd_names_come_through_to_submission_pages_and_figures(tmp_path: Path) -> None:
    made = make_set(tmp_path / FOLDER, CLASSES, clips=4, test_clips=4, truth=True)
    before = list(made.test)
    rename_clips(made, [*FOLDERS, *SCRIPTS, *SIGNS])
    known = {new: made.truth[old] for old, new in zip(before, made.test, strict=True)}
    rows = [(name, label, "Public") for name, label in known.items()]
    write_rows(made.folder / "test_post_competition.csv", ("fname", "label", "usage"), rows)
    rows = [(name, label) for name, label, _ in made.train]
    write_rows(made.folder / "train_truth.csv", ("fname", "true_label"), rows)
    overlay = merged(
        TINY,
        {
            "dataset": str(made.folder),
            "submission": "cnn_logmel",
            "ensembles": {
                name: {"members": ["cnn_logmel"]}
                for name in ("arithmetic", "geometric", "power", "weighted")
            },
            "systems": {"cnn_logmel": {"labels": "promoted"}},
            "spreading": {"latent_two": {"scheme": "one"}},
        },
    )
    run = tmp_path / "run 'in' $HOME %s {here} é"
    code, text = snakemake(run, "all", overlay=overlay)
    assert code == 0, text
    with open(run / "submission.csv", newline="", encoding="utf-8") as file:
        submitted = list(csv.reader(file))[1:]
    assert [name for name, _ in submitted] == made.test
    assert {guess for _, label in submitted for guess in label.split(" ")} <= set(CLASSES)
    (results,) = (run / "results").iterdir()
    assert results.name == "my__set__of_sounds___HOME__s_é"
    for part, names in (("train", [row[0] for row in made.train]), ("test", made.test)):
        table = read_rows(results / f"clips/{part}.csv")
        assert [row["clip"] for row in table] == names
        assert {row["status"] for row in table} == {"ok"}
    scores = {row["system"]: row for row in read_rows(results / "scores.csv")}
    assert int(scores["cnn_logmel"]["clips"]) == len(made.test)
    figures = list(results.rglob("*.svg"))
    assert len(figures) == 3
    for figure in figures:
        ElementTree.parse(figure)
    # Beside each drawn text the file has it as a comment.
    drawn = (results / "report/clips_per_class.svg").read_text(encoding="utf-8")
    for label in CLASSES:
        text = html.escape(label.replace("_", " "), quote=False)
        assert text in drawn, label
