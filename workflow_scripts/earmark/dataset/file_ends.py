"""What the bytes of a sound file say of its end, where a decoder says nothing of it."""

import os
import re
from pathlib import Path
from typing import BinaryIO

# Of an Ogg file's pages: the size of the largest and of their headers, and in these a flag of the
# last page. No decoder has read so far beyond the end of its stream.
LARGEST_OGG_PAGE, OGG_HEADER, LAST_OGG_PAGE = 65_307, 27, 4
# A page or frame within a stream, and how a stream begins. After the former comes no other stream.
STREAMS = {
    "OGG": (re.compile(rb"OggS\x00[\x00\x01\x04\x05]"), b"OggS\0\2"),
    "FLAC": (re.compile(rb"\xff[\xf8\xf9]"), b"fLaC\0\0\0\x22"),
}
# A WavPack file's first block has the number of samples here, and this if it is unknown.
WAVPACK_COUNT, WAVPACK_UNKNOWN = slice(12, 16), 0xFFFF_FFFF


def missing(path: Path, form: str, place: int | None = None) -> tuple[str, bool]:
    """What an Ogg or FLAC file, decoded up to the byte ``place``, lacks; if it was certainly cut.

    ``form`` is libsndfile's name. Segments do not end with a last page. Without a place, other
    streams are decoded too, and the file is looked at to its end.
    """
    if form not in STREAMS:
        return "", False
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END) if place is None else place
        file.seek(max(0, end - LARGEST_OGG_PAGE))
        around = file.read(2 * LARGEST_OGG_PAGE)
    within, begin = STREAMS[form]
    if place is not None and (inner := within.search(around)) and begin in around[inner.end() :]:
        return "only the first of its streams is decoded", True
    if form != "OGG":
        return "", False
    page = around[around.rfind(b"OggS") :].ljust(OGG_HEADER, b"\xff")
    sizes = page[OGG_HEADER : OGG_HEADER + page[OGG_HEADER - 1]]
    if len(page) < OGG_HEADER + page[OGG_HEADER - 1] + sum(sizes):
        return "no last page", True
    return "" if page[5] & LAST_OGG_PAGE else "no last page", False


def are_zeros(file: BinaryIO) -> bool:
    """Whether there are zeros and nothing else from here to the end, which is not here."""
    blocks = iter(lambda: file.read(1 << 20), b"")
    return {not block.strip(b"\0") for block in blocks} == {True}


def counted_by_wavpack(path: Path) -> int:
    """The number of samples in a WavPack file's header; 0 if it does not say, or of others."""
    with open(path, "rb") as file:
        begin = file.read(WAVPACK_COUNT.stop)
    counted = int.from_bytes(begin[WAVPACK_COUNT], "little")
    return counted if begin.startswith(b"wvpk") and counted < WAVPACK_UNKNOWN else 0
