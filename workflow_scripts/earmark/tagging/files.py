"""Tag many files: on all cores, with little memory; a stopped run goes on where it was."""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import Timeout

from earmark.dataset import audio, sound_files
from earmark.dataset.audio import SamplesInMemory
from earmark.evaluation import tags as tag_table
from earmark.evaluation.tags import Row
from earmark.features.settings import Feature
from earmark.runtime import locks, pools, progress
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import write_error, write_text
from earmark.tagging import windows
from earmark.tagging.bundle import Bundle
from earmark.tagging.tagger import Heard, Tagger, hear

log = logging.getLogger("earmark")

# Clips whose features are in memory at once; fewer if these have so many bytes.
BATCH_CLIPS = 64
BATCH_BYTES = 1 << 26
FILES_PER_TASK = 2


@dataclass(frozen=True)
class Options:
    """How to tag: ``window`` and ``hop`` in seconds (0: whole files), and which tags to write.

    ``form`` is that of the table, csv or jsonl.
    """

    window: float = 0.0
    hop: float = 0.0
    top: int = 3
    threshold: float = 0.0
    form: str = "csv"


class SoundFile(NamedTuple):
    """A file: its name in the table, and its path."""

    name: str
    path: str


class Clip(NamedTuple):
    """A file or a window of one, with its cells clip, start and end in the table.

    Without ``sound``, ``problem`` says why there is none. ``following`` is where to go on after it:
    the number of a file, and of its windows done.
    """

    place: Row
    sound: str | SamplesInMemory | None
    problem: str
    following: tuple[int, int]

    def __str__(self) -> str:
        return str(self.place[0])


@dataclass
class Done:
    """What of a table is done: its bytes and clips, and ``following`` as in ``Clip``."""

    size: int = 0
    heard: int = 0
    unheard: int = 0
    following: tuple[int, int] = (0, 0)


def find(paths: Sequence[Path]) -> tuple[list[SoundFile], int]:
    """The sound files in folders, and the files named; and how many others the folders have.

    Their names are the paths below the folder if it is the only one, or else the whole paths.
    """
    files, others = [], 0
    for path in paths:
        if path.is_dir():
            sounds, left_out = sound_files.list_sounds(path)
            others += left_out
            prefix = "" if len(paths) == 1 else f"{path}/"
            files += [SoundFile(prefix + name, str(path / name)) for name in sounds]
        else:
            files.append(SoundFile(str(path), str(path)))
    if not files:
        raise EarmarkError(f"There is no sound file in {', '.join(map(str, paths))}.")
    return files, others


def check_output(output: Path, files: Sequence[SoundFile]) -> Path:
    """The table to write, where the link ``output`` leads if it is one.

    Raises EarmarkError for one of the ``files``, for what is no file, and where none can be
    written.
    """
    target = Path(os.path.realpath(output))
    folder = target.parent
    if target.is_dir():
        raise EarmarkError(f"The output {output} is a folder. Name a file in it, such as tags.csv.")
    if output.exists() and not output.is_file():
        raise EarmarkError(
            f"The output {output} is a pipe or device. Leave out -o, and let the shell write there."
        )
    if not folder.is_dir():
        raise EarmarkError(f"There is no folder {folder}. Make it, or mend the name after -o.")
    if not all(os.access(path, os.W_OK) for path in (folder, target) if path.exists()):
        raise EarmarkError(
            f"The output {output} may not be written. Check its permissions and those of its "
            f"folder, or name a file elsewhere."
        )
    if target.exists() and any(_is_same(target, file.path) for file in files):
        raise EarmarkError(f"The output {output} is one of the sounds. Name another file.")
    return target


def _is_same(path: Path, other: str) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False


def tag(
    tagger: Tagger, files: Sequence[SoundFile], options: Options, processes: int, done: Done
) -> Iterator[bytes]:
    """Yield the table batch by batch, on from what is ``done``, which is kept up to date."""
    first, windows_done = done.following
    clips = _clips(files, options, tagger.bundle, done.following)
    work = partial(_hear, features=tagger.features, bundle=tagger.bundle)
    per_task = 1 if options.window else FILES_PER_TASK
    results = pools.parallel_map(work, clips, processes, per_task)
    total = _count(files[first:], options) - windows_done
    for batch in _batches(progress.track(results, total, "clips tagged")):
        tags = tagger.tag([heard for _, heard in batch])
        rows = tags.rows((clip.place for clip, _ in batch), options.top, options.threshold)
        header = b"" if done.size else tag_table.header(options.form)
        content = header + tag_table.encoded(rows, options.form)
        done.size += len(content)
        done.heard += len(batch) - tags.unheard
        done.unheard += tags.unheard
        done.following = batch[-1][0].following
        yield content


def _clips(
    files: Sequence[SoundFile], options: Options, bundle: Bundle, begin: tuple[int, int]
) -> Iterator[Clip]:
    for number, (name, path) in enumerate(files[begin[0] :], start=begin[0]):
        if not options.window:
            yield Clip((name, None, None), path, "", (number + 1, 0))
            continue
        done = begin[1] if number == begin[0] else 0
        for window in windows.cut(path, options.window, options.hop, bundle.longest_seconds):
            if window.number >= done:
                part = f"{name}#{window.start:.3f}-{window.end:.3f}" if window.end else name
                place = (part, window.start, window.end)
                yield Clip(place, window.clip, window.problem, (number, window.number + 1))


def _count(files: Sequence[SoundFile], options: Options) -> int:
    """The number of clips, by the lengths in the files' headers."""
    if not options.window:
        return len(files)
    lengths = (audio.header(file.path).seconds for file in files)
    return sum(windows.count(seconds, options.window, options.hop) for seconds in lengths)


def _hear(clip: Clip, features: Mapping[str, Feature], bundle: Bundle) -> tuple[Clip, Heard]:
    """The clip without its sound, and its features."""
    if not bundle.has_graph:
        import torch

        # Clips are heard in parallel, and after a fork more threads than one can wait forever.
        torch.set_num_threads(1)
    sound = clip.sound
    heard = Heard(None, clip.problem) if sound is None else hear(sound, features, bundle)
    return clip._replace(sound=None), heard


def _batches(results: Iterable[tuple[Clip, Heard]]) -> Iterator[list[tuple[Clip, Heard]]]:
    batch, size = [], 0
    for clip, heard in results:
        batch.append((clip, heard))
        size += sum(array.nbytes for array in (heard.features or {}).values())
        if len(batch) == BATCH_CLIPS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def tag_to_terminal(
    tagger: Tagger, files: Sequence[SoundFile], options: Options, processes: int
) -> tuple[int, int]:
    """Print the table; return the numbers of clips that were heard, and that were not."""
    done = Done()
    for content in tag(tagger, files, options, processes, done):
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    return done.heard, done.unheard


def tag_to_file(
    tagger: Tagger, files: Sequence[SoundFile], options: Options, processes: int, output: Path
) -> tuple[int, int]:
    """Write the table ``output``; return the numbers of clips that were heard, and that were not.

    Its beginning lies in a file beside it, and what that is in another: the next run of the same
    files, bundle and options goes on there, and the table is that of a run that was not stopped.
    """
    table, state, lock = (
        output.with_name(f"{output.name}.{ending}") for ending in ("partial", "state", "lock")
    )
    # The hash of all that the table depends on, and of its bytes.
    digest = _hash_of_run(tagger, files, options)
    try:
        with locks.locked(lock, f"do not write {output} by two runs at a time.", 0) as held:
            done, digest = _done(table, state, digest)
            with table.open("ab") as sink:
                sink.truncate(done.size)
                for content in tag(tagger, files, options, processes, done):
                    digest.update(content)
                    sink.write(content)
                    sink.flush()
                    os.fsync(sink.fileno())
                    write_text(state, json.dumps([_checksum(done, digest), *astuple(done)]))
            os.replace(table, output)
            state.unlink(missing_ok=True)
            locks.remove(held)
    except Timeout as problem:
        raise EarmarkError(
            f"Another run writes {output}. Wait for it, or write to another file."
        ) from problem
    except OSError as problem:
        raise write_error(output, problem) from problem
    return done.heard, done.unheard


def _done(table: Path, state: Path, run: "hashlib.blake2b") -> tuple[Done, "hashlib.blake2b"]:
    """What was done before of a ``run``, given by its hash; and this hash with the bytes done."""
    if state.exists() and table.exists():  # a run that is killed at its end leaves the state alone
        try:
            checksum, *kept = json.loads(state.read_text(encoding="utf-8"))
            done, digest = Done(*kept), run.copy()
            os.truncate(table, min(done.size, table.stat().st_size))
            with table.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
            if _checksum(done, digest) == checksum:
                log.info("Going on after %d files.", done.following[0])
                return done, digest
        except (OSError, ValueError, TypeError, RecursionError):
            pass
        log.warning(
            "%s is damaged, or of other files, options or another bundle: beginning anew.", table
        )
    return Done(), run


def _checksum(done: Done, digest: "hashlib.blake2b") -> str:
    """Of what is done, and of what is in the hash ``digest`` by then."""
    both = digest.copy()
    both.update(json.dumps(astuple(done)).encode())
    return both.hexdigest()


def _hash_of_run(tagger: Tagger, files: Sequence[SoundFile], options: Options) -> "hashlib.blake2b":
    """The hash of all that the table depends on."""
    digest = hashlib.blake2b()
    facts_of_run = (tagger.bundle.checksums, asdict(options), tagger.networks.numerics())
    digest.update(json.dumps(facts_of_run).encode())
    for file in files:
        facts = [0, 0]
        with suppress(OSError):
            found = os.stat(file.path)
            facts = [found.st_size, found.st_mtime_ns]
        digest.update(json.dumps([*file, *facts]).encode())
    return digest
