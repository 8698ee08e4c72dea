"""How fast features are made, beside plain loops with librosa and torchaudio and beside bounds.

Each way turns the same clips, from decoding to an HDF5 file, into the report's spectrogram (513 x
439 bytes) or into log-mels (64 bands). The bounds are decoding by libsndfile with bare Fourier
transforms, and with torch's whole STFT, in as many processes and with nothing else. librosa is no
dependency of Earmark: where it is absent its row is left out (``pip install librosa`` in an
environment of your own, beside requirements.lock).

    .venv/bin/python benchmarks/features.py FOLDER [--processes 2] [--repeats 5]

FOLDER holds the clips, or folders of clips.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import h5py
import measuring
import numpy as np
import soundfile
import torch

sys.path.insert(0, str(measuring.SCRIPTS))

import extract_features

from earmark.dataset import audio, clips
from earmark.features import store
from earmark.features.log_mel import LogMel
from earmark.features.settings import Feature
from earmark.features.stft import Stft
from earmark.runtime import pools

RATE, RANGE = 44100, 80.0
STFT = Stft()
MEL = LogMel(trim_db=0.0)
MEMORY = """
import json, sys
from pathlib import Path
import features
paths = [Path(line) for line in Path(sys.argv[1]).read_text().splitlines()]
count = int(sys.argv[2])
paths = (paths * (count // len(paths) + 1))[:count]
features.earmark(features.STFT, paths, Path(sys.argv[3]), int(sys.argv[4]))
print(json.dumps({}))
"""


def bare(path: Path, window: int, hop: int) -> int:
    """Decode, and transform the windows as they are: no window function, no powers, no file."""
    samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0].T)
    if samples.shape[-1] >= window:
        torch.fft.rfft(samples.unfold(-1, window, hop))
    return samples.shape[-1]


def short_time(path: Path, window: int, hop: int) -> int:
    """Decode, and transform by torch's STFT: windowed and padded, but no powers and no file."""
    samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0].T)
    torch.stft(
        samples, window, hop, window=torch.hann_window(window), pad_mode="constant",
        return_complex=True,
    )  # fmt: skip
    return samples.shape[-1]


def bound(work: Callable[..., int], feature: Feature, paths: list[Path], n: int) -> None:
    """``work`` on all clips, in so many processes."""
    torch.set_num_threads(1)
    work = partial(work, window=feature.window_samples, hop=feature.hop_samples)
    for _ in pools.parallel_map(work, paths, n):
        pass


def earmark(feature: Feature, paths: list[Path], target: Path, processes: int) -> None:
    """What the rule ``extract_features`` does."""
    torch.set_num_threads(1)
    work = partial(extract_features.compute, feature=feature, longest_seconds=300.0)
    rows = pools.parallel_map(work, [(clips.Place(str(path)), "ok") for path in paths], processes)
    names = [f"{place}_{path.name}" for place, path in enumerate(paths)]
    store.write_features(target, names, rows, feature.shape, feature.fixed, settings={})


def librosa_stft(path: Path) -> np.ndarray:
    """The report's picture with librosa, resized by Pillow."""
    import librosa
    from PIL import Image

    samples, _ = librosa.load(path, sr=RATE)
    spectrum = librosa.stft(
        samples, n_fft=STFT.window_samples, hop_length=STFT.hop_samples, pad_mode="constant"
    )
    decibels = librosa.power_to_db(np.abs(spectrum) ** 2, ref=np.max, top_db=RANGE)
    size = (STFT.frames, STFT.bins)
    resized = Image.fromarray(decibels).resize(size, Image.Resampling.BICUBIC)
    return as_bytes(np.asarray(resized))


def librosa_mel(path: Path) -> np.ndarray:
    """Log-mels (frames, bands) with librosa."""
    import librosa

    samples, _ = librosa.load(path, sr=RATE)
    power = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=MEL.window_samples, hop_length=MEL.hop_samples,
        n_mels=MEL.bands, fmin=MEL.lowest_hz, fmax=MEL.highest_hz, pad_mode="constant",
    )  # fmt: skip
    return as_bytes(librosa.power_to_db(power, ref=np.max, top_db=RANGE)).T


def torchaudio_stft(threads: int) -> Callable[[Path], np.ndarray]:
    """The report's picture with torchaudio, each transform in so many threads."""
    import torchaudio

    torch.set_num_threads(threads)
    spectrogram = torchaudio.transforms.Spectrogram(
        STFT.window_samples, hop_length=STFT.hop_samples, pad_mode="constant", power=2
    )

    def work(path: Path) -> np.ndarray:
        decibels = torch_decibels(spectrogram(mono(path)))
        image = torch.nn.functional.interpolate(
            decibels[None, None], size=STFT.shape, mode="bicubic", antialias=True
        )[0, 0]
        return as_bytes(image.numpy())

    return work


def torchaudio_mel(threads: int) -> Callable[[Path], np.ndarray]:
    """Log-mels (frames, bands) with torchaudio, each transform in so many threads."""
    import torchaudio

    torch.set_num_threads(threads)
    mel = torchaudio.transforms.MelSpectrogram(
        RATE, MEL.window_samples, hop_length=MEL.hop_samples, f_min=MEL.lowest_hz,
        f_max=MEL.highest_hz, n_mels=MEL.bands, pad_mode="constant", norm="slaney",
        mel_scale="slaney",
    )  # fmt: skip
    return lambda path: as_bytes(torch_decibels(mel(mono(path))).numpy()).T


def mono(path: Path) -> torch.Tensor:
    """Samples (n,)."""
    samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return torch.from_numpy(samples.mean(axis=1))


def torch_decibels(power: torch.Tensor) -> torch.Tensor:
    """DB below the maximum, down to the range."""
    return 10 * torch.log10((power / power.max().clamp_min(1e-20)).clamp_min(1e-8))


def as_bytes(decibels: np.ndarray) -> np.ndarray:
    """DB values to bytes, as Earmark stores them."""
    return np.clip(np.rint(decibels * (-255 / RANGE)), 0, 255).astype(np.uint8)


def write_rows(rows: Iterable[np.ndarray], count: int, target: Path) -> None:
    """Write rows one by one, as a plain loop does: pictures, or frames one after another."""
    with h5py.File(target, "w") as file:
        for place, row in enumerate(rows):
            if row.shape == STFT.shape:
                if place == 0:
                    file.create_dataset("values", (count, *row.shape), np.uint8)
                file["values"][place] = row
            else:
                file.create_dataset(str(place), data=row)


def librosa_is_there() -> bool:
    """Whether librosa can be imported."""
    try:
        import librosa  # noqa: F401
    except ImportError:
        return False
    return True


def section(paths: list[Path], processes: int, repeats: int) -> str:
    """Measure both features, and the memory; return Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.h5"
        parts = [
            rates("STFT, 513 x 439", STFT, torchaudio_stft, librosa_stft, paths, target, processes,
                  repeats),
            rates("Log-mel, 64 bands", MEL, torchaudio_mel, librosa_mel, paths, target, processes,
                  repeats),
            memory(paths, target, processes),
        ]  # fmt: skip
    return "\n\n".join(parts)


def rates(
    title: str,
    feature: Feature,
    torchaudio_work: Callable[[int], Callable[[Path], np.ndarray]],
    librosa_work: Callable[[Path], np.ndarray],
    paths: list[Path],
    target: Path,
    processes: int,
    repeats: int,
) -> str:
    """Clips per second of each way, as a table."""

    def torchaudio_loop() -> None:
        write_rows(map(torchaudio_work(processes), paths), len(paths), target)

    ways: dict[str, measuring.Way] = {
        "bound: decoding and bare Fourier transforms": lambda: bound(
            bare, feature, paths, processes
        ),
        "bound: decoding and torch.stft": lambda: bound(short_time, feature, paths, processes),
        "Earmark": lambda: earmark(feature, paths, target, processes),
        "loop with torchaudio": torchaudio_loop,
    }
    if librosa_is_there():
        ways["loop with librosa"] = lambda: write_rows(map(librosa_work, paths), len(paths), target)
    # To give up an old file's pages takes as long as many clips.
    seconds = measuring.in_turn(ways, repeats, lambda: target.unlink(missing_ok=True))
    rows = [
        (
            name,
            f"{len(paths) / statistics.median(times):.0f}",
            measuring.spread_of(measuring.ratios(times, seconds["Earmark"]), ".2f"),
        )
        for name, times in seconds.items()
    ]
    heads = (title, "clips/s", "Earmark is so many times as fast")
    return measuring.table(heads, rows)


def memory(paths: list[Path], target: Path, processes: int) -> str:
    """Most memory of the spectrogram's job at 243 and at 10,000 clips, as a table."""
    listed = target.with_suffix(".txt")
    listed.write_text("\n".join(str(path) for path in paths))
    rows = []
    for count in (243, 10_000):
        found = measuring.in_process(MEMORY, listed, count, target, processes)
        rows.append((f"{count:,} clips", f"{1000 * found['gigabytes']:.0f}"))
    return measuring.table(("STFT, all processes together", "MB at most"), rows)


def clips_in(folder: Path) -> list[Path]:
    """The clips of a folder that can be heard, sorted."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        path
        for path in found
        if audio.inspect(path, 0.0, 300.0).status in audio.STATUSES_WITH_SOUND
    ]


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    paths = clips_in(given.folder)
    print(f"{len(paths)} clips, {given.processes} processes, medians of {given.repeats}.\n")
    print(section(paths, given.processes, given.repeats))


if __name__ == "__main__":
    main()
