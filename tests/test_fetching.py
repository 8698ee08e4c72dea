"""The fetch against a server of this test: resume, checks, refusals, kills. No internet."""

import errno
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import bad_archives
import pytest
from archive_server import (
    CONTENT,
    LISTS,
    META,
    TEST,
    TRAIN,
    Handler,
    Server,
    assert_complete,
    get,
    layout,
)
from corpus import Kind
from fetch_dataset import main
from tiny import read_rows

from earmark.dataset import fetching
from earmark.dataset.layout import missing_archives
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.usefixtures("small_chunks")


def part_of(folder: Path, name: str) -> Path:
    (folder / "downloads").mkdir(exist_ok=True)
    return folder / "downloads" / f"{name}.part"


def test_everything_arrives_with_its_bytes(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    assert missing_archives(folder, server.expected()) == list(CONTENT)
    get(server, folder)
    assert_complete(folder)
    assert missing_archives(folder, server.expected()) == []
    assert sorted(server.seen) == sorted((name, None) for name in CONTENT)
    get(server, folder)
    assert len(server.seen) == len(CONTENT)


def test_sha256(server: Server, tmp_path: Path) -> None:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in server.files.items()}
    get(server, tmp_path, {n: {"checksum": f"sha256:{s}", "bytes": None} for n, s in sums.items()})
    assert_complete(tmp_path)


def test_cut_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    size = len(server.files[TRAIN])
    server.cuts[TRAIN] = [100_000, 50_000]
    get(server, tmp_path)
    assert_complete(tmp_path)
    ranges = [wanted for name, wanted in server.seen if name == TRAIN]
    starts = [int(wanted.strip("bytes=-")) for wanted in ranges if wanted]
    assert ranges[0] is None
    assert len(starts) == 2
    # At most the unfinished chunk of each cut comes twice.
    assert 99_000 <= starts[0] <= 100_000
    assert starts[0] + 49_000 <= starts[1] <= starts[0] + 50_000
    assert server.sent[TRAIN] == 150_000 + size - starts[1]


def test_next_run_resumes_what_the_last_one_left(server: Server, tmp_path: Path) -> None:
    part = part_of(tmp_path, TRAIN)
    part.write_bytes(server.files[TRAIN][:64_000])
    server.statuses[TRAIN] = [503] * 20
    with pytest.raises(EarmarkError, match=r"train\.zip: the download failed \(503 .* is kept"):
        get(server, tmp_path)
    assert part.read_bytes() == server.files[TRAIN][:64_000]
    server.statuses[TRAIN] = []
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert server.sent[TRAIN] == len(server.files[TRAIN]) - 64_000


def test_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts[TRAIN] = [70_000]
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert server.sent[TRAIN] == 70_000 + len(server.files[TRAIN])


def test_complete_part_is_only_verified(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path, TRAIN).write_bytes(server.files[TRAIN])
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert TRAIN not in server.sent


def test_server_errors_that_pass(server: Server, tmp_path: Path) -> None:
    server.statuses[META] = [503, 500, 429]
    get(server, tmp_path)
    assert_complete(tmp_path)


def test_no_server_no_address_no_file(server: Server, tmp_path: Path) -> None:
    with Server() as gone:  # its port closes at once
        url = gone.url
    for address, reason in ((url, "refused"), ("zenodo", "No scheme supplied")):
        with pytest.raises(EarmarkError, match=rf"the download failed \(.*{reason}.*Check the net"):
            fetching.fetch(tmp_path, server.expected(), address, 1e9)
    with pytest.raises(EarmarkError, match=r"download failed \(404 .*the address in the config"):
        get(server, tmp_path, {"other.zip": {"checksum": "md5:" + "0" * 32, "bytes": None}})


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x.zip", "data:,x"])
def test_a_redirect_leads_to_the_web_only(server: Server, tmp_path: Path, target: str) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.own_answers[TRAIN] = answer
    with pytest.raises(EarmarkError, match="the download failed"):
        get(server, tmp_path)
    assert not (tmp_path / "downloads" / TRAIN).exists()


def test_a_web_page_is_no_archive(server: Server, tmp_path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.end_headers()
        handler.wfile.write(b"<html>Log in to go on.</html>")

    part = part_of(tmp_path, TRAIN)
    part.write_bytes(server.files[TRAIN][:5000])
    server.own_answers[TRAIN] = answer
    with pytest.raises(EarmarkError, match="sent an HTML page"):
        get(server, tmp_path)
    assert part.read_bytes() == server.files[TRAIN][:5000]


def test_wrong_checksum_then_right(server: Server, tmp_path: Path) -> None:
    files, good = server.expected(), server.files[TEST]
    server.files[TEST] = bytes(len(good))
    wrong = hashlib.md5(server.files[TEST]).hexdigest()
    expected = rf"{wrong}, expected {files[TEST]['checksum']}, and was deleted"
    with pytest.raises(EarmarkError, match=expected):
        get(server, tmp_path, files)
    assert list((tmp_path / "downloads").glob(f"{TEST}*")) == []
    assert not (tmp_path / "FSDKaggle2018.audio_test").exists()
    server.files[TEST] = good
    server.sent.clear()
    get(server, tmp_path, files)
    assert_complete(tmp_path)
    assert TRAIN not in server.sent  # what was verified before is not sent again


def test_archive_put_there_by_hand(server: Server, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / TRAIN).write_bytes(server.files[TRAIN])
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert TRAIN not in server.sent


def test_after_snakemake_removed_its_outputs(server: Server, tmp_path: Path) -> None:
    get(server, tmp_path)
    server.sent.clear()
    meta, test = tmp_path / "FSDKaggle2018.meta", tmp_path / "FSDKaggle2018.audio_test"
    (meta / LISTS[0]).unlink()
    (meta / LISTS[1]).write_bytes(b"the user's own")
    shutil.rmtree(test)
    test.mkdir()
    (test / ".snakemake_timestamp").touch()
    assert missing_archives(tmp_path, CONTENT) == [TEST, META]
    get(server, tmp_path)
    assert (meta / LISTS[0]).read_bytes() == CONTENT[META][LISTS[0]]
    assert (meta / LISTS[1]).read_bytes() == b"the user's own"
    assert {p.name: p.read_bytes() for p in test.iterdir()} == CONTENT[TEST]
    assert set(server.sent) == {TEST, META}


def test_file_in_the_folders_place(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(EarmarkError, match=r"data is a file, but should be a folder"):
        get(server, tmp_path / "data")


def test_short_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(server.files[TRAIN])
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage(2 * size - 1))
    with pytest.raises(EarmarkError, match=r"GB free, .* GB needed"):
        get(server, tmp_path)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage(2 * size))
    get(server, tmp_path)
    assert_complete(tmp_path)


def test_a_full_disk_while_unpacking_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(fetching.zipfile.ZipFile, "extract", full)
        with pytest.raises(EarmarkError, match=r"No space left on device\)\. Free disk space"):
            get(server, tmp_path)
    assert missing_archives(tmp_path, CONTENT) == list(CONTENT)
    server.sent.clear()
    get(server, tmp_path)
    assert_complete(tmp_path)
    assert server.sent == {}


def test_progress_is_logged_in_tenths(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "earmark"):
        get(server, tmp_path)
    lines = [line for line in caplog.messages if f"MB of {TRAIN} downloaded" in line]
    assert 10 <= len(lines) <= 12


@pytest.mark.parametrize("kind", bad_archives.KINDS, ids=str)
def test_every_archive_of_the_corpus(server: Server, tmp_path: Path, kind: Kind) -> None:
    folder = tmp_path / "outside" / "deep" / "data"
    server.files[TEST] = kind.spoil(layout(TEST))
    if kind.expected == bad_archives.WORKS:
        get(server, folder)
        assert_complete(folder)
    else:
        with pytest.raises(EarmarkError) as caught:
            get(server, folder, most_bytes=2_000_000)
        assert kind.expected in str(caught.value)
        assert TEST in missing_archives(folder, CONTENT)
    # Nothing is written elsewhere.
    assert [path.name for path in folder.parent.iterdir()] == ["data"]
    assert [path.name for path in folder.parents[1].iterdir()] == ["deep"]


def test_a_link_in_an_archive_leads_nowhere(server: Server, tmp_path: Path) -> None:
    server.files[TEST] = bad_archives.link("/etc/passwd")
    get(server, tmp_path)
    written = tmp_path / "FSDKaggle2018.audio_test" / "x.wav"
    assert not written.is_symlink()
    assert written.read_text() == "/etc/passwd"


def test_bytes_are_on_disk_before_the_folder_has_its_name(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(
        fetching.os, "sync", lambda: seen.append(sorted(path.name for path in tmp_path.iterdir()))
    )
    get(server, tmp_path)
    assert len(seen) == len(CONTENT)
    for names in seen:
        unfinished = [name for name in names if name.endswith(".unpacking")]
        assert len(unfinished) == 1
        assert unfinished[0].removesuffix(".unpacking") not in names


# A fetch in a process of its own, killed when it has downloaded or unpacked so many pieces.
KILLED = """
import json, os, signal, sys
from earmark.dataset import fetching

where, most, folder, url, files = sys.argv[1:]
track = fetching.progress.track

def track_and_kill(items, total, what):
    for count, item in enumerate(track(items, total, what)):
        yield item
        if where in what and count >= int(most):
            os.kill(os.getpid(), signal.SIGKILL)

fetching.progress.track = track_and_kill
fetching.CHUNK_BYTES = 5000
fetching.fetch(folder, json.loads(files), url, 1e9)
"""


@pytest.mark.parametrize(("where", "kills"), [("downloaded", (3, 20, 7)), ("unpacked", (2, 5, 0))])
def test_killed_at_any_moment_the_next_run_goes_on(
    server: Server, tmp_path: Path, where: str, kills: tuple[int, ...]
) -> None:
    for most in kills:
        arguments = (where, str(most), str(tmp_path), server.url, json.dumps(server.expected()))
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments],
            cwd=Path(fetching.__file__).parents[2],
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        # What is in place is complete, and nothing else is taken for it.
        for name in set(CONTENT) - set(missing_archives(tmp_path, CONTENT)):
            inside = tmp_path / name.removesuffix(".zip")
            assert {p.name: p.read_bytes() for p in inside.iterdir()} == CONTENT[name]
        unfinished = any(path.name.endswith(".unpacking") for path in tmp_path.iterdir())
        assert unfinished == (where == "unpacked")
    get(server, tmp_path)
    assert_complete(tmp_path)
    # Little came twice: what lay in the killed processes' buffers.
    assert sum(server.sent.values()) <= sum(map(len, server.files.values())) + len(kills) << 20


def test_script(server: Server, tmp_path: Path) -> None:
    cfg = {
        "folder": str(tmp_path / "set"),
        "base_url": server.url,
        "files": server.expected(),
        "max_unpacked_gigabytes": 0.001,
    }
    lists = {
        name: str(tmp_path / "set/FSDKaggle2018.meta" / file)
        for name, file in zip(("train_list", "truth"), LISTS, strict=True)
    }
    parts = {part: tmp_path / f"results/index/{part}.csv" for part in ("train", "test", "listed")}
    main(**lists, **{f"index_{part}": str(path) for part, path in parts.items()}, cfg=cfg)
    assert_complete(tmp_path / "set")
    assert [row["clip"] for row in read_rows(parts["listed"])] == ["000a.wav"]
    for part, archive, names in (("train", TRAIN, ["000a.wav"]), ("test", TEST, CONTENT[TEST])):
        rows = read_rows(parts[part])
        assert [row["clip"] for row in rows] == sorted(names)
        for row in rows:
            content = CONTENT[archive][row["clip"]]
            assert row["file"] == f"{archive.removesuffix('.zip')}/{row['clip']}"
            assert row["bytes"] == str(len(content))
            assert row["hash"] == hashlib.blake2b(content, digest_size=16).hexdigest()
