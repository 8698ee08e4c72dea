"""The corpus's bad archives: made from the entries of a good one, with a checksum that is right.

``expected`` has words of the sentence that the user gets, or is "works".
"""

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Sequence

from archive_server import make_zip
from corpus import Kind

WORKS = "works"
STEM = "FSDKaggle2018.audio_test"
Entries = list[tuple[str | zipfile.ZipInfo, bytes]]


def with_entries(*names: str | zipfile.ZipInfo) -> Callable[[Entries], bytes]:
    """A spoiler that adds entries of these names."""
    return lambda entries: make_zip([*entries, *((name, b"sound") for name in names)])


def inside(name: str) -> str:
    return f"{STEM}/{name}"


def special(kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(inside("x.wav"))
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


def changed(change: Callable[[bytearray], None], kind: int = 0) -> Callable[[Entries], bytes]:
    """A spoiler that changes the bytes of an archive of which x.wav is the last entry."""

    def spoil(entries: Entries) -> bytes:
        data = bytearray(make_zip([*entries, (inside("x.wav"), b"sound" * 100)], kind))
        change(data)
        return bytes(data)

    return spoil


def declared(count: int) -> Callable[[bytearray], None]:
    """The last entry says in the directory that it has so many bytes."""

    def change(data: bytearray) -> None:
        struct.pack_into("<L", data, data.rindex(b"PK\1\2") + 24, count)

    return change


def encrypted(data: bytearray) -> None:
    data[data.rindex(b"PK\3\4") + 6] |= 1
    data[data.rindex(b"PK\1\2") + 8] |= 1


def another_bit(data: bytearray) -> None:
    data[data.rindex(b"sound")] ^= 1


def no_utf8(data: bytearray) -> None:
    """The names of x.wav are said to be UTF-8, and are not."""
    for begin, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.rindex(begin)
        data[at + flags + 1] |= 8
        name = data.index(b"x.wav", at)
        data[name] = 0xFF


def all_from_one_place(entries: Entries) -> bytes:
    """A hundred entries that share the bytes of one: small, and large when unpacked."""
    data = bytearray(make_zip([(inside(f"{n:03}.wav"), bytes(10_000)) for n in range(100)], 8))
    at = data.index(b"PK\1\2")
    while at >= 0:
        struct.pack_into("<L", data, at + 42, 0)
        at = data.find(b"PK\1\2", at + 4)
    return bytes(data)


def one_within_the_other(entries: Entries) -> bytes:
    """The first entry's bytes hold the second entry whole, as in a quoted bomb."""
    second = make_zip([(inside("b.wav"), b"noise" * 100)])
    data = make_zip([(inside("a.wav"), second)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.infolist()[0].header_offset + 30 + len(inside("a.wav"))
    own = bytearray(second[second.index(b"PK\1\2") : second.index(b"PK\5\6")])
    struct.pack_into("<L", own, 42, start)
    at, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    directory = data[at:end] + own
    last = bytearray(data[end:])
    struct.pack_into("<HHLL", last, 8, 2, 2, len(directory), at)
    return data[:at] + directory + last


def very_many(entries: Entries) -> bytes:
    """An archive of 200,001 entries, most of them in its directory only."""
    data = make_zip([(inside("a.wav"), b"")])
    at, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    directory = data[at:end] * 200_001
    last = bytearray(data[end:])
    struct.pack_into("<L", last, 12, len(directory))
    return data[:at] + directory + last


def with_comment_and_prefix(entries: Entries) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.comment = b"PK\1\2 the record's own"
        for name, data in entries:
            archive.writestr(name, data)
    return b"#!/bin/sh\n" * 50 + sink.getvalue()


def other_method(entries: Entries) -> bytes:
    return make_zip(entries, zipfile.ZIP_LZMA)


def without_the_folder(entries: Sequence[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    inner = [(str(name).removeprefix(f"{STEM}/"), data) for name, data in entries]
    return make_zip([("__MACOSX/._x.wav", b"fork"), *((n, data) for n, data in inner if n)])


KINDS = [
    Kind("archive with a prefix and a comment", WORKS, with_comment_and_prefix),
    Kind("archive without its folder, with a Mac's extras", WORKS, without_the_folder),
    # Damage.
    Kind("truncated archive", "cannot be read", lambda entries: make_zip(entries)[:-300]),
    Kind("archive with a wrong bit", "Bad CRC-32", changed(another_bit)),
    Kind("archive of nothing", "holds no files", lambda entries: make_zip([])),
    Kind("archive that is text", "not a zip file", lambda entries: b"<html>Not found</html>"),
    Kind("encrypted archive", "it is encrypted", changed(encrypted)),
    Kind("archive packed by LZMA", "another method than deflate", other_method),
    Kind("fewer bytes declared", "cannot be read", changed(declared(50))),
    Kind("fewer bytes declared, packed", "cannot be read", changed(declared(50), 8)),
    Kind("more bytes declared", "cannot be read", changed(declared(5000))),
    # Bombs.
    Kind(
        "a bomb by declared size",
        "bytes, at most 2000000 are allowed; if that is right, raise max_unpacked_gigabytes",
        lambda entries: make_zip([(inside("a.wav"), bytes(2_000_001))], zipfile.ZIP_DEFLATED),
    ),
    Kind("a hundred entries with the bytes of one", "verlap", all_from_one_place),
    Kind("an entry within another", "verlap", one_within_the_other),
    Kind("200,001 entries", "has 200001 entries, at most 200000", very_many),
    # Names.
    Kind("zip slip", "points out of the folder", with_entries("../x.wav")),
    Kind("zip slip further in", "points out of the folder", with_entries(inside("../../x.wav"))),
    Kind("an entry with an absolute name", "points out", with_entries("/tmp/x.wav")),
    Kind("an entry with a drive", "points out", with_entries("C:x.wav", "D:/x.wav")),
    Kind("an entry with backslashes", "points out", with_entries("..\\x.wav")),
    Kind(
        "an entry that is a link", "a link or a special file", with_entries(special(stat.S_IFLNK))
    ),
    Kind("an entry that is a device", "a link or a special", with_entries(special(stat.S_IFBLK))),
    Kind(
        "two entries of one name",
        "another one has the same name",
        lambda entries: make_zip([*entries, entries[-1]]),
    ),
    Kind("names that differ by case", "or all but", with_entries(inside("x.wav"), inside("X.WAV"))),
    Kind(
        "names that differ by Unicode form",
        "or all but",
        with_entries(inside("\xe9.wav"), inside("e\u0301.wav")),
    ),
    Kind(
        "a file and a folder of one name",
        "needs a folder of that name",
        with_entries(inside("x"), inside("x/y.wav")),
    ),
    Kind("an entry with a control code", "x\\x1b[2J", with_entries(inside("x\x1b[2J.wav"))),
    Kind("an entry whose name is no UTF-8", "cannot be read", changed(no_utf8)),
    Kind("a name of 260 bytes", "its name is too long", with_entries(inside("x" * 256 + ".wav"))),
    Kind("folders 600 deep", "its name is too long", with_entries(inside("x/" * 600 + "y.wav"))),
]
