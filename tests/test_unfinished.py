"""A run that fails or is stopped after an edit: the next one does not take old results for new."""

import os
import signal
import time
from pathlib import Path

from tiny import merged, plan, snakemake, start_snakemake
from tiny_run import Run

NOTHING = "Nothing to be done"


def test_an_edit_that_fails_fails_again_and_is_not_lost(finished: Run, tmp_path: Path) -> None:
    copied = finished.copy(tmp_path)
    run, overlay = copied.directory, copied.overlay
    submission = (run / "submission.csv").read_bytes()
    weights = next((run / "results").rglob("cnn_logmel/seed1/fold0/weights.safetensors"))
    before = weights.read_bytes()

    spoiled = merged(overlay, {"recipes": {"crops": {"learning_rate": 1.0e30}}})
    for _ in range(2):
        code, text = snakemake(run, "submission.csv", overlay=spoiled)
        assert code != 0
        assert "The loss of epoch 1, step 2 is nan. Its clips are" in text
        assert NOTHING not in text
        assert not weights.exists()
    # Taken back, the same results are made again; then there is nothing to be done.
    code, text = snakemake(run, "submission.csv", overlay=overlay)
    assert code == 0, text
    assert NOTHING not in text
    assert weights.read_bytes() == before
    assert (run / "submission.csv").read_bytes() == submission
    assert NOTHING in plan(run, "submission.csv", overlay=overlay).text


def test_a_run_stopped_after_an_edit_goes_on(finished: Run, tmp_path: Path) -> None:
    edited = merged(finished.overlay, {"recipes": {"crops": {"epochs": 60}}})
    wanted, run = (finished.copy(tmp_path / name).directory for name in ("wanted", "run"))
    code, text = snakemake(wanted, "submission.csv", overlay=edited)
    assert code == 0, text
    stopped = start_snakemake(run, "submission.csv", overlay=edited)
    log = run / "logs/four/train_model/cnn_logmel/seed1_fold0.log"
    while "epoch 30/" not in (log.read_text() if log.exists() else ""):
        assert stopped.poll() is None
        time.sleep(0.01)
    os.killpg(stopped.pid, signal.SIGKILL)
    stopped.communicate(timeout=60)
    code, text = snakemake(run, "submission.csv", overlay=edited)
    assert code != 0
    assert "It can be removed with the --unlock argument" in text
    for arguments in (["--unlock"], ["submission.csv"]):
        code, text = snakemake(run, *arguments, overlay=edited)
        assert code == 0, text
    assert NOTHING not in text
    assert "Resuming from epoch" in log.read_text()
    for name in (
        "submission.csv",
        "results/four/models/cnn_logmel/seed1/fold0/weights.safetensors",
    ):
        assert (run / name).read_bytes() == (wanted / name).read_bytes()
    assert NOTHING in plan(run, "submission.csv", overlay=edited).text
