"""profiles/slurm: what it asks of Slurm, and a small run through a real one (slurm_cluster.py)."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import slurm_cluster
import yaml
from slurm_cluster import Cluster
from slurm_runs import SlurmRun
from tiny import REPO, make_set, merged, plan, read_rows
from tiny_run import CLASSES, TINY

PROFILE: dict[str, Any] = yaml.safe_load((REPO / "profiles/slurm/config.yaml").read_text())
ASKED: dict[str, dict[str, Any]] = PROFILE["set-resources"]
TRAINING = {"train_model", "selftrain_round", "train_autoencoder"}
COMPUTING = {*TRAINING, "predict"}
# Rules with nothing to do of their own.
TARGETS = {"all", "scores", "report2018", "cross_validate", "sweep", "sweep_so_far"}
REPORT = ("--configfile", str(REPO / "presets/report2018-small.yaml"))


@pytest.fixture(scope="module")
def rules() -> set[str]:
    """Every rule, whatever kind of data set the config names."""
    text = "".join(path.read_text() for path in [REPO / "Snakefile", *REPO.glob("rules/*.smk")])
    return set(re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)(?: with)?:$", text, re.M))


@pytest.fixture(scope="module")
def beside_snakemake() -> set[str]:
    """Rules that are no jobs of Slurm's."""
    text = "".join(path.read_text() for path in REPO.glob("rules/*.smk"))
    blocks = re.split(r"^ *(?=rule \w+:$)", text, flags=re.M)[1:]
    light = [block for block in blocks if re.search(r"^ +localrule: True$", block, re.M)]
    return {re.match(r"rule (\w+)", block).group(1) for block in light}  # type: ignore[union-attr]


def test_every_rule_is_either_light_or_asks_for_memory_and_time(
    rules: set[str], beside_snakemake: set[str]
) -> None:
    assert len(rules) > 20
    assert set(ASKED) | beside_snakemake | TARGETS == rules
    assert not set(ASKED) & beside_snakemake
    for asked in ASKED.values():
        for name in ("mem_mb", "runtime"):
            assert re.search(r"\* attempt$", asked[name]), "a retry gets more"


def test_training_asks_for_a_gpu_and_for_time_to_save() -> None:
    for rule, asked in ASKED.items():
        assert asked.get("gpu", 0) == (rule in COMPUTING)
        assert ("--signal=TERM@" in asked.get("slurm_extra", "")) == (rule in TRAINING)
    # Nothing holds GPU jobs back.
    assert "resources" not in PROFILE


def test_what_counts_as_a_change_is_the_same_as_on_one_machine() -> None:
    default = yaml.safe_load((REPO / "profiles/default/config.yaml").read_text())
    for key in ("rerun-triggers", "rerun-incomplete"):
        assert PROFILE[key] == default[key]


@pytest.mark.parametrize(
    ("targets", "site"),
    [
        (("all",), ()),
        (("report2018", *REPORT), ()),
        (("all",), ("--default-resources", "slurm_account=ours", "slurm_partition=fast")),
    ],
)
def test_every_job_that_slurm_gets_has_memory_and_time(
    tmp_path: Path, targets: tuple[str, ...], site: tuple[str, ...]
) -> None:
    done = plan(tmp_path, *targets, "--workflow-profile", "slurm", *site)
    assert done.code == 0, done.text
    checked = set()
    for block in re.split(r"^(?=rule \w+:$)", done.text, flags=re.M)[1:]:
        rule = re.match(r"rule (\w+):", block).group(1)  # type: ignore[union-attr]
        if rule not in ASKED:
            continue
        checked.add(rule)
        found = dict(re.findall(r"(\w+)=([^,\n]+)", block.split(" resources: ")[1].split("\n")[0]))
        assert 30 <= int(found["runtime"]) <= 24 * 60
        if found["mem_mb"] != "<TBD>":  # known when its input is there
            assert 2000 <= int(found["mem_mb"]) <= 64_000
        assert int(found.get("gpu", 0)) == (rule in COMPUTING)
        if site:
            assert found["slurm_account"] == "ours"
            assert found["slurm_partition"] == "fast"
    assert len(checked) >= 6
    assert checked >= TRAINING


def test_a_machine_with_its_own_slurm_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "slurm.conf"
    theirs.write_text("ClusterName=theirs\n")
    monkeypatch.setattr(slurm_cluster, "FILES", (theirs, tmp_path / "gres.conf"))
    monkeypatch.setattr(slurm_cluster, "require_programs", lambda: None)
    with pytest.raises(slurm_cluster.UnavailableError, match=r"slurm\.conf"):
        slurm_cluster.start()
    assert slurm_cluster.running() is None
    slurm_cluster.stop()
    assert theirs.read_text() == "ClusterName=theirs\n"


def test_nobody_but_root_starts_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_cluster.os, "geteuid", lambda: 1000)
    with pytest.raises(slurm_cluster.UnavailableError, match="needs root"):
        slurm_cluster.start()


def test_where_slurm_is_absent_tests_say_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_cluster.os, "geteuid", lambda: 0)
    monkeypatch.setattr(slurm_cluster, "PROGRAMS", ("python3", "no-such-program"))
    with pytest.raises(slurm_cluster.UnavailableError, match="`make services`") as told:
        slurm_cluster.start()
    assert "no-such-program not found" in str(told.value)


@dataclass
class Trained:
    """A model trained through Slurm, whose job was cancelled once on the way."""

    directory: Path
    text: str
    jobs: dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def trained(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    base = tmp_path_factory.mktemp("slurm")
    made = make_set(base / "four", CLASSES, clips=8)
    overlay = merged(TINY, {"dataset": str(made.folder), "recipes": {"crops": {"epochs": 120}}})
    model = "results/four/models/cnn_logmel/seed1/fold0/weights.safetensors"
    with SlurmRun(cluster, base / "run", model, overlay=overlay) as run:
        job = run.running_job("train_model")
        run.wait_for_line("logs/four/train_model/cnn_logmel/seed1_fold0.log", "epoch 3/")
        subprocess.run(["scancel", job["JobId"]], check=True)
        text = run.finish()
        rules = ("inspect_clips", "extract_features", "select_labels", "train_model")
        return Trained(run.directory, text, {rule: run.jobs(rule) for rule in rules})


def test_heavy_rules_go_to_slurm_and_light_ones_stay(trained: Trained) -> None:
    assert {rule: len(jobs) for rule, jobs in trained.jobs.items()} == {
        "inspect_clips": 1,
        "extract_features": 1,
        "select_labels": 0,
        "train_model": 2,
    }
    assert (trained.directory / "results/four/selections/everything.csv").exists()


def test_slurm_sees_what_the_profile_asks_for(trained: Trained) -> None:
    (features,) = trained.jobs["extract_features"]
    assert features["NumCPUs"] == "8"
    assert features["MinMemoryNode"] == "8000M"
    assert features["TimeLimit"] == "02:00:00"
    assert "TresPerJob" not in features
    for job in trained.jobs["train_model"]:
        assert job["NumCPUs"] == "1"
        assert job["TresPerJob"] == "gres:gpu:1"
        assert job["Requeue"] == "1"


def test_a_cancelled_job_is_tried_again_with_more_and_goes_on(trained: Trained) -> None:
    first, second = trained.jobs["train_model"]
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("04:00:00", "08:00:00")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("16000M", "32000M")
    assert "Trying to restart job" in trained.text
    log = (trained.directory / "logs/four/train_model/cnn_logmel/seed1_fold0.log").read_text()
    resumed = int(re.search(r"Resuming from epoch (\d+)", log).group(1))  # type: ignore[union-attr]
    assert resumed > 3
    assert f"epoch {resumed - 1}/" not in log
    history = trained.directory / "results/four/models/cnn_logmel/seed1/fold0/history.csv"
    assert [row["epoch"] for row in read_rows(history)] == [str(n) for n in range(1, 121)]


def test_every_try_has_a_log_of_its_own(trained: Trained) -> None:
    first, second = (job["JobId"] for job in trained.jobs["train_model"])
    folder = trained.directory / "logs/slurm/rule_train_model/cnn_logmel_1_0"
    assert {path.stem for path in folder.iterdir()} == {first, second}
    assert "Stopped by SIGTERM" in (folder / f"{first}.log").read_text()
    (inspected,) = (job["JobId"] for job in trained.jobs["inspect_clips"])
    assert (trained.directory / f"logs/slurm/rule_inspect_clips/train/{inspected}.log").exists()


def test_status_of_the_cluster_is_told(cluster: Cluster) -> None:
    done = subprocess.run(
        [sys.executable, slurm_cluster.__file__, "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "runs" in done.stdout


def test_a_cluster_at_work_is_not_replaced(cluster: Cluster) -> None:
    before = slurm_cluster.running()
    with pytest.raises(slurm_cluster.UnavailableError, match="Another test cluster"):
        slurm_cluster.start(owner=os.getpid(), patience=0)
    assert slurm_cluster.running() == before
