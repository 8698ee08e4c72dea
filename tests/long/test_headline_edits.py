"""The four edits that the artefacts are cut for, run for real: what runs, what stays as it was."""

import re
from pathlib import Path

import pytest
from edited_run import Edited, clip_more
from rerun_edits import LABELLING, SUBMITTING
from tiny import merged, read_rows, snakemake
from tiny_run import CLASSES, Run

MINE = '''"""A network of one's own."""

from torch import nn


def mine(input_shape, classes):
    """One linear layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1], classes))
'''


@pytest.fixture(scope="module")
def edited(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    return Edited(finished, tmp_path_factory.mktemp("headlines"))


def jobs_run(edited: Edited, overlay: dict | None = None) -> list[tuple[str, dict[str, str]]]:
    """Run ``all`` and return (rule, wildcards) of each job that ran."""
    found = merged(edited.overlay, overlay or {})
    code, text = snakemake(edited.directory, "all", overlay=found, tree=edited.tree)
    assert code == 0, text
    jobs = []
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", text, flags=re.M)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block).group(1)  # type: ignore[union-attr]
        told = re.search(r"^ +wildcards: (.*)$", block, re.M)
        pairs = [pair.split("=", 1) for pair in told.group(1).split(", ")] if told else []
        jobs.append((rule, dict(pairs)))
    return [job for job in jobs if job[0] != "all"]


def files(edited: Edited, *kinds: str) -> dict[Path, tuple[bytes, int]]:
    """Content and time of these files of the results."""
    paths = [path for kind in kinds for path in (edited.directory / "results/four").glob(kind)]
    assert paths
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_a_message(edited: Edited) -> None:
    path = edited.tree / "workflow_scripts/earmark/training/loop.py"
    with edited.edit(path, "Kept the weights of epoch", "These are the weights of epoch"):
        assert jobs_run(edited) == []


def test_a_network(edited: Edited) -> None:
    networks = edited.tree / "workflow_scripts/earmark/networks"
    (networks / "mine.py").write_text(MINE, encoding="utf-8")
    entry = 'NETWORKS = {\n    "mine": Network("mine", lambda **_: (1, 2)),\n'
    with edited.edit(networks / "catalogue.py", "NETWORKS = {\n", entry):
        models = files(edited, "models/*/*/*/*", "selftraining/*/*/*/*/*")
        assert jobs_run(edited) == []
        system = {"feature": "stft", "network": "mine", "labels": "everything", "recipe": "vgg"}
        ran = jobs_run(
            edited,
            {
                "systems": {"mine": system},
                "ensembles": {"power": {"members": ["cnn_logmel", "mine"]}},
            },
        )
        trained = [wildcards["system"] for rule, wildcards in ran if rule == "train_model"]
        assert trained == ["mine"]
        assert {w["system"] for rule, w in ran if rule == "predict"} == {"mine"}
        assert "selftrain_round" not in dict(ran)
        assert {
            path: facts
            for path, facts in files(edited, "models/*/*/*/*", "selftraining/*/*/*/*/*").items()
            if path in models
        } == models
        jobs_run(edited)


def test_a_test_clip(edited: Edited) -> None:
    kept = files(edited, "models/*/*/*/*", "features/*/train.h5", "autoencoders/*/*")
    with clip_more(edited.made, "test") as clip:
        ran = jobs_run(edited)
        assert {rule for rule, _ in ran} == {
            "inspect_clips",
            "extract_features",
            "predict",
            *SUBMITTING,
        }
        assert {w["part"] for _, w in ran if "part" in w} == {"test"}
        submission = [row["fname"] for row in read_rows(edited.directory / "submission.csv")]
        assert submission == [*edited.made.test, clip]
    assert files(edited, "models/*/*/*/*", "features/*/train.h5", "autoencoders/*/*") == kept
    jobs_run(edited)


def test_a_label(edited: Edited) -> None:
    kept = files(edited, "clips/*", "features/*/*", "autoencoders/*/*")
    fname, label, verified = edited.made.train[0]
    other = next(name for name in CLASSES if name != label)
    old, new = f"{fname},{label},{verified}", f"{fname},{other},{verified}"
    with edited.edit(edited.made.train_list, old, new):
        ran = {rule for rule, _ in jobs_run(edited)}
        assert ran == {"draw_folds", *LABELLING}
        labels = {
            row["clip"]: row for row in read_rows(edited.directory / "results/four/labels.csv")
        }
        assert labels[fname]["label"] == other
    assert files(edited, "clips/*", "features/*/*", "autoencoders/*/*") == kept
