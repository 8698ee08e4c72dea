"""Fetch FSDKaggle2018 from its record: download with resume, verify, unpack, put in place.

Downloads live in ``<folder>/downloads/`` until all is unpacked, so an interrupted run goes on where
it stopped. An archive ``X.zip`` becomes ``<folder>/X/``, which appears by one rename: when it is
there with files in it, it is whole.
"""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import stat
import sys
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import requests
from filelock import FileLock, Timeout
from tqdm import tqdm

from earmark.errors import EarmarkError

# The lists that the folder needs beside "some file"; Snakemake deletes a declared one on its own.
REQUIRED = {
    "FSDKaggle2018.meta": ("train_post_competition.csv", "test_post_competition_scoring_clips.csv"),
}
CHUNK_BYTES = 1 << 16
LONGEST_WAIT_SECONDS = 60.0
LONGEST_NAME_BYTES = 255  # of one file or folder, on most file systems
BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

log = logging.getLogger("earmark")
Result = TypeVar("Result")
Wait = Callable[[float], object]


@dataclass(frozen=True)
class Archive:
    """One zip of the record; ``checksum`` is "md5:..." or "sha256:...", ``size`` is in bytes."""

    name: str
    checksum: str | None
    size: int | None


class _AgainError(Exception):
    """A failure that may pass: worth another attempt."""


def fetch(
    folder: str | Path,
    files: Mapping[str, Mapping[str, Any]],
    base_url: str,
    *,
    record_url: str | None = None,
    max_unpacked_bytes: int = 20 * 10**9,
    timeout_seconds: float = 60.0,
    attempts: int = 6,
    keep_archives: bool = False,
    wait: Wait = time.sleep,
) -> None:
    """Bring every archive of ``files`` into ``folder``, unpacked; what is there is not fetched.

    ``files`` maps archive name -> {"checksum": "md5:..." | "sha256:..." | None, "bytes": int |
    None}. Without a checksum, the one in the record's JSON at ``record_url`` counts. Archives come
    from ``<base_url>/<name>``. ``max_unpacked_bytes`` bounds each archive, ``attempts`` bounds the
    tries in a row that bring nothing new, ``wait`` is called with the seconds between them.
    Raises EarmarkError for anything that keeps the data from being complete.
    """
    folder = Path(folder)
    archives = [_parse(n, entry.get("checksum"), entry.get("bytes")) for n, entry in files.items()]
    if not missing(folder, files):
        log.info("%s is complete, nothing to download.", folder)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder), requests.Session() as session:
            downloads = folder / "downloads"
            downloads.mkdir(exist_ok=True)
            # Asked again under the lock: a fetch that just ended may have brought all of them.
            needed = [a for a in archives if a.name in missing(folder, files)]
            connection = _Connection(session, timeout_seconds, attempts, wait)
            needed = _with_checksums(needed, record_url, connection)
            for archive in needed:
                _bring(archive, f"{base_url.rstrip('/')}/{archive.name}", downloads, connection)
            for archive in needed:
                _unpack(downloads / archive.name, folder, max_unpacked_bytes)
            if not keep_archives:
                for archive in archives:
                    (downloads / archive.name).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # not empty: other files of the user
                    downloads.rmdir()
    except OSError as error:
        raise EarmarkError(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}); give a "
            "dataset folder that you may write to, on a disk with free space, and run again."
        ) from error


def missing(folder: str | Path, files: Iterable[str]) -> list[str]:
    """The archives of ``files`` whose unpacked folder is not in ``folder`` yet."""

    def whole(stem: str) -> bool:
        there = _visible(Path(folder) / stem)
        return bool(there) and there.issuperset(REQUIRED.get(stem, ()))

    return [name for name in files if not whole(name.removesuffix(".zip"))]


def _visible(folder: Path) -> set[str]:
    # Hidden files do not count: Snakemake puts its timestamp into directories it declares.
    try:
        return {entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")}
    except OSError:
        return set()


def _parse(name: str, checksum: object, size: int | None) -> Archive:
    if not re.fullmatch(r"\w[\w.-]*\.zip", name):
        raise EarmarkError(f"{name!r}: an archive's name must be a plain file name ending in .zip.")
    if size is not None and (not isinstance(size, int) or size <= 0):
        raise EarmarkError(f"{name}: bytes is {size!r}; give a positive whole number or null.")
    text = None if checksum is None else str(checksum).lower()
    if text is not None and not re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", text):
        raise EarmarkError(
            f"{name}: checksum is {checksum!r}; write md5:<32 hex digits> or sha256:<64>."
        )
    return Archive(name, text, size)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    path = folder / ".fetch.lock"
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise EarmarkError(
            f"{path}: another fetch is at work in this folder; wait for it and run again."
        ) from None


@dataclass(frozen=True)
class _Connection:
    session: requests.Session
    timeout_seconds: float
    attempts: int
    wait: Wait

    def get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The streamed answer to a GET: 200, 206 or 416; raises _AgainError or EarmarkError."""
        # Compressed on the way, bytes on disk and bytes of the range would not agree.
        headers = {"Accept-Encoding": "identity", **headers}
        answer = self.session.get(url, headers=headers, stream=True, timeout=self.timeout_seconds)
        if answer.status_code in (200, 206, 416):
            return answer
        answer.close()
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise _AgainError(f"the server answered {answer.status_code}")
        raise EarmarkError(
            f"{url}: the server answered {answer.status_code}; check the address in the config."
        )

    def repeat(self, url: str, action: Callable[[], Result], progress: Callable[[], int]) -> Result:
        """``action()``, again after growing waits while it fails in a way that may pass."""
        best, in_vain = progress(), 0
        while True:
            try:
                return action()
            except (_AgainError, requests.RequestException) as problem:
                if isinstance(problem, ValueError):  # requests' bad addresses and bad JSON
                    raise EarmarkError(f"{url}: no usable address or answer ({problem}).") from None
                # Bytes won are no failure: a poor line may drop often and still get there.
                now = progress()
                in_vain = 0 if now > best else in_vain + 1
                best = max(best, now)
                ours = isinstance(problem, _AgainError)
                reason = str(problem) if ours else f"connection lost, {type(problem).__name__}"
                if in_vain >= self.attempts:
                    raise EarmarkError(
                        f"{url}: gave up after {in_vain} attempts in a row ({reason}); check the "
                        "network and run again, what was downloaded is kept."
                    ) from problem
                pause = min(2.0**in_vain, LONGEST_WAIT_SECONDS)
                log.warning("%s: %s; trying again in %.0f s.", url, reason, pause)
                self.wait(pause)


def _with_checksums(
    archives: list[Archive], record_url: str | None, connection: _Connection
) -> list[Archive]:
    unknown = [archive.name for archive in archives if not archive.checksum]
    if not unknown:
        return archives
    if record_url is None:
        raise EarmarkError(f"{unknown[0]}: no checksum in the config; write it, or a record_url.")

    def read() -> Any:
        with connection.get(record_url, {}) as answer:
            return answer.json()

    record = connection.repeat(record_url, read, lambda: 0)
    try:
        sums = {entry["key"]: entry["checksum"] for entry in record["files"]}
        return [_parse(a.name, a.checksum or sums[a.name], a.size) for a in archives]
    except (KeyError, TypeError) as error:
        raise EarmarkError(
            f"{record_url}: the answer names no checksum for {', '.join(unknown)}; write it into "
            "the config."
        ) from error


def _bring(archive: Archive, url: str, downloads: Path, connection: _Connection) -> None:
    """Make ``downloads/<name>`` a verified file; it gets that name only when its sum is right."""
    final = downloads / archive.name
    if final.exists():
        found = _checksum(final, archive)
        if found != archive.checksum:
            raise EarmarkError(
                f"{final}: checksum {found}, expected {archive.checksum}; delete it and run again."
            )
        return
    part = downloads / f"{archive.name}.part"
    connection.repeat(
        url, lambda: _download_rest(archive, url, part, connection), lambda: _size(part)
    )
    found = _checksum(part, archive)
    if found != archive.checksum:
        part.unlink()
        raise EarmarkError(
            f"{url}: checksum {found}, expected {archive.checksum}; the download was deleted, run "
            "again. If it comes out the same, the checksum in the config is not this file's."
        )
    os.replace(part, final)
    part.with_suffix(".etag").unlink(missing_ok=True)


def _download_rest(archive: Archive, url: str, part: Path, connection: _Connection) -> None:
    have, tag_file = _size(part), part.with_suffix(".etag")
    if archive.size is not None and have == archive.size:
        return
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag_file.exists() and (tag := tag_file.read_text("utf-8")):
            headers["If-Range"] = tag
    with connection.get(url, headers) as answer:
        content_range = answer.headers.get("Content-Range", "")
        if answer.status_code == 416 and have and content_range == f"bytes */{have}":
            return  # It was complete; the checksum decides.
        if answer.status_code != 200 and not content_range.startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _AgainError(f"the server has no bytes from {have} on, starting anew")
        if answer.status_code == 200:
            have = 0
            tag = answer.headers.get("ETag", "")
            # Only a strong tag may guard a range; a weak one promises no equal bytes.
            tag_file.write_text(tag if tag.startswith('"') else "", "utf-8")
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else archive.size
        if archive.size is not None and total != archive.size:
            raise EarmarkError(
                f"{url}: has {total} bytes, the config says {archive.size}; correct the config."
            )
        if total is not None:
            # Unpacked, sound is at least as large as its zip: say so before the long download.
            _need_space(part.parent, 2 * total - have, f"{archive.name} and what it unpacks to")
        with (
            part.open("ab" if have else "wb") as sink,
            _progress(f"Downloading {archive.name}", total, have) as advance,
        ):
            for chunk in answer.iter_content(CHUNK_BYTES):
                sink.write(chunk)
                advance(len(chunk))
    if total is not None and _size(part) != total:
        raise _AgainError(f"{_size(part)} bytes of {total} came")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _checksum(path: Path, archive: Archive) -> str:
    algorithm = str(archive.checksum).partition(":")[0]
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def _need_space(folder: Path, needed: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EarmarkError(
            f"{folder}: {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB needed for {what}; free "
            "some space or choose a dataset folder on another disk."
        )


def _unpack(path: Path, folder: Path, max_unpacked_bytes: int) -> None:
    """Unpack a verified zip into ``folder/<stem>``, which appears only when it is whole."""
    stem, work = path.stem, folder / f"{path.stem}.unpacking"
    if work.exists():
        shutil.rmtree(work)  # left by an interrupted run
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.filename.startswith("__MACOSX/")]
            inside: dict[Path, zipfile.ZipInfo] = {}
            for member in members:
                inner = _inner_path(path, member, stem)
                if inner in inside and not member.is_dir():
                    raise _refusal(path, member, "there is another entry of that name")
                inside[inner] = member
            declared = sum(member.file_size for member in members)
            if declared > max_unpacked_bytes:
                raise EarmarkError(
                    f"{path}: unpacks to {declared} bytes, at most {max_unpacked_bytes} are "
                    "allowed; if that is right, raise max_unpacked_gigabytes in the config."
                )
            _need_space(folder, declared, f"unpacking {path.name}")
            work.mkdir()
            with _progress(f"Unpacking {path.name}", declared, 0) as advance:
                for inner, member in inside.items():
                    if not member.is_dir():
                        _write_member(archive, member, work / inner, advance)
        lacking = sorted(set(REQUIRED.get(stem, ())) - _visible(work))
        if lacking or not _visible(work):
            what = ", ".join(lacking) or "files"
            raise EarmarkError(f"{path}: holds no {what}; check its address in the config.")
        _put_in_place(work, folder / stem)
    except BAD_ZIP as error:
        raise EarmarkError(
            f"{path}: the zip cannot be read ({error}), though its checksum is the one in the "
            "config; delete it, correct the config and run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _inner_path(path: Path, member: zipfile.ZipInfo, stem: str) -> Path:
    """Where a member goes, relative to the archive's folder; EarmarkError if it may not go."""
    name = member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or re.match("[A-Za-z]:", name):
        reason = "its name points out of the folder"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        reason = "it is a link or a special file"
    elif member.flag_bits & 1:
        reason = "it is encrypted"
    elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reason = "it is packed by another method than deflate"
    elif any(unicodedata.category(sign) == "Cc" for sign in name):
        reason = "its name has control characters"
    elif any(len(os.fsencode(part)) > LONGEST_NAME_BYTES for part in parts):
        reason = "its name is too long"
    elif not member.is_dir() and parts == (stem,):
        reason = "it has the name of the folder"
    else:
        return Path(*(parts[1:] if parts[:1] == (stem,) else parts))
    raise _refusal(path, member, reason)


def _refusal(path: Path, member: zipfile.ZipInfo, reason: str) -> EarmarkError:
    return EarmarkError(
        f"{path}: entry {member.filename!r} is refused, {reason}; delete the file and take the "
        f"record's own."
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
    if _visible(target):
        # A list is lacking in a folder that has other files: add what lacks, replace nothing.
        for name in _visible(work) - _visible(target):
            os.replace(work / name, target / name)
        return
    if target.is_dir():
        shutil.rmtree(target)  # empty, or only Snakemake's timestamp
    os.replace(work, target)


@contextlib.contextmanager
def _progress(label: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
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
