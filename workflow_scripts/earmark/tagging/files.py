"""Tag many files: on all cores, with little memory; a stopped run goes on where it was."""

import csv
import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from filelock import Timeout

from earmark.dataset import audio, sound_files
from earmark.features.settings import Feature
from earmark.runtime import locks, pools, progress
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file, write_error
from earmark.tagging import windows
from earmark.tagging.tagger import BATCH_CLIPS, Heard, Tagger, hear
from earmark.tagging.windows import Window

log = logging.getLogger("earmark")

COLUMNS = ("clip", "start", "end", "label", "probability", "rank", "problem")
# Features that are in memory at once, if there are fewer clips than BATCH_CLIPS.
BATCH_BYTES = 1 << 26
# A file with more windows is decoded by the main process.
MOST_WINDOWS = 32
FILES_PER_TASK = 2


@dataclass(frozen=True)
class Options:
    """How to tag: ``window`` and ``hop`` in seconds (0: whole files), and which tags to write."""

    window: float = 0.0
    hop: float = 0.0
    top: int = 3
    threshold: float = 0.0


class SoundFile(NamedTuple):
    """A file: its name in the table, and its path."""

    name: str
    path: str


class Task(NamedTuple):
    """Work for a process: a file, of which the first ``done`` windows are left out, or a window."""

    number: int
    path: str
    done: int
    window: Window | None = None
    share: float = 1.0

    def __str__(self) -> str:
        return self.path


class Clip(NamedTuple):
    """A file or window that was decoded; ``share`` is how much it is of its file."""

    number: int
    window: Window | None
    heard: Heard
    share: float = 1.0


class Batch(NamedTuple):
    """Rows of the table, and where to go on: the number of a file, and of its windows done."""

    following: tuple[int, int]
    heard: int
    unheard: int
    rows: list[list[str]]


def find(paths: Sequence[Path]) -> tuple[list[SoundFile], int]:
    """The sound files in folders, and the files named; and how many others the folders have.

    Their names are the paths below the folder if it is the only one, or else the whole paths.
    """
    files, others = [], 0
    for path in paths:
        if path.is_dir():
            names = sound_files.list_files(path)
            sounds = [name for name in names if sound_files.is_sound(name)]
            others += len(names) - len(sounds)
            prefix = "" if len(paths) == 1 else f"{path}/"
            files += [SoundFile(prefix + name, str(path / name)) for name in sounds]
        else:
            files.append(SoundFile(str(path), str(path)))
    if not files:
        raise EarmarkError(f"There is no sound file in {', '.join(map(str, paths))}.")
    return files, others


def tag(
    tagger: Tagger,
    files: Sequence[SoundFile],
    options: Options,
    processes: int,
    begin: tuple[int, int] = (0, 0),
) -> Iterator[Batch]:
    """Yield the table batch by batch, from the ``following`` of an earlier batch on."""
    longest = tagger.bundle.longest_seconds
    work = partial(_hear, features=tagger.features, longest_seconds=longest, options=options)
    tasks = _tasks(files, options, longest, begin)
    per_task = 1 if options.window else FILES_PER_TASK
    results = pools.parallel_map(work, tasks, processes, per_task)
    percent = 100 / max(1, len(files) - begin[0])
    clips = progress.track(
        (clip for several in results for clip in several),
        100,
        "% of the files tagged",
        lambda clip: percent * clip.share,
    )
    batch: list[Clip] = []
    size = 0
    for clip in clips:
        batch.append(clip)
        size += sum(array.nbytes for array in (clip.heard.features or {}).values())
        if len(batch) == BATCH_CLIPS or size >= BATCH_BYTES:
            yield _batch(tagger, files, options, batch)
            batch, size = [], 0
    if batch:
        yield _batch(tagger, files, options, batch)


def _tasks(
    files: Sequence[SoundFile], options: Options, longest_seconds: float, begin: tuple[int, int]
) -> Iterator[Task]:
    for number in range(begin[0], len(files)):
        path, done = files[number].path, begin[1] if number == begin[0] else 0
        seconds = audio.header(path).seconds if options.window else 0.0
        if options.window == 0 or 0 < seconds <= MOST_WINDOWS * options.hop:
            yield Task(number, path, done)
            continue
        share = min(1.0, options.hop / seconds) if seconds else 0.0
        for window in windows.cut(path, options.window, options.hop, longest_seconds):
            if window.number >= done:
                yield Task(number, path, done, window, share)


def _hear(
    task: Task, *, features: Mapping[str, Feature], longest_seconds: float, options: Options
) -> list[Clip]:
    """The clips of a task, with their features."""
    if options.window == 0:
        return [Clip(task.number, None, hear(task.path, features, longest_seconds))]
    found = [task.window]
    if task.window is None:
        cut = windows.cut(task.path, options.window, options.hop, longest_seconds)
        found = [window for window in cut if window.number >= task.done]
    return [
        Clip(
            task.number,
            window._replace(clip=None),
            hear(window.clip, features, longest_seconds)
            if window.clip
            else Heard(None, window.problem),
            task.share / len(found),
        )
        for window in found
        if window
    ]


def _batch(
    tagger: Tagger, files: Sequence[SoundFile], options: Options, clips: Sequence[Clip]
) -> Batch:
    tags = tagger.tag([clip.heard for clip in clips])
    best = tags.best(options.top, options.threshold)
    unheard = int(np.isnan(tags.probabilities[:, 0]).sum())
    rows = []
    for clip, found, problem, values in zip(
        clips, best, tags.problems, tags.probabilities, strict=True
    ):
        place = _place(files[clip.number].name, clip.window)
        for rank, (label, probability) in enumerate(found, start=1):
            rows.append([*place, label, str(round(probability, 6)), str(rank), problem])
        if np.isnan(values[0]):
            rows.append([*place, "", "", "", problem])
    last, window = clips[-1].number, clips[-1].window
    following = (last, window.number + 1) if window else (last + 1, 0)
    return Batch(following, len(clips) - unheard, unheard, rows)


def _place(name: str, window: Window | None) -> list[str]:
    """The cells clip, start and end."""
    if window is None:
        return [name, "", ""]
    start, end = window.start, window.end
    if math.isnan(end):
        return [name, str(start), ""]
    return [f"{name}#{start:.3f}-{end:.3f}", str(start), str(end)]


def write(batches: Iterable[Batch], sink: IO[str], form: str) -> tuple[int, int]:
    """Write rows as a table of the ``form`` csv or jsonl; return the clips heard and not heard."""
    table = csv.writer(sink, lineterminator="\n")
    if form == "csv":
        table.writerow(COLUMNS)
    heard = unheard = 0
    for batch in batches:
        heard, unheard = heard + batch.heard, unheard + batch.unheard
        if form == "csv":
            table.writerows(batch.rows)
        else:
            sink.writelines(f"{json.dumps(_entries(row))}\n" for row in batch.rows)
    return heard, unheard


def _entries(row: Sequence[str]) -> dict[str, str | float | None]:
    kinds = {"start": float, "end": float, "probability": float, "rank": int}
    return {
        name: (kinds.get(name, str)(cell) if cell or name == "clip" else None)
        for name, cell in zip(COLUMNS, row, strict=True)
    }


def tag_to_file(
    tagger: Tagger,
    files: Sequence[SoundFile],
    options: Options,
    processes: int,
    output: Path,
    form: str,
) -> tuple[int, int]:
    """Write the table ``output``; return the numbers of clips that were heard, and that were not.

    What is done lies in a file beside it, from which the next run of the same files, bundle and
    options goes on; the table is that of a run that was not stopped.
    """
    partial_file = output.with_name(f"{output.name}.partial")
    lock = locks.file_lock(output.with_name(f"{output.name}.lock"))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        locks.acquire(lock, f"do not write {output} by two runs at a time.", 0)
        begin = _resume(partial_file, _fingerprint(tagger, files, options))
        with partial_file.open("a", encoding="utf-8") as file:
            for batch in tag(tagger, files, options, processes, begin):
                file.write(f"{json.dumps(batch)}\n")
                file.flush()
        with (
            atomic_file(output) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape") as sink,
            partial_file.open(encoding="utf-8") as file,
        ):
            next(file)
            counts = write((Batch(*json.loads(line)) for line in file), sink, form)
        partial_file.unlink()
    except Timeout as problem:
        raise EarmarkError(
            f"Another run writes {output}. Wait for it, or write to another file."
        ) from problem
    except OSError as problem:
        raise write_error(output, problem) from problem
    finally:
        if lock.is_locked:
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
    return counts


def _resume(path: Path, fingerprint: str) -> tuple[int, int]:
    """Where to go on, after the batches in a partial file; it is begun anew where none fit."""
    begin, size = (0, 0), 0
    if path.exists():
        with path.open("rb") as file:
            if file.readline().decode(errors="replace") == f"{fingerprint}\n":
                size = file.tell()
                for line in file:
                    if not line.endswith(b"\n"):  # the run was killed here
                        break
                    number, windows_done = Batch(*json.loads(line)).following
                    begin = number, windows_done
                    size += len(line)
    if size:
        log.info("Going on after %d files.", begin[0])
        os.truncate(path, size)
    else:
        if path.exists():
            log.warning("%s is of other files, options or another bundle: beginning anew.", path)
        path.write_text(f"{fingerprint}\n", encoding="utf-8")
    return begin


def _fingerprint(tagger: Tagger, files: Sequence[SoundFile], options: Options) -> str:
    """Of all that the table depends on."""
    numerics = (str(torch.__version__), torch.get_num_threads(), str(tagger.device))
    content = (tagger.bundle.checksums, asdict(options), numerics, len(files))
    digest = hashlib.blake2b(json.dumps(content).encode(), digest_size=16)
    for file in files:
        facts = [0, 0]
        with suppress(OSError):
            found = os.stat(file.path)
            facts = [found.st_size, found.st_mtime_ns]
        digest.update(json.dumps([*file, *facts]).encode())
    return digest.hexdigest()
