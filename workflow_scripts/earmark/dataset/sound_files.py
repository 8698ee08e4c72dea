"""The sound files below a folder, and which of them a name in a list means."""

import os
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from earmark.runtime.errors import EarmarkError, printable

# Endings of sound files, without the dot. Files are decoded by content: this is only how those that
# no list names are found. The last line's cannot be decoded, which is then said of each.
ENDINGS = frozenset(
    [
        "wav",
        "wave",
        "rf64",
        "w64",
        "aif",
        "aiff",
        "aifc",
        "au",
        "snd",
        "caf",
        "flac",
        "ogg",
        "oga",
        "opus",
        "mp3",
        "mp2",
        "nist",
        "sph",
        "m4a",
        "mp4",
        "aac",
        "wma",
        "webm",
        "mka",
        "amr",
        "3gp",
    ]
)


# What Windows leaves in folders.
NO_CLIPS = ("thumbs.db", "desktop.ini")


def is_sound(name: str) -> bool:
    """Whether a file has the ending of a sound file."""
    return name.rpartition(".")[2].lower() in ENDINGS


def composed(name: str) -> str:
    """A name in one Unicode form: macOS stores accents in another."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def list_files(folder: Path) -> list[str]:
    """Return the sorted paths of all files below ``folder``, relative to it.

    Hidden files and folders, whose names begin with a dot (such as ``._x.wav``), and ``NO_CLIPS``
    are left out.
    Links are followed, but no folder is entered twice, and links that lead nowhere are left out.
    """
    files: list[str] = []
    entered: set[str] = set()

    def walk(path: str, prefix: str) -> None:
        real = os.path.realpath(path)
        if real in entered:
            return
        entered.add(real)
        try:
            # In order, so that of two links to one folder always the same is entered.
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as problem:
            raise EarmarkError(
                f"The folder {path} cannot be read ({problem.strerror}). Check its permissions."
            ) from problem
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in NO_CLIPS:
                continue
            name = prefix + entry.name
            try:
                if entry.is_dir():
                    walk(entry.path, f"{name}/")
                elif entry.is_file():
                    files.append(name)
            except OSError:  # a loop of links
                continue

    walk(os.fspath(folder), "")
    return sorted(files)


class SoundFiles:
    """The files below a folder, looked up by the names that lists give them.

    A name may have sub-folders and an ending or not. It may be absolute, also of a file elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.path.abspath(folder)

    @cached_property
    def names(self) -> list[str]:
        """All files, relative to the folder."""
        return list_files(self.folder)

    @cached_property
    def _exact(self) -> set[str]:
        return set(self.names)

    @cached_property
    def _by_composed(self) -> dict[str, str]:
        return {composed(name): name for name in self.names}

    @cached_property
    def _by_end(self) -> dict[str, list[str]]:
        """Sound files by all ends of their paths, such as x.wav for a/x.wav, and without ending."""
        files: dict[str, list[str]] = {}
        for name in filter(is_sound, self.names):
            end = composed(name)
            while end:
                for key in {end, end.rpartition(".")[0]}:
                    files.setdefault(key, []).append(name)
                end = end.partition("/")[2]
        return files

    def find(self, name: str, beside: Path | None = None) -> str | None:
        """The file that ``name`` means, relative to the folder or else absolute; None if none.

        A name may also be relative to the folder ``beside`` it. Raises EarmarkError for a name that
        fits several files.
        """
        if name in self._exact:
            return name
        name = composed(name).replace("\\", "/")
        if name in self._by_composed:
            return self._by_composed[name]
        paths = [name]
        if ("/" in name or beside) and "\0" not in name:
            for folder in (self._root, os.path.abspath(beside or self._root)):
                path = os.path.normpath(os.path.join(folder, name))
                below = path.removeprefix(f"{self._root}/")
                if below in self._by_composed:
                    return self._by_composed[below]
                if below == path and os.path.isfile(path):
                    return path
                paths.append(below)
        fitting = next((self._by_end[path] for path in paths if path in self._by_end), [])
        # One that lacks nothing but its ending comes first.
        fitting = [file for file in fitting if file.rpartition(".")[0] == name] or fitting
        if len(fitting) > 1:
            raise EarmarkError(
                f"the name '{printable(name)}' fits {len(fitting)} files, such as "
                f"{printable(fitting[0])} and {printable(fitting[1])}. Write the one with its "
                f"folder and ending."
            )
        return fitting[0] if fitting else None

    def unused(self, used: set[str]) -> Iterator[str]:
        """The sound files that are not among ``used``, relative to the folder."""
        return (name for name in self.names if is_sound(name) and name not in used)
