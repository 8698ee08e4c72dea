"""Support for tests of the fetch: small archives in the record's layout, and a server of them."""

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from earmark.dataset.fetching import fetch

TRAIN, TEST, META = (
    "FSDKaggle2018.audio_train.zip",
    "FSDKaggle2018.audio_test.zip",
    "FSDKaggle2018.meta.zip",
)
LISTS = ("train_post_competition.csv", "test_post_competition_scoring_clips.csv")


def sound(seed: int, count: int = 40_000) -> bytes:
    return np.random.default_rng(seed).bytes(count)


CONTENT = {
    TRAIN: {f"00{i}a.wav": sound(i) for i in range(8)},
    TEST: {f"11{i}b.wav": sound(100 + i) for i in range(3)},
    META: {
        LISTS[0]: b"fname,label,manually_verified\n000a.wav,Bark,1\n",
        LISTS[1]: b"fname,label\n110b.wav,Bus\n",
    },
}


def make_zip(entries: list[tuple[str | zipfile.ZipInfo, bytes]], kind: int = 0) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", kind) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return sink.getvalue()


def layout(name: str) -> list[tuple[str | zipfile.ZipInfo, bytes]]:
    """The record's layout: a folder entry, then files under the folder's name."""
    stem = name.removesuffix(".zip")
    return [(f"{stem}/", b""), *((f"{stem}/{n}", data) for n, data in CONTENT[name].items())]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {name: make_zip(layout(name)) for name in CONTENT}
        self.ranges = True
        self.cuts: dict[str, list[int]] = {}  # name -> body bytes after which to hang up
        self.statuses: dict[str, list[int]] = {}  # name -> answers before the first good one
        self.own_answers: dict[str, Callable[[Handler], None]] = {}
        self.seen: list[tuple[str, str | None]] = []  # (name, Range header)
        self.sent: dict[str, int] = {}  # name -> body bytes
        self.url = f"http://127.0.0.1:{self.server_address[1]}/files"

    def expected(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"checksum": f"md5:{hashlib.md5(data).hexdigest()}", "bytes": len(data)}
            for name, data in self.files.items()
            if name.endswith(".zip")
        }


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        wanted = self.headers.get("Range")
        self.server.seen.append((name, wanted))
        if name in self.server.own_answers:
            self.server.own_answers[name](self)
            self.close_connection = True
            return
        if self.server.statuses.get(name):
            self.send_error(self.server.statuses[name].pop(0))
            return
        if name not in self.server.files:
            self.send_error(404)
            return
        data, start = self.server.files[name], 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cuts = self.server.cuts.get(name)
        body = data[start:][: cuts.pop(0)] if cuts else data[start:]
        self.server.sent[name] = self.server.sent.get(name, 0) + len(body)
        self.wfile.write(body)
        self.close_connection = True


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(
    server: Server,
    folder: Path,
    files: dict[str, dict[str, Any]] | None = None,
    most_bytes: float = 1e9,
) -> None:
    """Fetch from the test's server."""
    fetch(folder, files or server.expected(), server.url, most_bytes)


def assert_complete(folder: Path) -> None:
    """Every file has its bytes, and there is nothing beside them."""
    for name, entries in CONTENT.items():
        inside = folder / name.removesuffix(".zip")
        assert {p.name: p.read_bytes() for p in inside.iterdir()} == entries
    names = {name.removesuffix(".zip") for name in CONTENT}
    assert {p.name for p in folder.iterdir()} == names | {".fetch.lock"}
