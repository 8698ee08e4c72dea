"""What goes when nothing needs it any more, what stays, and what later edits then cost."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import REPO, TinySet, make_set, merged, plan, snakemake
from tiny_run import CLASSES, TINY

from earmark.dataset import tables

LEAN: dict[str, Any] = {"keep": {"features": False}}
ROUNDS = "selftraining/vgg_fewer_semi/seed1/fold0"

# Worked out by hand: who reads the pictures, and what comes of them.
SCORING = {"predict", "combine_predictions", "write_out_of_fold", "plot_history", "score"}
LEARNED_FROM_PICTURES = {
    "extract_features",
    "train_autoencoder",
    "spread_labels",
    "summarise_spreading",
    "plot_tsne",
    "select_labels",
    "measure_labels",
    "train_model",
    "selftrain_round",
    *SCORING,
}


class Finished:
    """A finished run that kept little: first the submission alone, then all."""

    def __init__(self, base: Path) -> None:
        self.directory = base / "run"
        self.made: TinySet = make_set(base / "four", CLASSES, clips=8, truth=True)
        self.overlay = merged(
            TINY, {"dataset": str(self.made.folder), "selftraining": {"short": {"rounds": 2}}}
        )

    @property
    def results(self) -> Path:
        return self.directory / "results/four"

    def run(self, *arguments: str, change: dict[str, Any] | None = None) -> str:
        overlay = merged(self.overlay, change or {})
        code, text = snakemake(self.directory, *arguments, overlay=overlay)
        assert code == 0, text
        return text

    def planned(self, *changes: dict[str, Any], target: str = "all") -> dict[str, int]:
        overlay = self.overlay
        for change in changes:
            overlay = merged(overlay, change)
        found = plan(self.directory, target, overlay=overlay)
        assert found.code == 0, found.text
        return {name: count for name, count in found.counts.items() if name != "all"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    made = Finished(tmp_path_factory.mktemp("cleaning"))
    made.run("submission.csv", change=LEAN)
    assert not list(made.results.glob("features/*"))
    assert made.planned(LEAN, target="submission.csv") == {}
    made.run("all", change=LEAN)
    return made


def test_what_is_large_is_gone_and_what_the_report_shows_is_there(finished: Finished) -> None:
    assert not list(finished.results.glob("features/*"))
    left = {path.name for path in (finished.results / ROUNDS / "round2").iterdir()}
    assert left >= {"weights.safetensors", "history.csv", "pseudo_labels.csv"}
    for system in ("vgg_fewer", "cnn_logmel"):
        assert (finished.results / f"models/{system}/seed1/fold0/weights.safetensors").exists()
    for system in ("vgg_fewer_semi", "cnn_logmel"):
        for part in ("train", "test"):
            assert (finished.results / f"predictions/{system}/seed1/{part}.h5").exists()
    assert (finished.results / "autoencoders/stft/latents.h5").exists()


def test_nothing_is_to_be_done_afterwards_whatever_is_kept(finished: Finished) -> None:
    assert finished.planned(LEAN) == {}
    assert finished.planned() == {}


def test_an_edit_that_needs_no_large_file_costs_what_it_always_does(finished: Finished) -> None:
    assert set(finished.planned(LEAN, {"tsne": {"perplexity": 20.0}})) == {"plot_tsne"}
    members = {"ensembles": {"power": {"members": ["cnn_logmel"]}}}
    found = finished.planned(LEAN, members)
    assert set(found) == {"combine_predictions", "write_out_of_fold", "score"}


def test_an_edit_of_one_network_redoes_all_that_learns_from_its_feature(finished: Finished) -> None:
    # Another feature's networks are left alone.
    found = finished.planned(LEAN, {"recipes": {"crops": {"learning_rate": 2.0e-3}}})
    submitted = {"write_submission", "copy_submission"}
    assert set(found) == {"extract_features", "train_model", *submitted, *SCORING}
    # Of both parts: its network is trained on one, and says something of the other.
    assert (found["extract_features"], found["train_model"], found["predict"]) == (2, 1, 2)
    found = finished.planned(LEAN, {"recipes": {"adjust": {"epochs": 3}}})
    assert set(found) == LEARNED_FROM_PICTURES
    assert (found["extract_features"], found["train_model"], found["predict"]) == (2, 1, 2)


def test_a_round_more_or_fewer_without_features(finished: Finished) -> None:
    found = finished.planned(LEAN, {"selftraining": {"short": {"rounds": 3}}})
    assert set(found) == LEARNED_FROM_PICTURES
    assert found["selftrain_round"] == 3
    found = finished.planned(LEAN, {"selftraining": {"short": {"rounds": 1}}})
    assert set(found) == LEARNED_FROM_PICTURES
    assert found["selftrain_round"] == 1


def test_a_feature_made_first_spares_the_others(finished: Finished) -> None:
    features = [finished.results / f"features/stft/{part}.h5" for part in ("train", "test")]
    sums = ("--max-checksum-file-size", "1T")
    try:
        targets = [str(path.relative_to(finished.directory)) for path in features]
        finished.run("--notemp", *sums, *targets, change=LEAN)
        assert all(path.exists() for path in features)
        # A round more goes on from the last one, which was kept.
        found = finished.planned(LEAN, {"selftraining": {"short": {"rounds": 3}}})
        assert set(found) == {"selftrain_round", *SCORING}
        assert found["selftrain_round"] == 1
        found = finished.planned(LEAN, {"selftraining": {"short": {"rounds": 1}}})
        assert set(found) == SCORING
        # What a run that kept everything can do at its end.
        text = finished.run("all", "--delete-temp-output", change=LEAN)
        assert all(f"Deleting {target}" in text for target in targets)
        assert not any(path.exists() for path in features)
        assert finished.planned(LEAN) == {}
    finally:
        for path in features:
            path.unlink(missing_ok=True)


WRITE_AND_WAIT = """
import sys, time
from earmark.dataset import tables
with tables.atomic_file(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    time.sleep(600)
"""


def writer_of(path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is in the middle of writing ``path``, and its temporary file."""
    environment = {**os.environ, "PYTHONPATH": str(REPO / "workflow_scripts")}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_WAIT, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    return process, path.parent / process.stdout.readline().strip()


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "weights[1].safetensors"
    killed, left = writer_of(path)
    alive, unfinished = writer_of(path)
    try:
        assert left.exists()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # Another machine's process with the same number may be alive, and so is another file's.
        host = socket.gethostname()
        others = [
            tmp_path / left.name.replace(f".{host}.", f".{host}2."),
            tmp_path / f".other.safetensors.{host}.{killed.pid}.tmp",
            tmp_path / f".{path.name}.{host}.mine.tmp",
        ]
        assert len({left, unfinished, *others}) == 5
        for other in others:
            other.write_text("kept")
        with tables.atomic_file(path) as temporary:
            temporary.write_text("whole")
            assert not left.exists()
            assert unfinished.read_text() == "half"
        assert path.read_text() == "whole"
        assert all(other.read_text() == "kept" for other in others)
    finally:
        for process in (killed, alive):
            process.kill()
            process.communicate()
