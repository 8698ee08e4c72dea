"""The four edits that the artefacts are cut for, run for real: what runs, what stays as it was."""

import re
from pathlib import Path

import pytest
from test_end_to_end import CLASSES
from test_reruns import LABELLING, SUBMITTING, Finished, clip_more
from tiny import merged, read_rows, snakemake

MINE = '''"""A network of one's own."""

from torch import nn


def mine(input_shape, classes):
    """One linear layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1], classes))
'''


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    made = Finished(tmp_path_factory.mktemp("headlines"))
    made.run()
    return made


def jobs_run(finished: Finished, overlay: dict | None = None) -> list[tuple[str, dict[str, str]]]:
    """Run ``all`` and return (rule, wildcards) of each job that ran."""
    found = merged(finished.overlay, overlay or {})
    code, text = snakemake(finished.directory, "all", overlay=found, tree=finished.tree)
    assert code == 0, text
    jobs = []
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", text, flags=re.M)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block).group(1)  # type: ignore[union-attr]
        told = re.search(r"^ +wildcards: (.*)$", block, re.M)
        pairs = [pair.split("=", 1) for pair in told.group(1).split(", ")] if told else []
        jobs.append((rule, dict(pairs)))
    return [job for job in jobs if job[0] != "all"]


def files(finished: Finished, *kinds: str) -> dict[Path, tuple[bytes, int]]:
    """Content and time of these files of the results."""
    paths = [path for kind in kinds for path in (finished.directory / "results/four").glob(kind)]
    assert paths
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_a_message(finished: Finished) -> None:
    path = finished.tree / "workflow_scripts/earmark/training/loop.py"
    with finished.edited(path, "Kept the weights of epoch", "These are the weights of epoch"):
        assert jobs_run(finished) == []


def test_a_network(finished: Finished) -> None:
    networks = finished.tree / "workflow_scripts/earmark/networks"
    (networks / "mine.py").write_text(MINE, encoding="utf-8")
    entry = 'NETWORKS = {\n    "mine": Network("mine", lambda **_: (1, 2)),\n'
    with finished.edited(networks / "catalogue.py", "NETWORKS = {\n", entry):
        models = files(finished, "models/*/*/*/*", "selftraining/*/*/*/*/*")
        assert jobs_run(finished) == []
        system = {"feature": "stft", "network": "mine", "labels": "everything", "recipe": "vgg"}
        ran = jobs_run(
            finished,
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
            for path, facts in files(finished, "models/*/*/*/*", "selftraining/*/*/*/*/*").items()
            if path in models
        } == models
        jobs_run(finished)


def test_a_test_clip(finished: Finished) -> None:
    kept = files(finished, "models/*/*/*/*", "features/*/train.h5", "autoencoders/*/*")
    with clip_more(finished.made, "test") as clip:
        ran = jobs_run(finished)
        assert {rule for rule, _ in ran} == {
            "inspect_clips",
            "extract_features",
            "predict",
            *SUBMITTING,
        }
        assert {w["part"] for _, w in ran if "part" in w} == {"test"}
        submission = [row["fname"] for row in read_rows(finished.directory / "submission.csv")]
        assert submission == [*finished.made.test, clip]
    assert files(finished, "models/*/*/*/*", "features/*/train.h5", "autoencoders/*/*") == kept
    jobs_run(finished)


def test_a_label(finished: Finished) -> None:
    kept = files(finished, "clips/*", "features/*/*", "autoencoders/*/*")
    fname, label, verified = finished.made.train[0]
    other = next(name for name in CLASSES if name != label)
    old, new = f"{fname},{label},{verified}", f"{fname},{other},{verified}"
    with finished.edited(finished.made.train_list, old, new):
        ran = {rule for rule, _ in jobs_run(finished)}
        assert ran == {"draw_folds", *LABELLING}
        labels = {
            row["clip"]: row for row in read_rows(finished.directory / "results/four/labels.csv")
        }
        assert labels[fname]["label"] == other
    assert files(finished, "clips/*", "features/*/*", "autoencoders/*/*") == kept
