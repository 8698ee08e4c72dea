"""Fetch FSDKaggle2018 from its record: download with resume, verify, have it unpacked.

Downloads live in ``<folder>/downloads/`` until all is unpacked, so an interrupted run goes on where
it stopped. An archive ``X.zip`` becomes ``<folder>/X/``, which appears by one rename: when it is
there with files in it, it is whole.
"""

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3
from filelock import FileLock, Timeout

from earmark.dataset import unpacking
from earmark.dataset.layout import REQUIRED, missing_archives
from earmark.runtime.errors import EarmarkError

CHUNK_BYTES = 1 << 16
LONGEST_WAIT_SECONDS = 60.0
# Slower than this over the time that a read may take, a download would go on for days.
SLOWEST_BYTES_PER_SECOND = 100

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
    from ``<base_url>/<name>``. ``max_unpacked_bytes`` bounds each archive, also packed where nobody
    says its size. ``timeout_seconds`` bounds the wait for the next bytes, ``attempts`` the tries in
    a row that bring nothing new; ``wait`` is called with the seconds between them.
    Raises EarmarkError for anything that keeps the data from being complete.
    """
    folder = Path(folder)
    archives = [_parse(n, entry.get("checksum"), entry.get("bytes")) for n, entry in files.items()]
    if not missing_archives(folder, files):
        log.info("%s is complete, nothing to download.", folder)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder), requests.Session() as session:
            downloads = folder / "downloads"
            downloads.mkdir(exist_ok=True)
            # Asked again under the lock: a fetch that just ended may have brought all of them.
            needed = [a for a in archives if a.name in missing_archives(folder, files)]
            connection = _Connection(session, timeout_seconds, attempts, wait)
            needed = _with_checksums(needed, record_url, connection)
            for archive in needed:
                url = f"{base_url.rstrip('/')}/{archive.name}"
                _bring(archive, url, downloads, connection, max_unpacked_bytes)
            for archive in needed:
                path = downloads / archive.name
                unpacking.unpack(path, folder, max_unpacked_bytes, REQUIRED.get(path.stem, ()))
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
                # A ValueError: requests' bad addresses and bad JSON.
                if isinstance(problem, ValueError | requests.TooManyRedirects):
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


def _bring(
    archive: Archive, url: str, downloads: Path, connection: _Connection, most_bytes: int
) -> None:
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
        url, lambda: _download_rest(archive, url, part, connection, most_bytes), lambda: _size(part)
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


def _download_rest(
    archive: Archive, url: str, part: Path, connection: _Connection, most_bytes: int
) -> None:
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
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise EarmarkError(
                f"{url}: the server sent a web page instead of the archive; check the address in "
                "the config, and whether a login or a proxy stands in between."
            )
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
            most_bytes = total
            # Unpacked, sound is at least as large as its zip: say so before the long download.
            unpacking.need_space(
                part.parent, 2 * total - have, f"{archive.name} and what it unpacks to"
            )
        with (
            part.open("ab" if have else "wb") as sink,
            unpacking.progress(f"Downloading {archive.name}", total, have) as advance,
        ):
            for chunk in _chunks(answer, url, connection.timeout_seconds):
                have += len(chunk)
                if have > most_bytes:
                    break
                sink.write(chunk)
                advance(len(chunk))
    if have > most_bytes:
        part.unlink()
        raise EarmarkError(
            f"{url}: the server sends more than {most_bytes} bytes; the download was deleted. "
            "Check the address in the config, or raise max_unpacked_gigabytes."
        )
    if total is not None and _size(part) != total:
        raise _AgainError(f"{_size(part)} bytes of {total} came")


def _chunks(answer: requests.Response, url: str, patience_seconds: float) -> Iterator[bytes]:
    """The body as it comes; raises _AgainError when it is cut, EarmarkError when it trickles."""
    since, count = time.monotonic(), 0
    while True:
        try:
            # Not iter_content: it waits until a chunk is full, however slowly that goes.
            chunk = answer.raw.read1(CHUNK_BYTES)
        except urllib3.exceptions.HTTPError as problem:
            raise _AgainError(f"connection lost, {type(problem).__name__}") from problem
        if not chunk:
            return
        yield chunk
        count += len(chunk)
        seconds = time.monotonic() - since
        if seconds > patience_seconds:
            if count < SLOWEST_BYTES_PER_SECOND * seconds:
                raise EarmarkError(
                    f"{url}: only {count} bytes came in {seconds:.0f} s; run again when the "
                    "network or the server is faster, what was downloaded is kept."
                )
            since, count = time.monotonic(), 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _checksum(path: Path, archive: Archive) -> str:
    algorithm = str(archive.checksum).partition(":")[0]
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"
