"""The index: which clips there are, in which files, what is in those, and what the lists say.

Its tables hold the listed clips alone, without times or the data folder's path, so their bytes
change only when a clip or the list does. To Snakemake they are source files: for a user's folder
the main process writes them while planning (``planning.clip_index``); where a rule makes the audio,
that rule does.

- train.csv, test.csv: clip (its id), file (relative to the data set's folder, or absolute), start
  and end (seconds; empty for a whole file), bytes and hash (of the file; empty where there is
  none). No labels: what reads audio reads these alone. No test.csv if there are no test clips.
- sounds.csv: the same of the sounds to be tagged; files are relative to their own folder.
- listed.csv: what the lists say about the train clips, see ``listed``.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from earmark.dataset import clip_lists, csv_files, listed, sound_files
from earmark.dataset.clip_lists import Clip
from earmark.dataset.hashing import Fact, hash_of
from earmark.dataset.layout import ClipList, Layout
from earmark.dataset.sound_files import SoundFiles
from earmark.runtime.errors import EarmarkError, examples, printable
from earmark.runtime.outputs import write_text

log = logging.getLogger("earmark")

PARTS = ("train", "test")
COLUMNS = ("clip", "file", "start", "end", "bytes", "hash")


class Row(NamedTuple):
    """A clip. ``bytes`` is None and ``hash`` empty for a file that is absent or unreadable."""

    clip: str
    file: str
    start: str
    end: str
    bytes: int | None
    hash: str


# Folder and the files in it, relative to it -> the facts of each.
Hasher = Callable[[Path, Sequence[str]], list[Fact]]


def hash_all(folder: Path, files: Sequence[str]) -> list[Fact]:
    """Read files, and return the facts of each."""
    return sound_files.read_all(hash_of, folder, files, "clips hashed")


class Listed(NamedTuple):
    """What the lists say; ``test`` is empty if there are no test clips."""

    train: list[Clip]
    test: list[Clip]


class Index(NamedTuple):
    """The rows of an index, and what the lists say about the train clips."""

    train: list[Row]
    test: list[Row]
    listed: list[Clip]

    def texts(self) -> dict[str, str]:
        """Name -> CSV of its tables."""
        said = map(attrgetter(*listed.COLUMNS), self.listed)
        texts = {
            "train": to_csv_text(self.train),
            "listed": csv_files.to_text([listed.COLUMNS, *said]),
        }
        return texts | ({"test": to_csv_text(self.test)} if self.test else {})


def read_lists(layout: Layout, folders: Mapping[Path, SoundFiles] | None = None) -> Listed:
    """The clips of ``layout``, in the lists' order; ``folders`` are those looked at already.

    Raises EarmarkError for lists that cannot be used, and without train or announced test clips.
    """
    audio = [part.audio for part in (layout.train, layout.test) if part]
    files = {folder: SoundFiles(folder) for folder in audio} | dict(folders or {})
    train = clip_lists.read(layout.train, files=files[layout.train.audio])
    if not train:
        raise EarmarkError(
            f"{layout.train.table or layout.train.audio} has no train clips. List at least one "
            f"clip per class."
        )
    test: list[Clip] = []
    if layout.test:
        in_train = replace(layout.train, part="test")
        if "split" in in_train.roles and layout.test != in_train:
            both = clip_lists.read(in_train, labels=False, files=files[in_train.audio])
            if both:
                raise EarmarkError(
                    f"{in_train.table or in_train.audio} has {len(both)} test clips by its splits, "
                    f"such as {printable(both[0].clip)}, but there are others apart. Remove "
                    f"`test` from the dataset.yaml, or these clips from the list."
                )
        test = clip_lists.read(layout.test, labels=False, files=files[layout.test.audio])
        if not test and "split" not in layout.test.roles:
            raise EarmarkError(
                f"{layout.test.table or layout.test.audio} is empty. Put the clips to be tagged "
                f"there, or remove it."
            )
    return Listed(train, test)


def build(layout: Layout, clips: Listed | None = None, hasher: Hasher = hash_all) -> Index:
    """The index of the ``clips`` of ``layout``, by default those that ``read_lists`` returns.

    Raises EarmarkError for a clip that is both a train and a test clip.
    """
    clips = clips or read_lists(layout)
    train = _rows(layout, layout.train, clips.train, hasher)
    test = _rows(layout, layout.test, clips.test, hasher) if layout.test else []
    both = {row.clip for row in train} & {row.clip for row in test}
    if both:
        raise EarmarkError(
            f"The clip {printable(min(both))} is both in the train list "
            f"{layout.train.table or layout.train.audio} and among the test clips. Test clips are "
            f"never trained on: remove it from one list, or rename it."
        )
    return Index(train, test, clips.train)


def rows_of_sounds(folder: Path, hasher: Hasher = hash_all) -> list[Row]:
    """The rows of ``sound_files.list_sounds``: those of sounds to be tagged.

    Raises EarmarkError where there are none, and for names that tables cannot hold.
    """
    names, _ = sound_files.list_sounds(folder)
    if not names:
        raise EarmarkError(
            f"There are no sound files in {folder}. They are found by their ending, such as .wav, "
            f".flac or .mp3: rename them, or name another folder as `sounds`."
        )
    odd = [name for name in names if clip_lists.UNPRINTABLE.search(name)]
    if odd:
        raise EarmarkError(
            f"The names of {len(odd)} files in {folder} have control characters, or bytes that are "
            f"not UTF-8 (such as {examples(odd)}). Rename them."
        )
    facts = hasher(folder, names)
    return [Row(name, name, "", "", *fact) for name, fact in zip(names, facts, strict=True)]


def _rows(layout: Layout, part: ClipList, clips: Sequence[Clip], hasher: Hasher) -> list[Row]:
    prefix = _prefix(layout, part)
    paths = [clip.file if clip.file[0] == "/" else prefix + clip.file for clip in clips]
    facts = hasher(layout.folder, paths)
    return [
        Row(clip.clip, path, clip.start, clip.end, size, digest)
        for clip, path, (size, digest) in zip(clips, paths, facts, strict=True)
    ]


def _prefix(layout: Layout, part: ClipList) -> str:
    """How files of a part begin: relative to the data set's folder, or absolute."""
    audio = Path(os.path.abspath(part.audio))
    folder = Path(os.path.abspath(layout.folder))
    if not audio.is_relative_to(folder):
        return f"{audio.as_posix()}/"
    within = audio.relative_to(folder).as_posix()
    return "" if within == "." else f"{within}/"


def to_csv_text(rows: Iterable[Row]) -> str:
    """The CSV of a part's rows."""
    return csv_files.to_text([COLUMNS, *rows])


def write(index: Index, paths: Mapping[str, str | Path]) -> None:
    """Write the tables of an index to their ``paths``, by name."""
    for name, text in index.texts().items():
        write_text(paths[name], text)


def warn_of_copies(index: Index) -> None:
    """Log a warning if test clips have the same content as train clips."""
    first = {(row.hash, row.start, row.end): row.file for row in reversed(index.train)}
    found = ((row, first.get((row.hash, row.start, row.end))) for row in index.test if row.hash)
    copies = [f"{file} and {row.file}" for row, file in found if file is not None]
    if copies:
        log.warning(
            f"{len(copies)} test clips have the same content as a train clip "
            f"({examples(copies)}): scores on them do not measure generalisation."
        )


def warn_of_shared_recordings(clips: Listed) -> None:
    """Log a warning if train and test clips come from one recording."""
    shared = {clip.recording for clip in clips.train} & {clip.recording for clip in clips.test}
    count = sum(clip.recording in shared for clip in clips.test)
    if count:
        log.warning(
            f"{count} test clips come from {len(shared)} recordings that train clips come "
            f"from too (such as {examples(sorted(shared))}): scores on them are too high."
        )


def warn_of_spelling(clips: Listed) -> None:
    """Log a warning if the lists write a class of test clips otherwise than that of train clips."""
    labels = ((clip.label for clip in part) for part in clips)
    others = [
        f"'{label}' for '{one}'" for label, one in clip_lists.spelled_otherwise(*labels).items()
    ]
    if others:
        log.warning(
            f"Test clips have classes of the train clips in another spelling ({examples(others)}): "
            f"there are no scores until both write them in the same way."
        )


def warn_of_unlisted(layout: Layout, index: Index) -> None:
    """Log a warning for sound files in the audio folders that are not among the clips."""
    used = {row.file for row in (*index.train, *index.test)}
    for part in {one.audio: one for one in (layout.train, layout.test) if one}.values():
        prefix = _prefix(layout, part)
        files = SoundFiles(part.audio)
        rest = [n for n in files.names if sound_files.is_sound(n) and prefix + n not in used]
        if files.unreadable:
            log.warning(
                f"{len(files.unreadable)} folders or links cannot be read, and nothing there is "
                f"used (such as {examples(files.unreadable)}). Check their permissions, and where "
                f"links lead."
            )
        if rest:
            where = "no list" if part.table else "no folder of a class"
            log.warning(
                f"{len(rest)} files in {part.audio} are in {where} and are not used, such as "
                f"{examples(rest)}."
            )
