"""A folder or list as people have them, and what it must give, worked out by hand.

Sound files are empty here: only names, lists and folders are looked at. ``expected`` is what
``facts`` in the test gives: the train clips with their labels, in order, and what there is of test
clips, folds, recordings, parts, and clips that are not verified. Or it is a part of the sentence.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Content = str | bytes


@dataclass(frozen=True)
class Kind:
    """A folder: its ``sounds``, in words, and the ``texts`` in other files.

    ``dataset`` is what the config names, below the folder. ``init`` says that `earmark init` is
    needed, without which the sentence names it. ``make`` changes the written folder.
    """

    name: str
    sounds: str
    expected: Mapping[str, Any] | str
    texts: Mapping[str, Content] | None = None
    dataset: str = ""
    init: bool = False
    make: Callable[[Path], None] | None = None

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path) -> Path:
        """Write all of it, and return the path of the data set."""
        texts = {**dict.fromkeys(self.sounds.split(), ""), **(self.texts or {})}
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            path = folder / name.replace("_SPACE_", " ")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace("FOLDER", str(folder)) if isinstance(text, str) else text
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        if self.make:
            self.make(folder)
        return folder / self.dataset


def listed(
    name: str, sounds: str, text: Content, expected: Mapping[str, Any] | str, **others: Any
) -> Kind:
    """A kind with one list, which is the data set."""
    path = others.pop("path", "list.csv")
    return Kind(name, sounds, expected, {path: text}, dataset=path, **others)


def described(name: str, sounds: str, yaml: str, expected: Any, **texts: Content) -> Kind:
    """A kind with a dataset.yaml, and lists called by the names of ``texts``."""
    files = {f"{stem}.csv": text for stem, text in texts.items()}
    return Kind(name, sounds, expected, {"dataset.yaml": yaml, **files})


def link(target: str, name: str) -> Callable[[Path], None]:
    return lambda folder: os.symlink(target, folder / name)


def loops(folder: Path) -> None:
    for target, name in (("..", "dog/up"), ("loop", "loop"), ("nowhere.wav", "dog/2.wav")):
        (folder / name).symlink_to(target)


PAIR = {"train": {"cat/2.wav": "cat", "dog/1.wav": "dog"}}
TWO = {"train": {"a.wav": "dog", "b.wav": "cat"}}
LIST = "file,label\na.wav,dog\nb.wav,cat\n"
INIT = "Run `earmark init"
NO_CLASSES = "Put those of each class into a folder"
COLUMNS = "columns: {file: file, label: label}"
