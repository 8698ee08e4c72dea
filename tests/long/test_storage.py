"""Runs whose files live in a storage, not on the disk: nothing may be looked for at its plain path.

The storage is Snakemake's `fs` plugin with a folder, where each job works on copies elsewhere, as
it would for a bucket.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import make_set, merged, plan, read_rows, snakemake
from tiny_run import CLASSES, TINY

pytest.importorskip("snakemake_storage_plugin_fs", reason="the storage plugin is not installed")

# Copies as rsync does with the three options that the plugin gives it.
RSYNC = f"""#!{sys.executable}
import shutil, sys
from pathlib import Path
*options, source, destination = sys.argv[1:]
assert options == ["--recursive", "--times", "--copy-links"], options
if Path(source).is_dir():
    assert source.endswith("/"), source
    shutil.copytree(source, destination, dirs_exist_ok=True)
else:
    shutil.copy2(source, destination)
"""

ONE_SYSTEM = {
    "ensembles": {
        name: {"members": ["cnn_logmel"]}
        for name in ("arithmetic", "geometric", "power", "weighted")
    }
}


@pytest.fixture(autouse=True)
def rsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin copies with rsync; where there is none, a stand-in does it."""
    if shutil.which("rsync") is None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "rsync").write_text(RSYNC, encoding="utf-8")
        (folder / "rsync").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def options(base: Path) -> list[str]:
    """What sends all files of the workflow to the storage ``base``/storage."""
    return [
        *("--shared-fs-usage", "none"),
        *("--default-storage-provider", "fs"),
        *("--default-storage-prefix", str(base / "storage")),
        *("--local-storage-prefix", str(base / "copies")),
    ]


def test_the_demo_in_a_storage(tmp_path: Path) -> None:
    demo = {"demo": {"clips_per_class": 6, "test_clips_per_class": 1, "empty_test_clips": 1}}
    overlay = merged(TINY, {**demo, **ONE_SYSTEM})
    targets = ("submission.csv", "results/demo/scores.csv", "results/demo/label_quality.csv")
    folder, stored = tmp_path / "run", tmp_path / "storage"
    code, text = snakemake(folder, *targets, *options(tmp_path), overlay=overlay)
    assert code == 0, text
    assert {path.name for path in folder.iterdir()} == {".snakemake", "overlay.yaml"}
    listed = [
        row["fname"] for row in read_rows(stored / "results/demo/dataset/sample_submission.csv")
    ]
    assert len(listed) > 40
    assert [row["fname"] for row in read_rows(stored / "submission.csv")] == listed
    clips = {path.name for path in (stored / "results/demo/dataset/audio_test").glob("*.wav")}
    assert clips == set(listed)
    rows = [
        row
        for part in ("train", "test")
        for row in read_rows(stored / f"results/demo/clips/{part}.csv")
    ]
    assert sum(row["status"] == "ok" for row in rows) == len(rows) - 1
    assert {row["split"] for row in read_rows(stored / "results/demo/scores.csv")} >= {"all"}
    assert len(read_rows(stored / "results/demo/label_quality.csv")) > 1
    assert (stored / "logs/demo/score.log").exists()
    found = plan(folder, *targets, *options(tmp_path), overlay=overlay)
    assert (found.code, found.counts) == (0, {}), found.text


@pytest.mark.parametrize("absolute", [True, False])
def test_a_folder_of_ones_own_stays_where_it_is(tmp_path: Path, absolute: bool) -> None:
    folder, stored = tmp_path / "run", tmp_path / "storage"
    made = make_set(folder / "own", CLASSES, clips=8, truth=True)
    dataset = str(made.folder) if absolute else "own"
    overlay: dict[str, Any] = merged(TINY, {"dataset": dataset, "keep": {"features": False}})
    found = plan(folder, "scores", *options(tmp_path), overlay=overlay)
    assert found.code == 0, found.text
    assert found.counts["score"] == found.counts["measure_labels"] == 1
    if absolute:
        return  # both lead to the same files: one run is enough
    code, text = snakemake(folder, "submission.csv", *options(tmp_path), overlay=overlay)
    assert code == 0, text
    there = {".snakemake", "overlay.yaml", "own", "results"}
    assert {path.name for path in folder.iterdir()} == there
    # What the main process writes while planning stays with it.
    assert {path.name for path in (folder / "results/own").iterdir()} == {"index", "source"}
    assert not (stored / "own").exists()
    rows = read_rows(stored / "submission.csv")
    assert [row["fname"] for row in rows] == made.test
    # Four pure tones: whoever reads the wrong clips is right in a quarter of the cases.
    right = [row["label"].split(" ")[0] == made.truth[row["fname"]] for row in rows]
    assert sum(right) / len(right) > 0.5
    # What goes when no job needs it goes from the storage too.
    assert (stored / "results/own/models/cnn_logmel/seed1/fold0/weights.safetensors").exists()
    assert not list((stored / "results/own/features").rglob("*.h5"))
    found = plan(folder, "submission.csv", *options(tmp_path), overlay=overlay)
    assert (found.code, found.counts) == (0, {}), found.text
