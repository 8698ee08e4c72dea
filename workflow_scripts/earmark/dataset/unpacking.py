"""Zip archives unpacked safely: every entry judged before the first is written.

An archive ``X.zip`` becomes the folder ``X``, which appears by one rename: when it is there with
files in it, it is whole.
"""

import contextlib
import logging
import os
import re
import shutil
import stat
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from earmark.dataset.layout import visible
from earmark.runtime.errors import EarmarkError, shown

CHUNK_BYTES = 1 << 16
# The real set has 11,073 clips. File systems take names of 255 bytes, and paths of some thousands.
MOST_ENTRIES = 200_000
LONGEST_NAME, LONGEST_PATH = 255, 1000
# What lies at least before an entry's data.
ENTRY_HEADER_BYTES = 30
# All that zipfile raises for damage; NotImplementedError is its word for packing unknown to it.
BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

log = logging.getLogger("earmark")


def unpack(
    path: Path, folder: Path, max_unpacked_bytes: int, required: Collection[str] = ()
) -> None:
    """Unpack a verified zip into ``folder/<stem>``, which appears only when it is whole.

    Files of the names ``required`` must be in it. Raises EarmarkError when the archive is damaged,
    unpacks to more than ``max_unpacked_bytes`` or has an entry that may not be written; nothing of
    it is left then. OSError passes unchanged.
    """
    stem, work = path.stem, folder / f"{path.stem}.unpacking"
    if work.exists():
        shutil.rmtree(work)  # left by an interrupted run
    try:
        with zipfile.ZipFile(path) as archive:
            inside = _checked(path, archive, stem)
            declared = sum(member.file_size for member in inside.values())
            if declared > max_unpacked_bytes:
                raise EarmarkError(
                    f"{path}: unpacks to {declared} bytes, at most {max_unpacked_bytes} are "
                    "allowed; if that is right, raise max_unpacked_gigabytes in the config."
                )
            need_space(folder, declared, f"unpacking {path.name}")
            work.mkdir()
            with progress(f"Unpacking {path.name}", declared, 0) as advance:
                for inner, member in inside.items():
                    _write_member(archive, member, work / inner, advance)
        lacking = sorted(set(required) - visible(work))
        if lacking or not visible(work):
            what = ", ".join(lacking) or "files"
            raise EarmarkError(f"{path}: holds no {what}; check its address in the config.")
        # After a power cut a name may be there before the bytes that belong to it.
        os.sync()
        _put_in_place(work, folder / stem)
    except BAD_ZIP as error:
        raise EarmarkError(
            f"{path}: the zip cannot be read ({shown(str(error), 200)}), though its checksum is "
            "the one in the config; delete it, correct the config and run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def need_space(folder: Path, needed: int, what: str) -> None:
    """Raise EarmarkError unless so many bytes are free where ``folder`` lies."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EarmarkError(
            f"{folder}: {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB needed for {what}; free "
            "some space or choose a dataset folder on another disk."
        )


def _checked(path: Path, archive: zipfile.ZipFile, stem: str) -> dict[Path, zipfile.ZipInfo]:
    """The files in an archive by their place in its folder; EarmarkError if one may not go."""
    listed = archive.infolist()
    if len(listed) > MOST_ENTRIES:
        raise EarmarkError(
            f"{path}: has {len(listed)} entries, at most {MOST_ENTRIES} are allowed; delete the "
            "file and take the record's own."
        )
    # Entries that share their bytes unpack to far more than was sent.
    ordered = sorted(listed, key=lambda member: member.header_offset)
    if ordered and ordered[0].header_offset < 0:
        raise zipfile.BadZipFile("an entry lies before the beginning")
    for one, other in pairwise(ordered):
        if one.header_offset + ENTRY_HEADER_BYTES + one.compress_size > other.header_offset:
            raise _refused(path, other.filename, "it overlaps another one")
    inside: dict[Path, zipfile.ZipInfo] = {}
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in listed:
        if member.filename.startswith("__MACOSX/"):
            continue
        inner = _inner_path(path, member, stem)
        for parent in inner.parents[:-1]:
            folders[_key(parent)] = member.filename
        if member.is_dir():
            continue
        if not inner.parts:
            raise _refused(path, member.filename, "it has no name of its own")
        if _key(inner) in files:
            raise _refused(path, member.filename, "another one has the same name, or all but")
        inside[inner] = member
        files[_key(inner)] = member.filename
    for key in files.keys() & folders.keys():
        raise _refused(path, files[key], "another one needs a folder of that name")
    return inside


def _inner_path(path: Path, member: zipfile.ZipInfo, stem: str) -> Path:
    """Where a member goes, relative to the archive's folder; EarmarkError if it may not go."""
    name = member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or re.match("[A-Za-z]:", name):
        raise _refused(path, name, "its name points out of the folder")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        raise _refused(path, name, "its name has a control code")
    if len(name.encode()) > LONGEST_PATH or any(len(p.encode()) > LONGEST_NAME for p in parts):
        raise _refused(path, name, "its name is too long")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, name, "it is a link or a special file")
    if member.flag_bits & 1:
        raise _refused(path, name, "it is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(path, name, "it is packed by another method than deflate")
    return Path(*(parts[1:] if parts[:1] == (stem,) else parts))


def _key(inner: Path) -> str:
    """What is the same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(inner)).casefold())


def _refused(path: Path, entry: str, reason: str) -> EarmarkError:
    return EarmarkError(
        f"{path}: entry '{shown(entry)}' is refused, {reason}; delete the file and take the "
        "record's own."
    )


def _write_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, advance: Callable[[int], None]
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # The zip module stops at the declared size, so no more than was allowed is ever written.
    with archive.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(CHUNK_BYTES):
            sink.write(chunk)
            advance(len(chunk))
        if sink.tell() != member.file_size:
            raise zipfile.BadZipFile(f"{member.filename} has not its {member.file_size} bytes")


def _put_in_place(work: Path, target: Path) -> None:
    if visible(target):
        # A list is lacking in a folder that has other files: add what lacks, replace nothing.
        for name in visible(work) - visible(target):
            os.replace(work / name, target / name)
        return
    if target.is_dir():
        shutil.rmtree(target)  # empty, or only Snakemake's timestamp
    os.replace(work, target)


@contextlib.contextmanager
def progress(label: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else a log line about every 10 %; yields ``advance(bytes)``."""
    quiet = not sys.stderr.isatty()
    with tqdm(desc=label, total=total, initial=done, unit="B", unit_scale=True, disable=quiet) as b:

        def advance(count: int) -> None:
            nonlocal done
            before, done = done, done + count
            if not quiet:
                b.update(count)
            elif total and 10 * done // total > 10 * before // total:
                log.info("%s: %d %% of %.1f MB", label, 100 * done // total, total / 1e6)

        yield advance
