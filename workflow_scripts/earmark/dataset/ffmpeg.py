"""Sounds in containers that libsndfile does not read, decoded by the program ffmpeg."""

import math
import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from earmark.dataset import other_files
from earmark.dataset.other_files import UnreadableClipError
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import NO_ROOM

# What ffmpeg says of a file without sound, and of an MP4 file without the index at its end.
NO_STREAM, NO_INDEX = "matches no streams", "moov atom not found"
# Enough to know what a file is.
SHORTEST_SECONDS = 0.1


class Decoded(NamedTuple):
    """An open AU file with the samples, float32, of what ffmpeg's ``demuxer`` has read.

    ``problem`` says what could not be decoded, ``remark`` what else may be wrong with the file.
    """

    file: BinaryIO
    demuxer: str
    problem: str
    remark: str = ""


def decode(path: str | Path, longest_seconds: float = math.inf) -> Decoded:
    """Decode the first ``longest_seconds`` of a file, or a little more, to a temporary file.

    Raises UnreadableClipError where the file is of another kind or has no sound, ffmpeg is not
    installed or cannot decode it, and EarmarkError where the temporary file finds no room.
    """
    kind, demuxer = other_files.kind_of(path)
    if not demuxer:
        raise UnreadableClipError(kind, "not_audio")
    if not shutil.which("ffmpeg"):
        raise UnreadableClipError(f"{kind}: install the program ffmpeg, which decodes it")
    samples, told = _decode(os.path.abspath(path), demuxer, longest_seconds, stamp(path))
    last = told.rpartition("\n")[2].rpartition("] ")[2]
    if NO_STREAM in told:
        raise UnreadableClipError(f"{kind}, in which there is no sound", "not_audio")
    if not os.fstat(samples.fileno()).st_size:
        reason = "its index is missing: it is cut, or damaged" if NO_INDEX in told else last
        raise UnreadableClipError(f"{kind}, which ffmpeg cannot decode ({reason})")
    samples.seek(0)
    return Decoded(samples, demuxer, last)


def stamp(path: str | Path) -> tuple[int, ...]:
    """What changes with a file's content, and between processes.

    Those share the position in a file that was open before they parted.
    """
    facts = os.stat(path)
    return os.getpid(), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


# The last file is kept: parts mostly follow one another.
@lru_cache(maxsize=1)
def _decode(
    path: str, demuxer: str, seconds: float, stamp: tuple[int, ...]
) -> tuple[BinaryIO, str]:
    """A file with the samples, or without a byte, and what ffmpeg says of errors."""
    samples = tempfile.TemporaryFile()  # noqa: SIM115
    limit = [] if seconds == math.inf else ["-t", f"{seconds + SHORTEST_SECONDS:.3f}"]
    # Demuxer and protocols are given: no content makes ffmpeg open anything else.
    command = [
        *(
            "ffmpeg",
            "-nostdin",
            "-v",
            "repeat+error",
            "-protocol_whitelist",
            "file,pipe",
            "-f",
            demuxer,
        ),
        *("-i", f"file:{path}", *limit, "-map", "0:a:0"),
        *("-c:a", "pcm_f32be", "-f", "au", "pipe:1"),
    ]
    ended = subprocess.run(command, stdout=samples, stderr=subprocess.PIPE, check=False)
    told = ended.stderr.decode(errors="replace").strip()
    if any(os.strerror(number) in told for number in NO_ROOM):
        raise EarmarkError(
            f"There is no room in {tempfile.gettempdir()} for the decoded sound of {path}. Free "
            f"disk space there, or set TMPDIR to a folder with more."
        )
    return samples, told.replace(path, os.path.basename(path))
