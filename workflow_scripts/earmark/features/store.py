"""Arrays per clip in HDF5: features, latents, predictions. Read in batches, never whole.

A feature file holds ``clip`` (n) and either ``values`` (n, frequency, time) for features of a
fixed size, one chunk a clip, or ``frames`` (total, bands) with ``offsets`` (n + 1) for ragged ones;
its attributes say the feature's settings, the ``unit`` that stored numbers are divided by for
networks, and the stored ``padding`` that stands for no sound. Every file appears under its
name only when it is complete. All of it has checksums, so that what a disk or a copy has changed
is an error and not another result.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike

from earmark.features import finite
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import Sink, whole_file

ANEW = "Delete it; the next run makes it anew."
# The oldest format that has checksums of the file's structure; Fletcher's are those of the data.
FORMAT = ("v110", "v110")
IMAGES_PER_WRITE = 8
# What h5py raises for damage, depending on where it is.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError)


@contextmanager
def writing(path: str | Path, **attributes: Any) -> Iterator[tuple[h5py.File, Sink]]:
    """Open a new HDF5 file that replaces ``path`` when the block ends well.

    ``attributes`` are stored as JSON in the file's attributes. A failed write is raised at the end
    of the block; the sink's ``check`` raises it sooner.
    """
    with whole_file(path) as temporary, Sink(temporary) as sink:
        try:
            with h5py.File(sink, "w", libver=FORMAT, rdcc_nbytes=0) as file:
                for name, value in attributes.items():
                    file.attrs[name] = json.dumps(value)
                yield file, sink
        finally:
            # Before what HDF5 made of it.
            sink.check()


def add_array(file: h5py.File, name: str, data: np.ndarray) -> None:
    """Store an array with a checksum, which an empty one cannot have."""
    file.create_dataset(name, data=data, fletcher32=data.size > 0)


def add_names(file: h5py.File, clips: Sequence[str]) -> None:
    """Store the clips' names."""
    # Of one length each: texts of their own lengths would lie where no checksum reaches.
    encoded = [name.encode() for name in clips]
    kind = h5py.string_dtype("utf-8", max([1, *map(len, encoded)]))
    add_array(file, "clip", np.array(encoded, dtype=kind))


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading. Raises EarmarkError when it is absent or damaged.

    So does whatever of the block finds damage.
    """
    # Nobody changes a finished file, and network file systems may have no locks.
    with damage_told(path, what), h5py.File(path, "r", locking=False) as file:
        yield file


@contextmanager
def damage_told(path: str | Path, what: str) -> Iterator[None]:
    """Turn the many errors that a damaged ``path`` gives into an EarmarkError with a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise EarmarkError(
            f"The {what} file {path} does not exist. Give the same command again: it makes it anew."
        ) from None
    except PermissionError as problem:
        raise EarmarkError(
            f"The {what} file {path} cannot be read ({problem.strerror}). Make it readable."
        ) from problem
    except DAMAGE as problem:
        reason = " ".join(str(problem).split())
        if "already open for write" in reason:
            raise EarmarkError(
                f"The {what} file {path} is open for writing in another program, or was when that "
                f"was killed. End that program. {ANEW}"
            ) from problem
        raise EarmarkError(
            f"The {what} file {path} is damaged or not of Earmark ({reason}). {ANEW}"
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
    with writing(path, unit=unit, padding=padding, **attributes) as (file, sink):
        add_names(file, clips)
        rows = _while_written(rows, sink)
        if fixed:
            values = file.create_dataset(
                "values",
                (len(clips), *shape),
                dtype,
                chunks=(1, *shape) if clips else None,
                fletcher32=bool(clips),
            )
            written = _write_images(values, rows)
        else:
            # Chunks of about 16,000 values: some seconds of log-mel, a second of samples.
            frames = file.create_dataset(
                "frames",
                (0, shape[0]),
                dtype,
                maxshape=(None, shape[0]),
                chunks=(max(1, 16384 // shape[0]), shape[0]),
                fletcher32=True,
            )
            offsets = _write_frames(frames, rows)
            add_array(file, "offsets", np.array(offsets, dtype=np.int64))
            written = len(offsets) - 1
        if written != len(clips):
            raise ValueError(f"{written} features were computed for {len(clips)} clips.")


def _while_written(rows: Iterable[np.ndarray], sink: Sink) -> Iterator[np.ndarray]:
    """Pass rows on until one could not be written: hours of computing may come after it."""
    for row in rows:
        yield row
        sink.check()


def _write_images(values: h5py.Dataset, rows: Iterable[np.ndarray]) -> int:
    """Write rows of one shape; return how many there were, which may be more than places."""
    count = 0
    # One call for several rows: what HDF5 does around each call takes longer than the bytes.
    block = np.empty((IMAGES_PER_WRITE, *values.shape[1:]), values.dtype)
    for count, row in enumerate(rows, start=1):
        if row.shape != values.shape[1:]:
            raise ValueError(f"A feature has the shape {row.shape}, not {values.shape[1:]}.")
        place = (count - 1) % len(block)
        block[place] = row
        full = place == len(block) - 1 or count == len(values)
        if full and count <= len(values):
            values[count - 1 - place : count] = block[: place + 1]
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
        with damage_told(path, "feature"):
            self._file = h5py.File(path, "r", locking=False)
            try:
                self._read_head()
            except BaseException:
                self._file.close()
                raise

    def _read_head(self) -> None:
        file = self._file
        if "clip" not in file or "settings" not in file.attrs:
            raise EarmarkError(
                f"The file {self.path} is HDF5, but no feature file of Earmark. {ANEW}"
            )
        names = file["clip"].asstr()[:]
        self._row = {name: row for row, name in enumerate(names)}
        self.fixed = "values" in file
        self.settings: dict[str, Any] = json.loads(file.attrs["settings"])
        self.unit: int = json.loads(file.attrs["unit"])
        self.padding: int = json.loads(file.attrs["padding"])
        if self.fixed:
            self._values = file["values"]
            self.shape: tuple[int, int] = self._values.shape[1:]
            rows, whole = len(self._values), self._values.ndim == 3
        else:
            self._frames = file["frames"]
            self._offsets = file["offsets"][:]
            self.shape = (self._frames.shape[1], 0)
            rows = len(self._offsets) - 1
            whole = self._offsets[-1] == len(self._frames) and (np.diff(self._offsets) >= 0).all()
        if rows != len(names) or not whole:
            raise ValueError(f"{len(names)} clips have {rows} features")

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._row)

    def rows_of(self, clips: Iterable[str]) -> np.ndarray:
        """Row numbers (n,) of clips. Raises EarmarkError for a clip that the file lacks."""
        try:
            return np.array([self._row[name] for name in clips], dtype=np.int64)
        except KeyError as name:
            raise EarmarkError(f"The feature file {self.path} has no clip {name}. {ANEW}") from None

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored numbers."""
        return (self._values if self.fixed else self._frames).dtype

    def bytes(self) -> int:
        """Size of all stored numbers."""
        return (self._values if self.fixed else self._frames).nbytes

    def offsets(self) -> np.ndarray:
        """Where the clips of ragged features begin among all frames, and the end: (n + 1,)."""
        return self._offsets.copy()

    def stored(self, begin: int, end: int) -> np.ndarray:
        """Pictures, or frames, of all clips in a row: those from number ``begin`` to ``end``."""
        with damage_told(self.path, "feature"):
            return (self._values if self.fixed else self._frames)[begin:end]

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Fixed-size features of ``rows``: (n, frequency, time) as stored."""
        batch = np.empty((len(rows), *self.shape), self._values.dtype)
        # One chunk a clip: single reads are as fast as a list of rows, and rows may repeat.
        with damage_told(self.path, "feature"):
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
        with damage_told(self.path, "feature"):
            for place, (begin, end, start) in enumerate(zip(first, last, starts, strict=True)):
                low, high = max(begin, begin + start), min(end, begin + start + frames)
                if low < high:
                    at = low - begin - start
                    batch[place, at : at + high - low] = self._frames[low:high]
        return batch.transpose(0, 2, 1)


def write_latents(path: str | Path, clips: Sequence[str], latents: np.ndarray) -> None:
    """Write latents (n, d) float32. Raises EarmarkError when some are no finite numbers."""
    _write_vectors(path, "latents", clips, latents)


def read_vectors(path: str | Path, clips: Sequence[str]) -> np.ndarray:
    """Return one vector per clip, (n, d) float32, in the order of ``clips``.

    ``path`` is a file of latents, or of a feature with a fixed size, whose pictures are flattened.
    """
    with reading(path, "latents") as file:
        if "latents" in file:
            return _vectors(file, "latents", clips, path)
    with FeatureStore(path) as features:
        if not features.fixed:
            raise EarmarkError(
                f"The features {path} have no fixed size, so they cannot be compared as vectors. "
                f"Name a feature of kind stft, or an autoencoder."
            )
        images = features.images(features.rows_of(clips))
        return images.reshape(len(clips), -1) / np.float32(features.unit)


def _write_vectors(path: str | Path, name: str, clips: Sequence[str], vectors: np.ndarray) -> None:
    remedy = "Lower the recipe's learning_rate, or write `precision: float32` under `hardware`."
    finite.check_clips(f"network's {name}", clips, vectors, remedy)
    with writing(path) as (file, _):
        add_names(file, clips)
        add_array(file, name, vectors.astype(np.float32))


def _vectors(file: h5py.File, name: str, clips: Sequence[str], path: str | Path) -> np.ndarray:
    """Rows of the clips ``clips``, in their order; damage raises EarmarkError or ValueError."""
    names = file["clip"].asstr()[:]
    row = {clip: index for index, clip in enumerate(names)}
    missing = [clip for clip in clips if clip not in row]
    if missing:
        raise EarmarkError(
            f"The file {path} has no row for {len(missing)} of {len(clips)} clips, the first is "
            f"{missing[0]}. {ANEW}"
        )
    vectors = file[name][:]
    if vectors.ndim != 2 or len(vectors) != len(names):
        raise ValueError(f"{len(names)} clips, but {name} of the shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError(f"some {name} are no finite numbers")
    return vectors[np.array([row[clip] for clip in clips], dtype=np.int64)]
