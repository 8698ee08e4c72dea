"""The index: which clips there are, in which files, and what is in those, by a hash.

It holds the listed clips alone, without labels, times or the data folder's path, so its bytes
change only when a clip does. To Snakemake it is a source file: for a user's folder the main process
writes it while planning (``planning.clip_index``); where a rule makes the audio, that rule does.
Columns: clip (its id), file (relative to the data set's folder), start and end (seconds; empty for
a whole file), bytes and hash (of the file; empty where there is none).
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from earmark.dataset import clip_lists
from earmark.dataset.layout import Layout
from earmark.runtime import progress
from earmark.runtime.errors import EarmarkError, shown
from earmark.runtime.outputs import whole_file

log = logging.getLogger("earmark")

PARTS = ("train", "test")
COLUMNS = ("clip", "file", "start", "end", "bytes", "hash")
# More threads than this do not make a disk faster.
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
        found = readers.map(lambda file: hash_of(folder / file), files)
        return list(progress.track(found, len(files), "clips compared by their content"))


def hash_of(path: Path) -> tuple[int, str]:
    """Size and content hash of a file; (-1, "") if there is none that can be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return -1, ""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            return file.tell(), digest.hexdigest()
    except OSError:
        return -1, ""


def of_layout(layout: Layout, hasher: Hasher = hash_all) -> dict[str, list[Row]]:
    """Part -> rows of the clips that the lists of ``layout`` name, in the lists' order.

    Raises EarmarkError for a clip that is both a train and a test clip.
    """
    listed = {
        "train": [row.fname for row in clip_lists.train_rows(layout.train_list)],
        "test": clip_lists.test_names(layout),
    }
    both = set(listed["train"]) & set(listed["test"])
    if both:
        raise EarmarkError(
            f"The clip {shown(min(both))} is both in the train list {layout.train_list} and among "
            f"the test clips. Test clips are never trained on: remove it from one list, or rename "
            f"it."
        )
    found = {}
    for part, audio in zip(PARTS, (layout.audio_train, layout.audio_test), strict=True):
        begin = audio.relative_to(layout.folder).as_posix()
        files = [f"{begin}/{name}" for name in _spelled(audio, listed[part])]
        facts = hasher(layout.folder, files)
        found[part] = [
            Row(clip, file, "", "", *fact)
            for clip, file, fact in zip(listed[part], files, facts, strict=True)
        ]
    return found


def _spelled(audio: Path, listed: Sequence[str]) -> list[str]:
    """The listed names as the files have them.

    Mac archives spell accents as signs of their own, so a list's name may differ from its file's
    in that. Any other difference is left for the reader.
    """
    if all(name.isascii() for name in listed):
        return list(listed)
    present = clip_lists.sounds_in(audio)
    known = set(present)
    spelled = {unicodedata.normalize("NFC", name): name for name in present}
    return [
        name if name in known else spelled.get(unicodedata.normalize("NFC", name), name)
        for name in listed
    ]


def text_of(rows: Iterable[Row]) -> str:
    """The CSV of an index."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*row[:4], row.bytes if row.bytes >= 0 else "", row.hash] for row in rows)
    return text.getvalue()


def write(rows: Iterable[Row], path: str | Path) -> None:
    """Write an index."""
    with whole_file(path) as temporary:
        temporary.write_text(text_of(rows), encoding="utf-8")


def warn_of_copies(index: dict[str, list[Row]]) -> None:
    """Log a warning if test clips have the same bytes as train clips."""
    first: dict[str, str] = {}
    for row in index["train"]:
        first.setdefault(row.hash, row.file)
    copies = [row for row in index["test"] if row.hash and row.hash in first]
    if copies:
        log.warning(
            "%d test clips have the same bytes as a train clip (%s and %s): their scores say "
            "nothing of new sounds.",
            len(copies),
            first[copies[0].hash],
            copies[0].file,
        )


def warn_of_unlisted(layout: Layout, index: dict[str, list[Row]]) -> None:
    """Log a warning for files in the audio folders that no list names; hidden ones do not count."""
    for part, audio in zip(PARTS, (layout.audio_train, layout.audio_test), strict=True):
        begin = audio.relative_to(layout.folder).as_posix()
        listed = {row.file for row in index[part]}
        beyond = [name for name in clip_lists.sounds_in(audio) if f"{begin}/{name}" not in listed]
        if beyond:
            log.warning(
                "%d files in %s are in no list and are not used, the first is %s.",
                len(beyond),
                audio,
                beyond[0],
            )
