"""The corpus's bad archives: made from the entries of a good one, with a checksum that is right.

``expected`` has words of the sentence that the user gets, or is "works".
"""

import io
import stat
import zipfile
from collections.abc import Callable

from archive_server import make_zip
from corpus import Kind

WORKS = "works"
STEM = "FSDKaggle2018.audio_test"
Entries = list[tuple[str | zipfile.ZipInfo, bytes]]


def with_entry(name: str) -> Callable[[Entries], bytes]:
    """A spoiler that adds an entry of this name."""
    return lambda entries: make_zip([*entries, (name, b"sound")])


def inside(name: str) -> str:
    return f"{STEM}/{name}"


def with_comment_and_prefix(entries: Entries) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.comment = b"PK\1\2 the record's own"
        for name, data in entries:
            archive.writestr(name, data)
    return b"#!/bin/sh\n" * 50 + sink.getvalue()


def without_the_folder(entries: Entries) -> bytes:
    inner = [(str(name).removeprefix(f"{STEM}/"), data) for name, data in entries]
    return make_zip([("__MACOSX/._x.wav", b"fork"), *((n, data) for n, data in inner if n)])


def bomb(entries: Entries) -> bytes:
    return make_zip([(inside("a.wav"), bytes(2_000_001))], zipfile.ZIP_DEFLATED)


def link(target: str) -> bytes:
    """An archive with an entry that is a link, as `zip --symlinks` makes it."""
    info = zipfile.ZipInfo(inside("x.wav"))
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return make_zip([(info, target.encode())])


KINDS = [
    Kind("archive with a prefix and a comment", WORKS, with_comment_and_prefix),
    Kind("archive without its folder, with a Mac's extras", WORKS, without_the_folder),
    Kind("a zip bomb (larger than allowed when unpacked)", "raise max_unpacked_gigabytes", bomb),
    Kind("zip slip", "points out of the folder", with_entry("../x.wav")),
    Kind(
        "zip slip in a sub-folder of the archive",
        "points out of the folder",
        with_entry(inside("../../x.wav")),
    ),
    Kind("an archive that is no zip", "cannot be unpacked", lambda entries: b"no zip"),
    Kind("a zip cut off", "cannot be unpacked", lambda entries: make_zip(entries)[:-30]),
    Kind("an entry with an absolute name", "points out of the folder", with_entry("/tmp/x.wav")),
]
