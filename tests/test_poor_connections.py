"""Fetching from servers that misbehave, and fetches that are killed."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from archive_server import (
    CONTENT,
    TRAIN,
    Handler,
    Server,
    assert_whole,
    get,
)

from earmark.dataset import fetching, unpacking
from earmark.dataset.layout import missing_archives
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.usefixtures("small_chunks")


def test_a_web_page_is_no_archive(server: Server, tmp_path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.end_headers()
        handler.wfile.write(b"<html>Log in to go on.</html>")

    (tmp_path / "downloads").mkdir()
    part = tmp_path / "downloads" / f"{TRAIN}.part"
    part.write_bytes(server.files[TRAIN][:5000])
    server.own_answers[TRAIN] = answer
    files = server.expected() | {TRAIN: {"checksum": server.expected()[TRAIN]["checksum"]}}
    with pytest.raises(EarmarkError, match="sent a web page instead of the archive"):
        get(server, tmp_path, files=files)
    assert part.read_bytes() == server.files[TRAIN][:5000]
    del server.own_answers[TRAIN]
    get(server, tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
def test_a_body_without_end_is_cut_off(server: Server, tmp_path: Path, known: bool) -> None:
    sent = 0

    def answer(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(10_000))
                sent += 10_000
        except OSError:
            pass  # the other side has had enough

    server.own_answers[TRAIN] = answer
    files = server.expected()
    most = files[TRAIN]["bytes"] if known else 500_000
    files[TRAIN]["bytes"] = most if known else None
    with pytest.raises(EarmarkError, match=rf"sends more than {most} bytes"):
        get(server, tmp_path, files=files, max_unpacked_bytes=500_000)
    assert list((tmp_path / "downloads").glob(f"{TRAIN}*.part")) == []
    assert sent < 50_000_000
    del server.own_answers[TRAIN]
    get(server, tmp_path)
    assert_whole(tmp_path)


def test_a_trickle_is_given_up_and_gone_on_with(server: Server, tmp_path: Path) -> None:
    done = threading.Event()

    def answer(handler: Handler) -> None:
        data = server.files[TRAIN]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            for value in data:
                handler.wfile.write(bytes([value]))
                if done.wait(0.05):
                    return
        except OSError:
            pass

    server.own_answers[TRAIN] = answer
    try:
        with pytest.raises(EarmarkError, match=r"only \d+ bytes came in .* s; run again"):
            get(server, tmp_path, timeout_seconds=0.3)
    finally:
        done.set()
    part = tmp_path / "downloads" / f"{TRAIN}.part"
    assert server.files[TRAIN].startswith(part.read_bytes())
    assert part.stat().st_size > 0
    del server.own_answers[TRAIN]
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent[TRAIN] < len(server.files[TRAIN])


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x.zip", "data:,x", "//"])
def test_a_redirect_leads_to_the_web_only(server: Server, tmp_path: Path, target: str) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.own_answers[TRAIN] = answer
    with pytest.raises(EarmarkError, match="no usable address or answer"):
        get(server, tmp_path)
    assert not (tmp_path / "downloads" / TRAIN).exists()


# A fetch in a process of its own, killed when so many bytes were downloaded or unpacked.
KILLED = """
import json, os, signal, sys
from earmark.dataset import fetching, unpacking

where, most, folder, url, files = sys.argv[1:]
count, chunks, write = 0, fetching._chunks, unpacking._write_member

def counted(size):
    global count
    count += size
    if count > int(most):
        os.kill(os.getpid(), signal.SIGKILL)

def chunks_and_kill(*args):
    for chunk in chunks(*args):
        yield chunk
        counted(len(chunk))

if where == "download":
    fetching._chunks = chunks_and_kill
else:
    unpacking._write_member = lambda archive, member, target, advance: write(
        archive, member, target, counted
    )
fetching.CHUNK_BYTES = unpacking.CHUNK_BYTES = 5000
fetching.fetch(folder, json.loads(files), url)
"""


@pytest.mark.parametrize("where", ["download", "unpacking"])
def test_killed_at_any_moment_the_next_run_goes_on(
    server: Server, tmp_path: Path, where: str
) -> None:
    whole = sum(map(len, server.files.values()))
    rng = np.random.default_rng(len(where))
    kills = 3
    for most in rng.integers(10_000, whole // (kills + 1), kills):
        arguments = (where, str(most), str(tmp_path), server.url, json.dumps(server.expected()))
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments],
            cwd=Path(fetching.__file__).parents[1],
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        # What is in place is whole, and nothing else is taken for it.
        for name in set(CONTENT) - set(missing_archives(tmp_path, CONTENT)):
            inside = tmp_path / name.removesuffix(".zip")
            assert {p.name: p.read_bytes() for p in inside.iterdir()} == CONTENT[name]
        if where == "download":
            assert missing_archives(tmp_path, CONTENT) == list(CONTENT)
        else:
            assert any(path.name.endswith(".unpacking") for path in tmp_path.iterdir())
    get(server, tmp_path)
    assert_whole(tmp_path)
    # Little came twice: what lay in the killed processes' buffers.
    assert sum(server.sent.values()) <= whole + kills * (1 << 20)


def test_a_full_disk_while_unpacking_leaves_nothing_and_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(unpacking, "_write_member", full)
        with pytest.raises(EarmarkError, match=r"No space left on device\); give .* run again"):
            get(server, tmp_path)
    assert missing_archives(tmp_path, CONTENT) == list(CONTENT)
    assert not list(tmp_path.glob("*.unpacking"))
    server.sent.clear()
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent == {}
