"""HDF5 files with an array per clip: features, which are read batch by batch, and latents.

A feature file holds ``clip`` (n) and either ``values`` (n, frequency, time) for features of a
fixed size, one chunk a clip, or ``frames`` (total, bands) with ``offsets`` (n + 1) for ragged ones;
its attributes are the feature's settings, the ``unit`` that stored numbers are divided by for
networks, and the stored ``padding`` that stands for no sound. Every file appears under its
name only when it is complete. All of it has checksums, so that damage by a disk or a copy is an
error and not another result.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike

from earmark.features import finite
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import FailSafeFile, atomic_file

REMEDY = "Delete it; the next run recreates it."
# The oldest format with checksums of the file's structure; Fletcher's are those of the data.
FORMAT = ("v110", "v110")
# What h5py raises for damage, depending on where it is.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError)


@contextmanager
def writing(path: str | Path, **attributes: Any) -> Iterator[tuple[h5py.File, FailSafeFile]]:
    """Open a new HDF5 file that replaces ``path`` when the block ends well.

    ``attributes`` are stored as JSON in the file's attributes. A failed write is raised at the end
    of the block; the second file's ``check`` raises it sooner.
    """
    with atomic_file(path) as temporary, FailSafeFile(temporary) as raw:
        try:
            with h5py.File(raw, "w", libver=FORMAT) as file:
                for name, value in attributes.items():
                    file.attrs[name] = json.dumps(value)
                yield file, raw
        finally:
            # Before an error of HDF5 that follows from it.
            raw.check()


def add_array(file: h5py.File, name: str, data: np.ndarray) -> None:
    """Store an array with a checksum, which an empty one cannot have."""
    file.create_dataset(name, data=data, fletcher32=data.size > 0)


def add_names(file: h5py.File, clips: Sequence[str]) -> None:
    """Store the clips' names."""
    # Of a fixed length: HDF5 stores strings of variable length outside the checksums.
    encoded = [name.encode() for name in clips]
    kind = h5py.string_dtype("utf-8", max([1, *map(len, encoded)]))
    add_array(file, "clip", np.array(encoded, dtype=kind))


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; damage that opening or the block meets is an EarmarkError."""
    # A finished file does not change, and network file systems may have no locks.
    with damage_explained(path, what), h5py.File(path, "r", locking=False) as file:
        yield file


@contextmanager
def damage_explained(path: str | Path, what: str) -> Iterator[None]:
    """Turn the many errors that a damaged or missing ``path`` gives into an EarmarkError."""
    try:
        yield
    except DAMAGE as problem:
        reason = " ".join(str(problem).split())
        raise EarmarkError(
            f"The {what} file {path} is missing, damaged or was not written by Earmark ({reason}). "
            f"{REMEDY}"
        ) from problem


def write_features(
    path: str | Path,
    clips: Sequence[str],
    rows: Iterable[np.ndarray],
    shape: tuple[int, int],
    fixed: bool,
    dtype: DTypeLike = np.uint8,
    unit: int = 255,
    padding: int = 255,
    **attributes: Any,
) -> None:
    """Write one feature array per clip, in the order of ``clips``, as they arrive.

    ``shape`` is (frequency, time), of which time counts for fixed sizes only; ragged rows are
    (frames, bands).
    """
    with writing(path, unit=unit, padding=padding, **attributes) as (file, raw):
        add_names(file, clips)
        if fixed:
            values = file.create_dataset(
                "values",
                (len(clips), *shape),
                dtype,
                chunks=(1, *shape) if clips else None,
                fletcher32=bool(clips),
            )
            for number, (_, row) in enumerate(zip(clips, rows, strict=True)):
                values[number] = row
                # A full disk ends the work at once: hours of computing may come after it.
                raw.check()
            return
        # Chunks of about 16,000 values: some seconds of log-mel, a second of samples.
        frames = file.create_dataset(
            "frames",
            (0, shape[0]),
            dtype,
            maxshape=(None, shape[0]),
            chunks=(max(1, 16384 // shape[0]), shape[0]),
            fletcher32=True,
        )
        offsets = [0]
        for _, row in zip(clips, rows, strict=True):
            offsets.append(offsets[-1] + len(row))
            frames.resize(offsets[-1], axis=0)
            frames[offsets[-2] :] = row
            raw.check()
        add_array(file, "offsets", np.array(offsets, dtype=np.int64))


class FeatureStore:
    """One feature file, open for reading; rows are looked up by the clip's name.

    Open one in each process that reads: HDF5 handles do not survive a fork.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        with damage_explained(path, "feature"):
            self._file = h5py.File(path, "r", locking=False)
            self._read_head(self._file)

    def _read_head(self, file: h5py.File) -> None:
        names = file["clip"].asstr()[:]
        self._row = {name: row for row, name in enumerate(names)}
        self.settings: dict[str, Any] = json.loads(file.attrs["settings"])
        self.unit: int = json.loads(file.attrs["unit"])
        self.padding: int = json.loads(file.attrs["padding"])
        self.fixed = "values" in file
        self._data = file["values" if self.fixed else "frames"]
        if self.fixed:
            self.shape: tuple[int, int] = self._data.shape[1:]
            rows, complete = len(self._data), self._data.ndim == 3
        else:
            self._offsets = file["offsets"][:]
            self.shape = (self._data.shape[1], 0)
            rows = len(self._offsets) - 1
            complete = self._offsets[-1] == len(self._data) and (np.diff(self._offsets) >= 0).all()
        if rows != len(names) or not complete:
            raise ValueError(f"{len(names)} clips have {rows} features")

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._row)

    def rows_of(self, clips: Iterable[str]) -> np.ndarray:
        """Row numbers (n,) of clips. Raises EarmarkError for a clip that the file lacks."""
        return _rows_of(clips, self._row, self.path)

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored numbers."""
        return self._data.dtype

    def bytes(self) -> int:
        """Size of all stored numbers."""
        return self._data.nbytes

    def offsets(self) -> np.ndarray:
        """Where the clips of ragged features begin among all frames, and the end: (n + 1,)."""
        return self._offsets.copy()

    def stored(self, begin: int, end: int) -> np.ndarray:
        """Spectrograms, or frames of all clips in a row: those from number ``begin`` to ``end``."""
        with damage_explained(self.path, "feature"):
            return self._data[begin:end]

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Fixed-size features of ``rows``: (n, frequency, time) as stored."""
        batch = np.empty((len(rows), *self.shape), self.dtype)
        # One chunk a clip: single reads are as fast as a list of rows, and rows may repeat.
        with damage_explained(self.path, "feature"):
            for index, row in enumerate(rows):
                self._data.read_direct(batch, np.s_[int(row)], np.s_[index])
        return batch

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Number of frames (n,) of ragged features."""
        return self._offsets[rows + 1] - self._offsets[rows]

    def frames_of(self, row: int) -> np.ndarray:
        """A clip's frames (n, bands) as stored, of at least one."""
        if self.fixed:
            return self.stored(row, row + 1)[0].T
        frames = self.stored(self._offsets[row], self._offsets[row + 1])
        return frames if len(frames) else np.full((1, self.shape[0]), self.padding, self.dtype)

    def crops(self, rows: np.ndarray, starts: np.ndarray, frames: int) -> np.ndarray:
        """Crops of ragged features: (n, bands, frames) as stored.

        Crop i begins ``starts[i]`` frames into its clip. A start may be negative, and a crop may
        reach beyond the clip: what lies outside is the file's ``padding``.
        """
        batch = np.full((len(rows), frames, self.shape[0]), self.padding, self.dtype)
        first, last = self._offsets[rows], self._offsets[rows + 1]
        with damage_explained(self.path, "feature"):
            for index, (begin, end, start) in enumerate(zip(first, last, starts, strict=True)):
                low, high = max(begin, begin + start), min(end, begin + start + frames)
                if low < high:
                    at = low - begin - start
                    batch[index, at : at + high - low] = self._data[low:high]
        return batch.transpose(0, 2, 1)


def write_latents(path: str | Path, clips: Sequence[str], latents: np.ndarray) -> None:
    """Write latents (n, d) as float32. Raises EarmarkError when some are NaN or infinite."""
    remedy = "Lower the recipe's learning_rate, or write `precision: float32` under `hardware`."
    finite.check_clips("network's latents", clips, latents, remedy)
    with writing(path) as (file, _):
        add_names(file, clips)
        add_array(file, "latents", latents.astype(np.float32))


def read_vectors(path: str | Path, clips: Sequence[str]) -> np.ndarray:
    """Return one vector per clip, (n, d) float32, in the order of ``clips``.

    ``path`` is a file of latents, or of a feature: arrays of one size are flattened, and of others
    the mean over all frames is taken.
    """
    with reading(path, "latents") as file:
        if "latents" in file:
            row_of = {name: row for row, name in enumerate(file["clip"].asstr()[:])}
            latents = file["latents"][:]
            if latents.ndim != 2 or len(latents) != len(row_of):
                raise ValueError(f"{len(row_of)} clips, but latents of the shape {latents.shape}")
            if not np.isfinite(latents).all():
                raise ValueError("some latents are NaN or infinite")
            return latents[_rows_of(clips, row_of, path)]
    with FeatureStore(path) as features:
        rows = features.rows_of(clips)
        if features.fixed:
            vectors = features.images(rows).reshape(len(clips), -1)
        else:
            means = [features.frames_of(row).mean(axis=0, dtype=np.float64) for row in rows]
            vectors = np.array(means, np.float32).reshape(len(clips), -1)
        return vectors / np.float32(features.unit)


def _rows_of(clips: Iterable[str], row_of: Mapping[str, int], path: str | Path) -> np.ndarray:
    try:
        return np.array([row_of[name] for name in clips], dtype=np.int64)
    except KeyError as name:
        raise EarmarkError(f"The file {path} has no clip {name}. {REMEDY}") from None
