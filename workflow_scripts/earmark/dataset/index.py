"""The index: which clips there are, in which files, and what is in those, by a hash.

It holds the listed clips alone, without labels, times or the data folder's path, so its bytes
change only when a clip does. To Snakemake it is a source file: for a user's folder the main process
writes it while planning (``planning.clip_index``); where a rule makes the audio, that rule does.
Columns: clip (its id), file (relative to the data set's folder), start and end (seconds; empty for
a whole file), bytes and hash (of the file; empty where there is none).
"""

import csv
import io
import logging
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from earmark.dataset import clip_lists
from earmark.dataset.hashing import hash_of
from earmark.dataset.layout import Layout
from earmark.runtime import progress
from earmark.runtime.errors import EarmarkError, examples, printable
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")

PARTS = ("train", "test")
COLUMNS = ("clip", "file", "start", "end", "bytes", "hash")
# More threads than this do not read faster.
MOST_READERS = 8


class Row(NamedTuple):
    """A clip. ``bytes`` is -1 and ``hash`` empty where the file is absent or cannot be read."""

    clip: str
    file: str
    start: str
    end: str
    bytes: int
    hash: str


# Folder and the files in it, relative to it -> (bytes, hash) of each.
Hasher = Callable[[Path, Sequence[str]], list[tuple[int, str]]]


def hash_all(folder: Path, files: Sequence[str]) -> list[tuple[int, str]]:
    """Size and content hash of each file; (-1, "") for one that cannot be read."""
    with ThreadPoolExecutor(min(MOST_READERS, os.cpu_count() or 1)) as readers:
        hashes = readers.map(lambda file: hash_of(folder / file), files)
        return list(progress.track(hashes, len(files), "clips hashed"))


def build(layout: Layout, hasher: Hasher = hash_all) -> dict[str, list[Row]]:
    """Part -> rows of the clips that the lists of ``layout`` name, in the lists' order.

    Raises EarmarkError for a clip that is both a train and a test clip.
    """
    listed = {
        "train": [row.fname for row in clip_lists.train_rows(layout.train_list)],
        "test": clip_lists.names_of_test_clips(layout),
    }
    both = set(listed["train"]) & set(listed["test"])
    if both:
        raise EarmarkError(
            f"The clip {printable(min(both))} is both in the train list {layout.train_list} and "
            f"among the test clips. Test clips are never trained on: remove it from one list, or "
            f"rename it."
        )
    index = {}
    for part, audio, begin in _folders(layout):
        files = [begin + name for name in _names_on_disk(audio, listed[part])]
        facts = hasher(layout.folder, files)
        rows = zip(listed[part], files, facts, strict=True)
        index[part] = [Row(clip, file, "", "", *fact) for clip, file, fact in rows]
    return index


def _folders(layout: Layout) -> Iterator[tuple[str, Path, str]]:
    """Each part with its audio folder, and with how its files begin, relative to the data set."""
    for part, audio in zip(PARTS, (layout.audio_train, layout.audio_test), strict=True):
        yield part, audio, f"{audio.relative_to(layout.folder).as_posix()}/"


def _names_on_disk(audio: Path, listed: list[str]) -> list[str]:
    """The listed names as spelled on disk: macOS stores accents in another Unicode form."""
    if all(name.isascii() for name in listed):
        return listed
    names = clip_lists.list_files(audio)
    exact, composed = set(names), {unicodedata.normalize("NFC", name): name for name in names}
    return [
        name if name in exact else composed.get(unicodedata.normalize("NFC", name), name)
        for name in listed
    ]


def to_csv_text(rows: Iterable[Row]) -> str:
    """The CSV of an index."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*row[:4], row.bytes if row.bytes >= 0 else "", row.hash] for row in rows)
    return text.getvalue()


def write(rows: Iterable[Row], path: str | Path) -> None:
    """Write an index."""
    with atomic_file(path) as temporary:
        temporary.write_text(to_csv_text(rows), encoding="utf-8")


def warn_of_copies(index: dict[str, list[Row]]) -> None:
    """Log a warning if test clips have the same content as train clips."""
    first = {(row.hash, row.start, row.end): row.file for row in reversed(index["train"])}
    found = ((row, first.get((row.hash, row.start, row.end))) for row in index["test"] if row.hash)
    copies = [f"{file} and {row.file}" for row, file in found if file is not None]
    if copies:
        log.warning(
            f"{len(copies)} test clips have the same content as a train clip "
            f"({examples(copies)}): scores on them do not measure generalisation."
        )


def warn_of_shared_recordings(train: Mapping[str, str], test: Mapping[str, str]) -> None:
    """Log a warning if train and test clips come from one recording; both map clip -> recording."""
    shared = set(train.values()) & set(test.values())
    clips = [clip for clip, recording in test.items() if recording in shared]
    if clips:
        log.warning(
            f"{len(clips)} test clips come from {len(shared)} recordings that train clips come "
            f"from too (such as {examples(sorted(shared))}): scores on them are too high."
        )


def warn_of_unlisted(layout: Layout, index: dict[str, list[Row]]) -> None:
    """Log a warning for files in the audio folders that no list names; hidden ones do not count."""
    for part, audio, begin in _folders(layout):
        listed = {row.file for row in index[part]}
        rest = [name for name in clip_lists.list_files(audio) if begin + name not in listed]
        if rest:
            log.warning(
                f"{len(rest)} files in {audio} are in no list and are not used, the first is "
                f"{rest[0]}."
            )
