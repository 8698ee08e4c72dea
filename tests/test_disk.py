"""The benchmark of disk space: sizes of made-up files, worked out by hand for the full set."""

from pathlib import Path

import disk
import h5py
import numpy as np
import pytest
from tiny import write_rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three train clips and one test clip of ten seconds in all."""
    for part, rows in {"train": [("a", 1.0), ("b", 2.0), ("c", 3.0)], "test": [("d", 4.0)]}.items():
        write_rows(tmp_path / f"clips/{part}.csv", ("clip", "seconds"), rows)
    return tmp_path


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def lines(results: Path, checkpoints: dict[Path, int] | None = None) -> dict[str, disk.Line]:
    return {line.name: line for line in disk.measure(results, checkpoints or {})}


def test_sizes_grow_with_what_they_hold(results: Path) -> None:
    for name in ("audio_train/a.wav", "audio_train/b.wav", "audio_train/c.wav", "audio_test/d.wav"):
        write(results / "dataset" / name, 500)
    for system in ("one", "two"):
        write(results / f"models/{system}/seed1/fold0/weights.safetensors", 1000)
        write(results / f"predictions/{system}/seed1/train.h5", 300)
        write(results / f"predictions/{system}/seed1/test.h5", 100)
        write(results / f"models/{system}/seed1/fold0/history.csv", 7)
    write(results / "autoencoders/stft/latents.h5", 30)
    measured = disk.read_amounts(results)
    assert measured == disk.Amounts(3, 1, 10.0)
    found = lines(results)
    full = {name: line.full(measured) for name, line in found.items()}
    # 2,000 bytes for ten seconds; 9,473 + 9,400 clips of 6.9 s.
    assert full["clips (16 bit, 44.1 kHz)"] == pytest.approx(200 * 6.9 * 18873)
    assert full["predictions of train clips"] == pytest.approx(2 * 100 * 9473)
    assert full["predictions of test clips"] == pytest.approx(2 * 100 * 9400)
    assert full["latents"] == pytest.approx(10 * 9473)
    assert full["weights of models"] == 2000
    assert full["all else: tables, figures, metadata, histories"] == 14
    assert found["weights of models"].cells(measured)[1:4] == ["2", "1 kB a file", "2 kB"]
    assert found["clips (16 bit, 44.1 kHz)"].cells(measured)[1:3] == ["4", "200 B a second"]


def test_features_of_one_size_and_ragged_ones(results: Path) -> None:
    for part, clips in (("train", 3), ("test", 1)):
        for name in ("pictures", "mels"):
            (results / "features" / name).mkdir(parents=True, exist_ok=True)
        with h5py.File(results / f"features/pictures/{part}.h5", "w") as file:
            file["values"] = np.zeros((clips, 50, 20), np.uint8)
        with h5py.File(results / f"features/mels/{part}.h5", "w") as file:
            file["frames"] = np.zeros((25 * clips, 64), np.uint8)
        noted = results / f"benchmarks/extract_features/pictures_{part}.tsv"
        write_rows(noted, ("s\tmax_rss",), [(f"{1.25 * clips}\t1",)])
    measured, found = disk.read_amounts(results), lines(results)
    pictures, mels = (
        found["feature `pictures` (50 x 20, uint8)"],
        found["feature `mels` (64 x frames, uint8)"],
    )
    assert (pictures.unit, mels.unit) == ("clip", "second")
    assert (pictures.key, mels.key) == ("features", "features")
    size = sum(path.stat().st_size for path in results.glob("features/pictures/*.h5"))
    assert pictures.full(measured) == pytest.approx(size / 4 * 18873)
    size = sum(path.stat().st_size for path in results.glob("features/mels/*.h5"))
    assert mels.full(measured) == pytest.approx(size / 10 * 6.9 * 18873)
    # Half a second for each second of sound.
    assert pictures.cells(measured)[4] == f"{0.5 * 6.9 * 18873 / 60:.0f} min"
    assert mels.cells(measured)[4] == ""


def test_checkpoints_that_were_seen_are_listed_once_a_system(results: Path) -> None:
    place = results / "selftraining/one/seed1/fold0"
    seen = {place / f"round{number}/checkpoint.pt": number * 1000 for number in (1, 3, 2)}
    found = lines(results, {**seen, results / "autoencoders/stft/checkpoint.pt": 5})
    full = {name: line.full(disk.read_amounts(results)) for name, line in found.items()}
    assert full["while it trains: a checkpoint of `selftraining/one`"] == 3000
    assert full["while it trains: a checkpoint of `autoencoders/stft`"] == 5
    assert len([name for name in full if "checkpoint" in name]) == 2
