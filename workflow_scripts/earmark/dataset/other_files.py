"""What there is in place of a sound file: another kind of file, a broken link, a similar name.

Only the standard library is needed, so that a folder can be looked at quickly.
"""

import errno
import os
import re
from functools import lru_cache
from pathlib import Path

from earmark.runtime.errors import printable

# A file's first bytes -> what it is, and what to do; or ffmpeg's name for it.
KINDS = {
    rb"version https://git-lfs": (
        "a Git LFS pointer, not the sound itself: run `git lfs pull`",
        "",
    ),
    rb"(\.git)?/annex/objects/": (
        "a git-annex pointer, not the sound itself: run `git annex get`",
        "",
    ),
    rb".{4}ftyp": ("an MP4 or M4A file", "mov"),
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11": ("a WMA or WMV file", "asf"),
    rb"\x1a\x45\xdf\xa3": ("a WebM or Matroska file", "matroska"),
    rb"\xff[\xf0\xf1\xf8\xf9]": ("an AAC file", "aac"),
    rb"\0{16,}\xff[\xe2\xe3\xf2\xf3\xfa-\xfd]": ("an MP3 file after zeros", "mp3"),
    rb"RIFF.{4}WAVE": ("a WAV file", "wav"),
    rb"#!AMR": ("an AMR file", "amr"),
    rb"wvpk": ("a WavPack file", "wv"),
    rb"MAC ": ("a Monkey's Audio file", "ape"),
    rb"TTA1": ("a TTA file", "tta"),
    rb"RIFF.{4}AVI ": ("an AVI file", "avi"),
    rb"caff": ("a CAF file", "caf"),
    rb"OggS": ("an Ogg file", "ogg"),
    rb"(?i:(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml))": (
        "a web page: download the sound again",
        "",
    ),
    rb"PK\x03\x04|Rar!|7z\xbc\xaf": ("an archive (zip, rar, 7z): unpack it", ""),
    rb"\x1f\x8b|BZh|\xfd7zXZ": ("a compressed file (gzip, bzip2, xz): unpack it", ""),
}
FIRST_BYTES, ID3_HEADER = 4096, 10


class UnreadableClipError(Exception):
    """A clip that cannot be decoded; the message says why, ``status`` is its status."""

    def __init__(self, problem: str, status: str = "unreadable") -> None:
        super().__init__(problem)
        self.status = status


def kind_of(path: str | Path) -> tuple[str, str]:
    """What a file is that libsndfile does not know, by its first bytes, and ffmpeg's name for it.

    Without the latter, also what to do.
    """
    with open(path, "rb") as file:
        begin = file.read(FIRST_BYTES)
        if not begin:
            return "the file has no bytes", ""
        place = 0
        while begin.startswith(b"ID3"):  # a tag, with its size in 4 times 7 bits
            size = sum(byte << 7 * power for power, byte in enumerate(reversed(begin[6:10])))
            place = file.seek(place + ID3_HEADER + size)
            begin = file.read(FIRST_BYTES)
    kinds = (kind for pattern, kind in KINDS.items() if re.match(pattern, begin, re.DOTALL))
    return next(kinds, ("not a sound file", ""))


def why_absent(path: str | Path) -> str:
    """Why there is no file at ``path``: also a link on the way to it may lead nowhere."""
    try:
        os.stat(path)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            return "a loop of links"
    except ValueError:  # a zero character
        return "there can be no such file"
    else:
        return _kind_of_no_file(path)
    for place in (Path(path), *Path(path).parents):
        if os.path.islink(place) and not os.path.exists(place):
            target = os.readlink(place)
            get = ": run `git annex get`" if "annex/objects/" in target else ""
            return f"a link that leads nowhere ({printable(target, 200)}){get}"
    return "there is no such file"


def _kind_of_no_file(path: str | Path) -> str:
    if os.path.isdir(path):
        try:
            os.scandir(path).close()
        except OSError as problem:
            return f"a folder that cannot be read ({problem.strerror}): check its permissions"
    return "a folder, pipe or device, not a file"


def similar_file(path: str | Path) -> str:
    """A sentence on the file that a missing one's name may mean, or nothing.

    Their names differ in case or ending, or leading zeros are missing.
    """
    path = Path(path)
    try:
        # With its time, so that a folder is listed once, and again when it has changed.
        by_name, by_number = _names_in(path.parent, os.stat(path.parent).st_mtime_ns)
    except OSError:
        return ""
    name = by_name.get(path.name.casefold())
    reason = "write names as the files have them"
    number = re.fullmatch(r"([0-9]+)(\.\w+)?", path.name)
    if number and not name:
        name = by_number.get(number[1].lstrip("0"))
        if name and len(number[1]) < len(Path(name).stem):
            reason = "leading zeros are missing, as spreadsheets remove them"
    return f" There is {printable(name)}: {reason}." if name and name != path.name else ""


@lru_cache(maxsize=1000)
def _names_in(folder: Path, changed: int) -> tuple[dict[str, str], dict[str, str]]:
    """The names in a folder by themselves or without ending, and by the number that they are."""
    by_name: dict[str, str] = {}
    by_number: dict[str, str] = {}
    for name in sorted(os.listdir(folder)):
        stem = Path(name).stem
        by_name.setdefault(name.casefold(), name)
        by_name.setdefault(stem.casefold(), name)
        if re.fullmatch("[0-9]+", stem):
            by_number.setdefault(stem.lstrip("0"), name)
    return by_name, by_number
