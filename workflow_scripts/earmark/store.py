"""Arrays per clip in HDF5: features, latents, predictions. Read in batches, never whole.

A feature file holds ``fname`` (n) and either ``values`` (n, frequency, time) for features of a
fixed size, one chunk a clip, or ``frames`` (total, bands) with ``offsets`` (n + 1) for ragged ones;
its attributes say the feature's settings, the ``unit`` that stored numbers are divided by for
networks, and the stored ``padding`` that stands for no sound. Every file appears under its
name only when it is complete.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike

from earmark.errors import EarmarkError
from earmark.tables import whole_file

TEXT = h5py.string_dtype("utf-8")


@contextmanager
def writing(path: str | Path, **attributes: Any) -> Iterator[h5py.File]:
    """Open a new HDF5 file that replaces ``path`` when the block ends well.

    ``attributes`` are stored as JSON in the file's attributes.
    """
    with whole_file(path) as temporary, h5py.File(temporary, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = json.dumps(value)
        yield file


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading. Raises EarmarkError when it is absent or damaged."""
    try:
        file = h5py.File(path, "r")
    except OSError as problem:
        raise EarmarkError(
            f"The {what} file {path} cannot be opened as HDF5 ({problem}). Delete it; the next "
            f"run makes it anew."
        ) from problem
    with file:
        yield file


def write_features(
    path: str | Path,
    fnames: Sequence[str],
    rows: Iterable[np.ndarray],
    shape: tuple[int, int],
    fixed: bool,
    dtype: DTypeLike = np.uint8,
    unit: int = 255,
    padding: int = 255,
    **attributes: Any,
) -> None:
    """Write one feature array per clip, in the order of ``fnames``, as they arrive.

    ``shape`` is (frequency, time), of which time counts for fixed sizes only; ragged rows are
    (frames, bands).
    """
    with writing(path, unit=unit, padding=padding, **attributes) as file:
        file.create_dataset("fname", data=list(fnames), dtype=TEXT)
        if fixed:
            values = file.create_dataset("values", (len(fnames), *shape), dtype, chunks=(1, *shape))
            written = _write_images(values, rows)
        else:
            # Chunks of about 16,000 values: some seconds of log-mel, a second of samples.
            frames = file.create_dataset(
                "frames",
                (0, shape[0]),
                dtype,
                maxshape=(None, shape[0]),
                chunks=(max(1, 16384 // shape[0]), shape[0]),
            )
            offsets = _write_frames(frames, rows)
            file.create_dataset("offsets", data=np.array(offsets, dtype=np.int64))
            written = len(offsets) - 1
        if written != len(fnames):
            raise ValueError(f"{written} features were computed for {len(fnames)} clips.")


def _write_images(values: h5py.Dataset, rows: Iterable[np.ndarray]) -> int:
    """Write rows of one shape; return how many there were, which may be more than places."""
    count = 0
    for count, row in enumerate(rows, start=1):
        if row.shape != values.shape[1:]:
            raise ValueError(f"A feature has the shape {row.shape}, not {values.shape[1:]}.")
        if count <= len(values):
            values[count - 1] = row
    return count


def _write_frames(frames: h5py.Dataset, rows: Iterable[np.ndarray]) -> list[int]:
    """Write ragged rows one after the other; return where each begins, and the end."""
    offsets, size = [0], 0
    waiting: list[np.ndarray] = []

    def flush() -> None:
        # Growing the data set costs more than the bytes: do it half a million values at a time.
        if waiting:
            block = np.concatenate(waiting)
            frames.resize(frames.shape[0] + len(block), axis=0)
            frames[-len(block) :] = block
            waiting.clear()

    for row in rows:
        waiting.append(row)
        offsets.append(offsets[-1] + len(row))
        size += row.size
        if size >= 2**19:
            flush()
            size = 0
    flush()
    return offsets


class FeatureStore:
    """One feature file, open for reading; rows are found by file name.

    Open one in each process that reads: HDF5 handles do not survive a fork.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._context = reading(path, "feature")
        self._file = self._context.__enter__()
        if "fname" not in self._file or "settings" not in self._file.attrs:
            self.close()
            raise EarmarkError(
                f"The file {path} is HDF5, but no feature file of Earmark. Delete it; the next run "
                f"makes it anew."
            )
        names = self._file["fname"].asstr()[:]
        self._row = {name: row for row, name in enumerate(names)}
        self.fixed = "values" in self._file
        self.settings: dict[str, Any] = json.loads(self._file.attrs["settings"])
        self.unit: int = json.loads(self._file.attrs["unit"])
        self.padding: int = json.loads(self._file.attrs["padding"])
        if self.fixed:
            self._values = self._file["values"]
            self.shape: tuple[int, int] = self._values.shape[1:]
        else:
            self._frames = self._file["frames"]
            self._offsets = self._file["offsets"][:]
            self.shape = (self._frames.shape[1], 0)

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._context.__exit__(None, None, None)

    def __len__(self) -> int:
        return len(self._row)

    def rows_of(self, fnames: Iterable[str]) -> np.ndarray:
        """Row numbers (n,) of clips. Raises EarmarkError for a clip that the file lacks."""
        try:
            return np.array([self._row[name] for name in fnames], dtype=np.int64)
        except KeyError as name:
            raise EarmarkError(
                f"The feature file {self.path} has no clip {name}. Delete it; the next run makes "
                f"it anew."
            ) from None

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Fixed-size features of ``rows``: (n, frequency, time) as stored."""
        batch = np.empty((len(rows), *self.shape), self._values.dtype)
        # One chunk a clip: single reads are as fast as a list of rows, and rows may repeat.
        for place, row in enumerate(rows):
            self._values.read_direct(batch, np.s_[int(row)], np.s_[place])
        return batch

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Number of frames (n,) of ragged features."""
        return self._offsets[rows + 1] - self._offsets[rows]

    def crops(self, rows: np.ndarray, starts: np.ndarray, frames: int) -> np.ndarray:
        """Crops of ragged features: (n, bands, frames) as stored.

        Crop i begins ``starts[i]`` frames into its clip. A start may be negative, and a crop may
        reach beyond the clip: what lies outside is the file's ``padding``.
        """
        batch = np.full((len(rows), frames, self.shape[0]), self.padding, self._frames.dtype)
        first, last = self._offsets[rows], self._offsets[rows + 1]
        for place, (begin, end, start) in enumerate(zip(first, last, starts, strict=True)):
            low, high = max(begin, begin + start), min(end, begin + start + frames)
            if low < high:
                at = low - begin - start
                batch[place, at : at + high - low] = self._frames[low:high]
        return batch.transpose(0, 2, 1)


def write_latents(path: str | Path, fnames: Sequence[str], latents: np.ndarray) -> None:
    """Write latents (n, d) float32."""
    with writing(path) as file:
        file.create_dataset("fname", data=list(fnames), dtype=TEXT)
        file.create_dataset("latents", data=latents.astype(np.float32))


def read_vectors(path: str | Path, fnames: Sequence[str]) -> np.ndarray:
    """Return one vector per clip, (n, d) float32, in the order of ``fnames``.

    ``path`` is a file of latents, or of a feature with a fixed size, whose pictures are flattened.
    """
    with reading(path, "latents") as file:
        if "latents" in file:
            return file["latents"][:][_order(file, fnames, path)]
    with FeatureStore(path) as features:
        if not features.fixed:
            raise EarmarkError(
                f"The features {path} have no fixed size, so they cannot be compared as vectors. "
                f"Name a feature of kind stft, or an autoencoder."
            )
        images = features.images(features.rows_of(fnames))
        return images.reshape(len(fnames), -1) / np.float32(features.unit)


def write_predictions(
    path: str | Path, fnames: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]
) -> None:
    """Write class probabilities (n, classes) float32."""
    with writing(path, classes=list(classes)) as file:
        file.create_dataset("fname", data=list(fnames), dtype=TEXT)
        file.create_dataset("probabilities", data=probabilities.astype(np.float32))


def read_predictions(path: str | Path, fnames: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return probabilities (n, classes) of ``fnames``, in that order, and the class names."""
    with reading(path, "prediction") as file:
        classes = json.loads(file.attrs["classes"])
        return file["probabilities"][:][_order(file, fnames, path)], classes


def _order(file: h5py.File, fnames: Sequence[str], path: str | Path) -> np.ndarray:
    row = {name: index for index, name in enumerate(file["fname"].asstr()[:])}
    missing = [name for name in fnames if name not in row]
    if missing:
        raise EarmarkError(
            f"The file {path} has no row for {len(missing)} of {len(fnames)} clips, the first is "
            f"{missing[0]}. Delete it; the next run makes it anew."
        )
    return np.array([row[name] for name in fnames], dtype=np.int64)
