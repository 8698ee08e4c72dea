"""Disks that are full or read-only, damaged results, killed writers, two runs at once."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import bad_files
import h5py
import numpy as np
import pytest
from corpus import Kind
from small_disk import no_room_for_files_above, small_disk
from test_end_to_end import TINY
from tiny import REPO, make_set, merged, read_rows, snakemake, start_snakemake

from earmark import store
from earmark.checkpoints import Checkpoint
from earmark.errors import EarmarkError
from earmark.outputs import whole_file

TARGETS = ["submission.csv", "scores"]
CLASSES = ["Bark", "Cello", "Flute", "Gong"]


@pytest.mark.parametrize("kind", bad_files.KINDS, ids=str)
def test_every_kind_of_fault_gets_its_sentence(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(EarmarkError) as caught:
        kind.spoil(tmp_path)
    assert kind.expected in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    # No half file under the name, and no temporary one.
    assert not (tmp_path / "out").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


@pytest.mark.parametrize("name", bad_files.OUTPUTS)
def test_with_room_each_output_is_written_and_the_old_one_survives_a_full_disk(
    tmp_path: Path, name: str
) -> None:
    write = bad_files.OUTPUTS[name]
    write(tmp_path / "out")
    before = (tmp_path / "out").read_bytes()
    assert len(before) > 2000
    with no_room_for_files_above(len(before) - 1), pytest.raises(EarmarkError):
        write(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == before


@pytest.mark.parametrize("name", bad_files.OUTPUTS)
def test_a_disk_that_is_really_full(tmp_path: Path, name: str) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        # All but a page is taken.
        (disk.path / "other").write_bytes(bytes(4096))
        with pytest.raises(EarmarkError, match=r"No space left on device\)\. Make room there"):
            bad_files.OUTPUTS[name](disk.path / "out")
        assert {path.name for path in disk.path.iterdir()} <= {"other", "t.csv"}
        disk.grow(4096)
        bad_files.OUTPUTS[name](disk.path / "out")
        assert (disk.path / "out").stat().st_size > 2000


def test_a_read_only_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        disk.make_read_only()
        for name, write in bad_files.OUTPUTS.items():
            if name == "a web page":
                continue  # its helper here writes a CSV first
            with pytest.raises(EarmarkError, match=r"Read-only file system\)\. Make its folder"):
                write(disk.path / "out")
        made = make_set(tmp_path / "set", CLASSES, sound=False)
        overlay = tmp_path / "overlay.yaml"
        overlay.write_text(f"dataset: {made.folder}\n")
        command = [sys.executable, "-m", "snakemake", "-s", str(REPO / "Snakefile"), "-n"]
        command += ["--directory", str(disk.path), "--configfile", str(overlay)]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode != 0
        assert "Read-only file system" in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr


def results_of(folder: Path) -> dict[str, bytes]:
    """Name -> content of all results: no logs, no times, no notes of Snakemake."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not {".snakemake", "logs", "benchmarks"} & set(path.relative_to(folder).parts)
        and path.name not in ("overlay.yaml", ".snakemake_timestamp")
    }


def test_a_run_on_a_full_disk_is_finished_by_the_same_command(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", CLASSES, clips=8, truth=True)
    overlay = merged(TINY, {"dataset": str(made.folder)})
    code, text = snakemake(tmp_path / "reference", *TARGETS, overlay=overlay)
    assert code == 0, text
    wanted = results_of(tmp_path / "reference")
    assert "submission.csv" in wanted
    taken = sum(len(content) for content in wanted.values()) // 1024
    with small_disk(tmp_path / "disk", taken // 3) as disk:
        code, text = snakemake(disk.path, *TARGETS, overlay=overlay)
        assert code != 0
        assert re.search(r"cannot be written \(No space left on device\)\. Make room", text), text
        # What is there under its name is whole.
        for name, content in results_of(disk.path).items():
            assert name.endswith((".lock", ".holder", ".pt")) or content == wanted[name], name
        disk.grow(20 * taken)
        code, text = snakemake(disk.path, *TARGETS, overlay=overlay)
        assert code == 0, text
        assert results_of(disk.path) == wanted


SLOW_WRITER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import extract_features
from earmark import audio
load = audio.load
def slowly(*given):
    time.sleep(0.02)
    return load(*given)
audio.load = slowly
extract_features.main(table=sys.argv[2], audio_folders=[], feature_file=sys.argv[3],
                      cfg=json.loads(sys.argv[4]), threads=1)
"""


@pytest.mark.parametrize("kind", ["stft", "log_mel"])
def test_a_killed_writer_of_features_leaves_no_trace(tmp_path: Path, kind: str) -> None:
    import json

    from earmark import inspection, layout, manifest

    made = make_set(tmp_path / "set", CLASSES, clips=16)
    policy = merged(TINY, {})["clips"] | {"shortest_seconds": 0.0, "longest_seconds": 9.0}
    policy |= dict.fromkeys(["truncated", "silent", "too_short", "too_long", "clipped"], "use")
    clips = inspection.build(layout.find_layout(made.folder), 2, 1, policy, 1)
    manifest.write(clips, tmp_path / "manifest.csv")
    settings = {"kind": kind, "range_db": 80.0, **TINY["features"][kind]}
    settings |= {"trim_db": 60.0, "lowest_hz": 40.0} if kind == "log_mel" else {}
    cfg = {"folder": str(made.folder), "longest_seconds": 9.0, "feature": settings}
    given = [str(REPO / "workflow_scripts"), str(tmp_path / "manifest.csv")]

    def start(target: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SLOW_WRITER, *given, str(target), json.dumps(cfg)]
        return subprocess.Popen(command)

    assert start(tmp_path / "whole.h5").wait() == 0
    rng = random.Random(kind)
    target = tmp_path / "killed.h5"
    for _ in range(3):
        process = start(target)
        while not list(tmp_path.glob(".killed.h5.*.tmp")):
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not target.exists()
    assert start(target).wait() == 0
    assert target.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert list(tmp_path.glob(".killed.h5.*")) == []


def test_a_damaged_result_is_named_and_made_anew_once_deleted(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", CLASSES, clips=8)
    overlay = merged(TINY, {"dataset": str(made.folder)})
    run = tmp_path / "run"
    code, text = snakemake(run, "submission.csv", overlay=overlay)
    assert code == 0, text
    wanted = results_of(run)
    features = run / "results/set/features/log_mel.h5"
    content = bytearray(features.read_bytes())
    with h5py.File(features) as file:
        at = file["frames"].id.get_chunk_info(0).byte_offset
    content[at + 100] ^= 1
    features.write_bytes(content)
    shutil.rmtree(run / "results/set/models/cnn_logmel")
    code, text = snakemake(run, "submission.csv", overlay=overlay)
    assert code != 0
    assert "results/set/features/log_mel.h5 is damaged" in text
    assert "Delete it; the next run makes it anew." in text
    assert "Traceback (most recent call last)" not in text
    features.unlink()
    code, text = snakemake(run, "submission.csv", overlay=overlay)
    assert code == 0, text
    assert results_of(run) == wanted


def test_features_that_others_hold_open(tmp_path: Path) -> None:
    path = tmp_path / "features.h5"
    bad_files.pictures(path)
    holder = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import h5py, sys, time\n"
            "file = h5py.File(sys.argv[1], sys.argv[2])\n"
            "print('open', flush=True)\n"
            "time.sleep(60)",
            *(str(path), "r"),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        # A reader keeps nobody from reading, or from making the file anew.
        with store.FeatureStore(path) as features:
            assert np.array_equal(
                features.images(features.rows_of(bad_files.NAMES)), bad_files.PICTURES
            )
        bad_files.pictures(path)
    finally:
        holder.kill()
        holder.wait()


def test_two_runs_in_one_folder_and_two_beside_each_other(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", CLASSES, clips=8)
    overlay = merged(TINY, {"dataset": str(made.folder)})
    first = start_snakemake(tmp_path / "one", "submission.csv", overlay=overlay)
    beside = start_snakemake(tmp_path / "two", "submission.csv", overlay=overlay)
    locks = tmp_path / "one/.snakemake/locks"
    while not (locks.is_dir() and any(locks.iterdir())):
        assert first.poll() is None
        time.sleep(0.02)
    code, text = snakemake(tmp_path / "one", "submission.csv", overlay=overlay)
    assert code != 0
    assert "Directory cannot be locked" in text
    for run in (first, beside):
        printed, _ = run.communicate(timeout=300)
        assert run.returncode == 0, printed
    assert results_of(tmp_path / "one") == results_of(tmp_path / "two")
    assert len(read_rows(tmp_path / "one/submission.csv")) == len(made.test)


def test_a_checkpoint_with_a_flipped_bit_is_not_used(tmp_path: Path) -> None:
    bad_files.checkpoint(tmp_path / "checkpoint.pt")
    content = bytearray((tmp_path / "checkpoint.pt").read_bytes())
    saved = Checkpoint(tmp_path / "checkpoint.pt", "fingerprint").load()
    assert saved is not None
    at = content.index(saved["weights"]["bias"].numpy().tobytes())
    content[at] ^= 1
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert Checkpoint(tmp_path / "checkpoint.pt", "fingerprint").load() is None


def test_a_written_table_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    with whole_file(target) as temporary:
        temporary.write_text("first")
    assert target.read_text() == "first"

    def fail() -> None:
        with whole_file(target) as temporary:
            temporary.write_text("half of the sec")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("below", ["table.csv", "demo/table.csv"])
def test_an_output_folder_that_is_a_file_gets_a_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "results").write_text("not a folder")
    target = tmp_path / "results" / below
    with pytest.raises(EarmarkError) as caught, whole_file(target) as temporary:
        temporary.write_text("x")
    for part in (str(target), "cannot be written", "snakemake --directory"):
        assert part in str(caught.value)
    assert (tmp_path / "results").read_text() == "not a folder"


def test_an_output_on_a_read_only_disk_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    with (
        pytest.raises(EarmarkError, match="cannot be written") as caught,
        whole_file(tmp_path / "table.csv") as temporary,
    ):
        temporary.write_text("x")
    assert str(tmp_path / "table.csv") in str(caught.value)
