"""Fetch FSDKaggle2018 from its record: download with resume, verify, unpack.

Downloads stay in ``<folder>/downloads/`` until all are unpacked, so that an interrupted run
continues where it stopped. An archive ``X.zip`` becomes ``<folder>/X/``, which appears by one
rename: if it has files in it, it is complete.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from earmark.dataset.layout import missing_archives, visible
from earmark.runtime import locks, progress
from earmark.runtime.errors import EarmarkError, printable
from earmark.runtime.outputs import write_error

CHUNK_BYTES = 1_000_000
TIMEOUT_SECONDS = 60
# Before an answer begins: six more tries, after 0, 2, 4, 8, 16 and 32 seconds.
RETRIES = Retry(
    6, backoff_factor=1, status_forcelist=(408, 429, 500, 502, 503, 504), raise_on_status=False
)

# What zipfile raises for damage, encryption and unknown compression.
BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

log = logging.getLogger("earmark")

WITHOUT_LOCKS = "make sure that no two runs fetch the same data set at once."


def fetch(
    folder: str | Path, files: Mapping[str, Mapping[str, Any]], base_url: str, most_bytes: float
) -> None:
    """Download and unpack every archive of ``files`` into ``folder``, unless it is there already.

    ``files`` maps archive name -> {"checksum": "md5:..." | "sha256:...", "bytes": int | None}, and
    archives come from ``<base_url>/<name>``. Each unpacks to at most ``most_bytes``.
    Raises EarmarkError for anything that keeps the data from being complete.
    """
    folder = Path(folder)
    downloads = folder / "downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        # Another workflow that uses the same folder waits here, and then has nothing to fetch.
        with locks.locked(folder / ".fetch.lock", WITHOUT_LOCKS), requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
            needed = missing_archives(folder, files)
            for name in needed:
                url = f"{base_url.rstrip('/')}/{name}"
                _download_and_verify(session, url, downloads / name, **files[name])
            for name in needed:
                _unpack(downloads / name, folder, most_bytes)
            for name in files:
                (downloads / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: other files of the user
                downloads.rmdir()
    except BAD_ZIP as problem:
        raise EarmarkError(
            f"An archive in {downloads} cannot be unpacked ({printable(str(problem), 200)}), but "
            f"its checksum is the one in the config. Delete it and correct the config."
        ) from problem
    except OSError as problem:
        raise write_error(problem.filename or folder, problem) from problem


def _download_and_verify(
    session: requests.Session, url: str, path: Path, checksum: str, bytes: int | None
) -> None:
    """Download ``url`` to ``path``, if it is not there yet, and check its checksum."""
    if not path.exists():
        part = path.with_name(f"{path.name}.part")
        _download(session, url, part, bytes)
        os.replace(part, path)
    algorithm = checksum.partition(":")[0]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    if f"{algorithm}:{digest.hexdigest()}" != checksum:
        path.unlink()
        raise EarmarkError(
            f"{path} has the checksum {digest.hexdigest()}, expected {checksum}, and was deleted. "
            f"Run again; if the checksum is wrong again, correct it or the address in the config."
        )


def _download(session: requests.Session, url: str, part: Path, size: int | None) -> None:
    """Download into ``part``, on from what it has; resume for as long as new bytes come."""
    part.touch()
    while True:
        before = part.stat().st_size
        try:
            return _download_rest(session, url, part, size)
        except requests.RequestException as problem:
            reason = printable(str(problem), 300)
            if part.stat().st_size <= before:
                raise EarmarkError(
                    f"{url}: the download failed ({reason}). Check the network and the address in "
                    f"the config, and run again: what was downloaded is kept."
                ) from problem
            log.warning("%s: the connection broke (%s); resuming the download.", url, reason)


def _download_rest(session: requests.Session, url: str, part: Path, size: int | None) -> None:
    have = part.stat().st_size
    # Not compressed: otherwise bytes on disk and bytes of the range would not agree.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # There are no more bytes: the checksum decides.
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise requests.RequestException("the server sent an HTML page (of a login or proxy?)")
        if answer.status_code != requests.codes.partial_content:
            have = 0
        rest = int(answer.headers.get("Content-Length") or (size or have) - have)
        # Unpacked, sound is at least as large as its zip: check before the long download.
        _check_space(part.parent, have + 2 * rest)
        chunks = answer.iter_content(CHUNK_BYTES)
        what = f"MB of {url.rpartition('/')[2]} downloaded"
        with part.open("ab" if have else "wb") as file:
            for chunk in progress.track(chunks, -(-rest // CHUNK_BYTES), what):
                file.write(chunk)


def _unpack(path: Path, folder: Path, most_bytes: float) -> None:
    """Unpack a verified zip into ``folder/<stem>``, which appears only when it is complete."""
    target, work = folder / path.stem, folder / f"{path.stem}.unpacking"
    shutil.rmtree(work, ignore_errors=True)  # left by an interrupted run
    with zipfile.ZipFile(path) as archive:
        entries = [e for e in archive.infolist() if not e.filename.startswith("__MACOSX/")]
        for entry in entries:
            if entry.filename.startswith("/") or ".." in PurePosixPath(entry.filename).parts:
                raise EarmarkError(
                    f"{path}: the entry '{printable(entry.filename)}' points out of the folder. "
                    f"Delete the file, and correct its address and checksum in the config."
                )
        needed = sum(entry.file_size for entry in entries)
        if needed > most_bytes:
            raise EarmarkError(
                f"{path} unpacks to {needed / 1e9:.2f} GB. If that is right, raise "
                f"max_unpacked_gigabytes in the config."
            )
        _check_space(folder, needed)
        for entry in progress.track(entries, len(entries), f"entries of {path.name} unpacked"):
            archive.extract(entry, work)
    # Otherwise files could be empty after a power cut.
    os.sync()
    inside = work / path.stem if (work / path.stem).is_dir() else work
    if visible(target):
        # The folder has files, but lacks a list: add what is missing, and replace nothing.
        for name in visible(inside) - visible(target):
            os.replace(inside / name, target / name)
    else:
        shutil.rmtree(target, ignore_errors=True)  # empty, or only Snakemake's timestamp
        os.replace(inside, target)
    shutil.rmtree(work, ignore_errors=True)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EarmarkError(
            f"{folder}: {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB needed. Free some space or "
            f"set `fetch.folder` in the config to a folder on another disk."
        )
