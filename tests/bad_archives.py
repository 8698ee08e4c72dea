"""Bad archives: changes to a good zip of test clips, and what the user is told.

The checksum that is asked for is the bad zip's own: what a wrong checksum does has its own tests.
"""

import io
import stat
import zipfile

from corpus import Kind

STEM = "FSDKaggle2018.audio_test"
# What may be unpacked in these tests.
LIMIT_BYTES = 2_000_000


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = 0) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return sink.getvalue()


def with_entry(name: str | zipfile.ZipInfo, content: bytes = b"/etc") -> bytes:
    return zipped((f"{STEM}/b.wav", b"sound"), (name, content))


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{STEM}/a.wav")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def patched(content: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """Write other bytes at a distance from the first occurrence of a record's mark."""
    changed = bytearray(content)
    for mark, distance, new in changes:
        at = changed.index(mark) + distance
        changed[at : at + len(new)] = new
    return bytes(changed)


def encrypted(content: bytes) -> bytes:
    return patched(content, (b"PK\3\4", 6, b"\1"), (b"PK\1\2", 8, b"\1"))


def declared(size: int) -> bytes:
    packed = zipped((f"{STEM}/a.wav", b"sound" * 100), method=zipfile.ZIP_DEFLATED)
    return patched(packed, (b"PK\1\2", 24, size.to_bytes(4, "little")))


def damaged(content: bytes) -> bytes:
    """One bit of one clip's stored bytes is another."""
    at = content.index(b"b.wav") + 1000
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def overlapping(content: bytes) -> bytes:
    """The second entry's bytes are those of the first: a bomb that is small when packed."""
    two = zipped((f"{STEM}/a.wav", b"a" * 900), (f"{STEM}/b.wav", b"a" * 900))
    second = two.index(b"PK\1\2", two.index(b"PK\1\2") + 4)
    return two[: second + 42] + bytes(4) + two[second + 46 :]


# ``spoil(content)`` takes a good zip's bytes and gives a bad one's.
KINDS = [
    Kind("cut off", "cannot be read", lambda content: content[:-300]),
    Kind("an error page", "cannot be read", lambda content: b"<!doctype html>" + bytes(3000)),
    Kind("a bit flipped in a clip", "Bad CRC-32", damaged),
    Kind("encrypted", "it is encrypted", encrypted),
    Kind("a name that leads out", "points out of the folder", lambda c: with_entry("../x")),
    Kind(
        "a name that leads out below the folder",
        "points out of the folder",
        lambda content: with_entry(f"{STEM}/../../x"),
    ),
    Kind("an absolute name", "points out of the folder", lambda content: with_entry("/x")),
    Kind("a drive letter", "points out of the folder", lambda content: with_entry("C:/x")),
    Kind("backslashes", "points out of the folder", lambda content: with_entry("..\\x")),
    Kind("a symbolic link", "a link or a special file", lambda content: with_entry(link())),
    Kind(
        "control characters in a name",
        "its name has control characters",
        lambda content: with_entry(f"{STEM}/a\nb.wav"),
    ),
    Kind(
        "two entries of one name",
        "there is another entry of that name",
        lambda content: with_entry("b.wav"),
    ),
    Kind(
        "a file in the folder's place",
        "it has the name of the folder",
        lambda content: with_entry(STEM),
    ),
    Kind(
        "another method of packing",
        "another method than deflate",
        lambda content: zipped((f"{STEM}/a.wav", b"sound" * 99), method=zipfile.ZIP_LZMA),
    ),
    Kind(
        "unpacks to more than is allowed",
        "at most 2000000 are allowed",
        lambda content: zipped(
            (f"{STEM}/a.wav", bytes(LIMIT_BYTES + 1)), method=zipfile.ZIP_DEFLATED
        ),
    ),
    Kind("declares less than it holds", "cannot be read", lambda content: declared(50)),
    Kind("declares more than it holds", "cannot be read", lambda content: declared(5000)),
    Kind("entries that share their bytes", "cannot be read", overlapping),
    Kind(
        "a name that is too long", "its name is too long", lambda c: with_entry("x" * 300 + ".wav")
    ),
    Kind("no files", "holds no files", lambda content: zipped()),
    Kind("only folders", "holds no files", lambda content: zipped((f"{STEM}/", b""))),
]
