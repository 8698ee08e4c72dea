"""The sound files below a folder, and which of them a name in a list means."""

import os
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from earmark.runtime import progress
from earmark.runtime.errors import EarmarkError, printable

# Endings of sound files, without the dot. Files are decoded by content: this is only how those that
# no list names are found. The last lines' need the program ffmpeg.
ENDINGS = {
    *("wav", "wave", "rf64", "w64", "aif", "aiff", "aifc", "au", "snd", "caf"),
    *("flac", "ogg", "oga", "opus", "mp3", "mp2", "nist", "sph"),
    *("m4a", "m4b", "mp4", "mov", "3gp", "aac", "wma", "webm", "mka", "mkv", "avi"),
    *("amr", "wv", "ape", "tta", "spx"),
}
# What systems leave in folders.
NO_CLIPS = {
    *("thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "__macosx", "lost+found"),
}


# More threads than this do not read faster.
MOST_READERS = 8

Result = TypeVar("Result")


def is_sound(name: str) -> bool:
    """Whether a file has the ending of a sound file."""
    return name.rpartition(".")[2].lower() in ENDINGS


def composed(name: str) -> str:
    """A name in one Unicode form: macOS stores accents in another."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def list_files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the sorted paths of all files below ``folder``, and what cannot be read there.

    Files are relative to the folder. Hidden files and folders, whose names begin with a dot (such
    as ``._x.wav``), and ``NO_CLIPS`` are left out. Links are followed, but no folder is entered
    twice. Second are the full paths of folders below it that cannot be read, and of what is named
    like a sound but no file, such as a link that leads nowhere.
    """
    files: list[str] = []
    unreadable: list[str] = []
    entered: set[str] = set()

    def walk(path: str, prefix: str) -> None:
        real = os.path.realpath(path)
        if real in entered:
            return
        entered.add(real)
        try:
            entries = [*os.scandir(path)]
        except OSError as problem:
            if prefix:
                unreadable.append(path)
                return
            raise EarmarkError(
                f"The folder {path} cannot be read ({problem.strerror}). Check its permissions."
            ) from problem
        folders = []
        for entry in entries:
            if entry.name[0] == "." or entry.name.lower() in NO_CLIPS:
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a loop of links
                is_folder = is_file = False
            if is_folder:
                folders.append(entry.name)
            elif is_file:
                files.append(prefix + entry.name)
            elif is_sound(entry.name):
                unreadable.append(f"{path}/{entry.name}")
        # In order, so that of two links to one folder always the same is entered.
        for name in sorted(folders):
            walk(f"{path}/{name}", f"{prefix}{name}/")

    walk(os.fspath(folder), "")
    return sorted(files), unreadable


def list_sounds(folder: Path) -> tuple[list[str], int]:
    """The sound files below ``folder``, relative to it and sorted; and how many others there are.

    With the folders and links that cannot be read, so that each gets its status.
    """
    names, unreadable = list_files(folder)
    sounds = [name for name in names if is_sound(name)]
    others = len(names) - len(sounds)
    return sorted([*sounds, *(os.path.relpath(path, folder) for path in unreadable)]), others


def read_all(
    read: Callable[[Path], Result], folder: Path, files: Sequence[str], what: str
) -> list[Result]:
    """What ``read`` returns for each of the files in a folder, several of them at a time."""
    with ThreadPoolExecutor(min(MOST_READERS, os.cpu_count() or 1)) as readers:
        results = readers.map(lambda file: read(folder / file), files)
        return list(progress.track(results, len(files), what))


class SoundFiles:
    """The files below a folder, looked up by the names that lists give them.

    A name may have sub-folders and an ending or not. It may be absolute, also of a file elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.path.abspath(folder)
        self.unreadable: list[str] = []

    @cached_property
    def names(self) -> list[str]:
        """All files, relative to the folder."""
        names, self.unreadable = list_files(self.folder)
        return names

    def __contains__(self, name: str) -> bool:
        return name in self._exact

    @cached_property
    def _exact(self) -> set[str]:
        return set(self.names)

    @cached_property
    def _by_composed(self) -> dict[str, str]:
        return {composed(name): name for name in self.names}

    @cached_property
    def _sounds(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Sound files by their path without ending, and by their name without folder or ending."""
        by_path: dict[str, list[str]] = {}
        by_last: dict[str, list[str]] = {}
        for name in filter(is_sound, self.names):
            path = composed(name).rpartition(".")[0]
            by_path.setdefault(path, []).append(name)
            by_last.setdefault(path.rpartition("/")[2], []).append(name)
        return by_path, by_last

    def find(self, name: str, beside: str | None = None) -> str | None:
        """The file that ``name`` means, relative to the folder or else absolute; None if none.

        The name may lack folders or its ending. It may also be relative to ``beside``, an absolute
        path. Raises EarmarkError for a name that fits several files.
        """
        if name in self._exact:
            return name
        name = composed(name).replace("\\", "/")
        paths = [name]
        places = [self._root] if beside in (None, self._root) else [self._root, str(beside)]
        if "/" in name:
            full = [os.path.normpath(os.path.join(place, name)) for place in places]
        else:
            full = [f"{place}/{name}" for place in places[1:]]
        paths += [path.removeprefix(f"{self._root}/") for path in full]
        for path in paths:
            if path in self._by_composed:
                return self._by_composed[path]
        by_path, by_last = self._sounds
        fitting = next((by_path[path] for path in paths if path in by_path), [])
        if not fitting:
            last = name.rpartition("/")[2]
            candidates = (*by_last.get(last, ()), *by_last.get(last.rpartition(".")[0], ()))
            fitting = [file for file in candidates if _ends_with(file, name)]
        if len(fitting) > 1:
            raise EarmarkError(
                f"the name '{printable(name)}' fits {len(fitting)} files, such as "
                f"{printable(fitting[0])} and {printable(fitting[1])}. Write the one with its "
                f"folder and ending."
            )
        if fitting:
            return fitting[0]
        outside = (path for path in paths if path.startswith("/") and "\0" not in path)
        return next(filter(os.path.isfile, outside), None)


def _ends_with(file: str, name: str) -> bool:
    """Whether the last part of a path, with or without ending, is ``name``."""
    path = f"/{composed(file)}"
    return path.endswith(f"/{name}") or path.rpartition(".")[0].endswith(f"/{name}")
