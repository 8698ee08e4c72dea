"""How fast features are made, beside plain loops with librosa and torchaudio and beside the bound.

Each way turns the same clips, from decoding to an HDF5 file, into the report's spectrogram (513 x
439 bytes). The bound is decoding and the bare Fourier transforms, in as many threads, with nothing
else. All are timed in turn. librosa is no dependency of Earmark: where it is absent its row is left
out (``pip install librosa`` in an environment of your own, beside requirements.lock).

    .venv/bin/python benchmarks/features.py FOLDER [--threads 2] [--repeats 5]

FOLDER holds the clips, or folders of clips.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import soundfile
import torch

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "workflow_scripts"))

import extract_features  # noqa: E402

from earmark import audio, features, pools, store  # noqa: E402

RATE, WINDOW, HOP, BINS, FRAMES, RANGE = 44100, 1024, 682, 513, 439, 80.0
Way = Callable[[list[Path], Path, int], None]


def bare(path: Path) -> int:
    """Decode, and transform the windows as they are: no window function, no powers, no file."""
    samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0].T)
    if samples.shape[-1] >= WINDOW:
        torch.fft.rfft(samples.unfold(-1, WINDOW, HOP))
    return samples.shape[-1]


def bound(paths: list[Path], target: Path, processes: int) -> None:
    """Nothing but libsndfile's decoding and MKL's transforms, in so many processes."""
    torch.set_num_threads(1)
    for _ in pools.in_order(bare, paths, processes):
        pass


def earmark(paths: list[Path], target: Path, processes: int) -> None:
    """What the rule ``extract_features`` does."""
    torch.set_num_threads(1)
    feature = features.Stft(window_samples=WINDOW, hop_samples=HOP, bins=BINS, frames=FRAMES)
    work = partial(extract_features.compute, folder=Path(), feature=feature, longest_seconds=300.0)
    rows = pools.in_order(work, [(path, "ok") for path in paths], processes)
    names = [path.name for path in paths]
    store.write_features(target, names, rows, feature.shape, True, settings={})


def librosa_loop(paths: list[Path], target: Path, threads: int) -> None:
    """Clip after clip with librosa, resized by Pillow."""
    import librosa
    from PIL import Image

    def work(path: Path) -> np.ndarray:
        samples, _ = librosa.load(path, sr=RATE)
        spectrum = librosa.stft(samples, n_fft=WINDOW, hop_length=HOP, pad_mode="constant")
        decibels = librosa.power_to_db(np.abs(spectrum) ** 2, ref=np.max, top_db=RANGE)
        resized = Image.fromarray(decibels).resize((FRAMES, BINS), Image.Resampling.BICUBIC)
        return np.clip(np.rint(np.asarray(resized) * (-255 / RANGE)), 0, 255).astype(np.uint8)

    write_rows(map(work, paths), len(paths), target)


def torchaudio_loop(paths: list[Path], target: Path, threads: int) -> None:
    """Clip after clip with torchaudio, each transform in so many threads."""
    import torchaudio

    torch.set_num_threads(threads)
    spectrogram = torchaudio.transforms.Spectrogram(
        WINDOW, hop_length=HOP, pad_mode="constant", power=2
    )

    def work(path: Path) -> np.ndarray:
        samples = torch.from_numpy(soundfile.read(path, dtype="float32", always_2d=True)[0].mean(1))
        power = spectrogram(samples)
        decibels = 10 * torch.log10((power / power.max().clamp_min(1e-20)).clamp_min(1e-8))
        image = torch.nn.functional.interpolate(
            decibels[None, None], size=(BINS, FRAMES), mode="bicubic", antialias=True
        )[0, 0]
        return (image * (-255 / RANGE)).round().clamp(0, 255).to(torch.uint8).numpy()

    write_rows(map(work, paths), len(paths), target)


def write_rows(rows: Iterable[np.ndarray], count: int, target: Path) -> None:
    """Write pictures one by one, as a plain loop does."""
    with h5py.File(target, "w") as file:
        values = file.create_dataset("values", (count, BINS, FRAMES), np.uint8)
        for place, row in enumerate(rows):
            values[place] = row


def librosa_is_there() -> bool:
    """Whether librosa can be imported."""
    try:
        import librosa  # noqa: F401
    except ImportError:
        return False
    return True


def measured(ways: dict[str, Way], paths: list[Path], threads: int, repeats: int) -> dict:
    """Seconds of each way, in turn, after a first round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for count in range(repeats + 1):
            for name, way in ways.items():
                begin = time.perf_counter()
                way(paths, Path(folder) / "out.h5", threads)
                if count:
                    seconds[name].append(time.perf_counter() - begin)
    return seconds


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    found = sorted(path for path in given.folder.rglob("*") if path.is_file())
    paths = [path for path in found if audio.inspect(path, 0.0, 300.0).status in audio.HEARD]
    ways: dict[str, Way] = {"bound": bound, "Earmark": earmark, "torchaudio": torchaudio_loop}
    if librosa_is_there():
        ways["librosa"] = partial(librosa_loop)
    seconds = measured(ways, paths, given.threads, given.repeats)
    rates = {name: len(paths) / statistics.median(times) for name, times in seconds.items()}
    print(f"{len(paths)} clips, {given.threads} threads, medians of {given.repeats}.\n")
    print("| | clips/s | Earmark is so many times as fast |\n|---|---:|---:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.0f} | {rates['Earmark'] / rate:.2f} |")


if __name__ == "__main__":
    main()
