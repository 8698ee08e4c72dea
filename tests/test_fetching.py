"""The fetch against a server of this test: resume, checks, refusals. No internet, no sleeping."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from archive_server import (
    CONTENT,
    LISTS,
    META,
    TEST,
    TRAIN,
    Server,
    assert_whole,
    get,
)
from fetch_dataset import main
from tiny import read_rows

from earmark.dataset import unpacking
from earmark.dataset.fetching import fetch
from earmark.dataset.layout import missing_archives
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.usefixtures("small_chunks")


def test_everything_arrives_with_its_bytes(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    assert missing_archives(folder, server.expected()) == list(CONTENT)
    assert get(server, folder) == []
    assert_whole(folder)
    assert missing_archives(folder, server.expected()) == []
    assert sorted(server.seen) == sorted((name, None) for name in CONTENT)


def test_sha256_unknown_size_and_kept_archives(server: Server, tmp_path: Path) -> None:
    sums = {n: f"SHA256:{hashlib.sha256(d).hexdigest()}" for n, d in server.files.items()}
    get(server, tmp_path, files={n: {"checksum": s} for n, s in sums.items()}, keep_archives=True)
    assert_whole(tmp_path, leftovers=("downloads",))
    kept = {p.name: p.read_bytes() for p in (tmp_path / "downloads").iterdir()}
    assert kept == server.files


def test_cut_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    size = len(server.files[TRAIN])
    server.cuts[TRAIN] = [100_000, 50_000]
    assert get(server, tmp_path) == [1.0, 1.0]  # bytes came each time: no growing wait
    assert_whole(tmp_path)
    ranges = [wanted for name, wanted in server.seen if name == TRAIN]
    starts = [int(wanted.strip("bytes=-")) for wanted in ranges if wanted]
    assert ranges[0] is None
    assert len(starts) == 2
    # At most the unfinished chunk of each cut comes twice.
    assert 99_000 <= starts[0] <= 100_000
    assert starts[0] + 49_000 <= starts[1] <= starts[0] + 50_000
    assert server.sent[TRAIN] == 150_000 + size - starts[1]


def test_next_run_resumes_what_the_last_one_left(server: Server, tmp_path: Path) -> None:
    server.cuts[TRAIN] = [64_000]
    # After the cut, the server is down for the one attempt that is left.
    with pytest.raises(EarmarkError, match="gave up after 1 attempts in a row"):
        get(
            server,
            tmp_path,
            attempts=1,
            wait=lambda seconds: server.statuses.update({TRAIN: [503]}),
        )
    part = tmp_path / "downloads" / f"{TRAIN}.part"
    have = part.stat().st_size
    assert part.read_bytes() == server.files[TRAIN][:have]
    assert have >= 63_000
    server.sent.clear()
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent[TRAIN] == len(server.files[TRAIN]) - have


def test_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts[TRAIN] = [70_000]
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent[TRAIN] == 70_000 + len(server.files[TRAIN])


def test_file_that_changed_meanwhile_is_not_mixed(server: Server, tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / f"{TEST}.part").write_bytes(b"old" * 1000)
    (downloads / f"{TEST}.etag").write_text('"older"')
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert (TEST, "bytes=3000-") in server.seen
    assert server.sent[TEST] == len(server.files[TEST])


def test_weak_tag_guards_no_range(server: Server, tmp_path: Path) -> None:
    server.strong_tags = False
    server.cuts[TEST] = [50_000]
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent[TEST] < len(server.files[TEST]) + 1001


@pytest.mark.parametrize("known", [True, False], ids=["size known", "416"])
def test_complete_part_is_only_verified(server: Server, tmp_path: Path, known: bool) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / f"{TRAIN}.part").write_bytes(server.files[TRAIN])
    files = server.expected()
    files[TRAIN]["bytes"] = files[TRAIN]["bytes"] if known else None
    get(server, tmp_path, files=files)
    assert_whole(tmp_path)
    assert TRAIN not in server.sent


def test_part_longer_than_the_file_starts_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / f"{TRAIN}.part").write_bytes(server.files[TRAIN] + b"more")
    assert get(server, tmp_path) == [2.0]
    assert_whole(tmp_path)


def test_server_errors_are_retried_with_growing_waits(server: Server, tmp_path: Path) -> None:
    server.statuses[META] = [503, 500, 429]
    assert get(server, tmp_path) == [2.0, 4.0, 8.0]
    assert_whole(tmp_path)


def test_gives_up_with_a_sentence(server: Server, tmp_path: Path) -> None:
    server.statuses[META] = [503] * 9
    with pytest.raises(
        EarmarkError, match=r"meta\.zip: gave up after 3 .* answered 503.*run again"
    ):
        get(server, tmp_path, attempts=3)
    assert server.statuses[META] == [503] * 6


def test_no_server_and_no_address(server: Server, tmp_path: Path) -> None:
    waits: list[float] = []
    with Server() as gone:  # its port closes at once
        url = gone.url
    with pytest.raises(EarmarkError, match=r"gave up after 2 attempts.*ConnectionError"):
        fetch(tmp_path, server.expected(), url, attempts=2, wait=waits.append)
    assert waits == [2.0]
    with pytest.raises(EarmarkError, match="no usable address"):
        fetch(tmp_path, server.expected(), "zenodo", wait=waits.append)
    with pytest.raises(EarmarkError, match="answered 404; check the address"):
        get(server, tmp_path, files={"other.zip": {"checksum": "md5:" + "0" * 32}})


def test_wrong_checksum_then_right(server: Server, tmp_path: Path) -> None:
    files, good = server.expected(), server.files[TEST]
    server.files[TEST] = bytes(len(good))
    found = hashlib.md5(server.files[TEST]).hexdigest()
    with pytest.raises(EarmarkError, match=rf"{found}, expected {files[TEST]['checksum']}.*again"):
        get(server, tmp_path, files=files)
    assert [p.name for p in (tmp_path / "downloads").glob(f"{TEST}.part")] == []
    assert not (tmp_path / "FSDKaggle2018.audio_test").exists()
    server.files[TEST] = good
    server.sent.clear()
    get(server, tmp_path, files=files)
    assert_whole(tmp_path)
    assert TRAIN not in server.sent  # what was verified before is not sent again


def test_size_other_than_in_the_config(server: Server, tmp_path: Path) -> None:
    files = server.expected()
    files[TEST]["bytes"] += 1
    with pytest.raises(EarmarkError, match=f"has {len(server.files[TEST])} bytes, the config says"):
        get(server, tmp_path, files=files)


def test_archive_put_there_by_hand(server: Server, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    path = tmp_path / "downloads" / TRAIN
    path.write_bytes(b"something else")
    with pytest.raises(EarmarkError, match=r"expected md5:.*delete it"):
        get(server, tmp_path)
    assert path.read_bytes() == b"something else"
    path.write_bytes(server.files[TRAIN])
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert TRAIN not in server.sent


def record(server: Server, **changes: Any) -> bytes:
    entries = [
        {"key": n, "checksum": e["checksum"], "size": e["bytes"]}
        for n, e in (server.expected() | changes).items()
    ]
    return json.dumps({"id": 2552860, "files": entries}).encode()


def test_checksum_from_the_record(server: Server, tmp_path: Path) -> None:
    server.files["2552860"] = record(server)
    server.statuses["2552860"] = [502]
    files = server.expected() | {TRAIN: {"checksum": None, "bytes": None}}
    options = {"files": files, "record_url": f"{server.url}/2552860"}
    good, server.files[TRAIN] = server.files[TRAIN], b"not what the record says"
    with pytest.raises(EarmarkError, match=hashlib.md5(good).hexdigest()):
        get(server, tmp_path, **options)
    server.files[TRAIN] = good
    get(server, tmp_path, **options)
    assert_whole(tmp_path)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b'{"files": []}', "names no checksum for FSDKaggle2018.audio_train.zip"),
        (b"[]", "names no checksum"),
        (b"<html>", "no usable address or answer"),
        (b'{"files": [{"key": "FSDKaggle2018.audio_train.zip", "checksum": "crc:1"}]}', "crc:1"),
    ],
)
def test_record_that_does_not_help(
    server: Server, tmp_path: Path, answer: bytes, says: str
) -> None:
    server.files["2552860"] = answer
    files = {TRAIN: {"checksum": None, "bytes": None}}
    with pytest.raises(EarmarkError, match=says):
        get(server, tmp_path, files=files, record_url=f"{server.url}/2552860")
    with pytest.raises(EarmarkError, match="no checksum in the config"):
        get(server, tmp_path, files=files)


@pytest.mark.parametrize(
    ("name", "entry", "says"),
    [
        ("../x.zip", {}, "plain file name"),
        ("x.tar", {}, "plain file name"),
        ("x.zip", {"checksum": "md5:12"}, "md5:12.*32 hex digits"),
        ("x.zip", {"checksum": None, "bytes": "many"}, "'many'"),
    ],
)
def test_bad_entries_of_the_config(
    tmp_path: Path, name: str, entry: dict[str, Any], says: str
) -> None:
    with pytest.raises(EarmarkError, match=says):
        fetch(tmp_path, {name: entry}, "http://127.0.0.1:9")


def test_all_there_needs_no_server_and_no_writing(tmp_path: Path) -> None:
    for name, entries in CONTENT.items():
        (tmp_path / name.removesuffix(".zip")).mkdir()
        for inner, data in entries.items():
            (tmp_path / name.removesuffix(".zip") / inner).write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    files = {name: {"checksum": None, "bytes": None} for name in CONTENT}
    fetch(tmp_path, files, "http://127.0.0.1:9", wait=lambda seconds: pytest.fail("waited"))
    assert sorted(tmp_path.rglob("*")) == before


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
    with pytest.raises(EarmarkError, match=r"data: cannot be written \(File exists\)"):
        get(server, tmp_path / "data")
    with pytest.raises(EarmarkError, match=r"data.*cannot be written \(Not a directory\)"):
        get(server, tmp_path / "data" / "deeper")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EarmarkError, match=r"cannot be written.*Permission denied"):
        get(server, tmp_path)


def test_lock_held(server: Server, tmp_path: Path) -> None:
    with (tmp_path / ".fetch.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(EarmarkError, match="another fetch is at work"):
            get(server, tmp_path)
    assert server.seen == []
    get(server, tmp_path)
    assert_whole(tmp_path)


def test_short_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(server.files[TRAIN])
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: usage(2 * size - 1))
    with pytest.raises(EarmarkError, match=rf"GB free, .* GB needed for {TRAIN} and what"):
        get(server, tmp_path)
    assert server.sent.get(TEST) is None
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: usage(2 * size))
    get(server, tmp_path)
    assert_whole(tmp_path)


def test_progress_is_logged_in_tenths(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "earmark"):
        get(server, tmp_path)
    lines = [m for m in caplog.messages if m.startswith(f"Downloading {TRAIN}")]
    assert len(lines) == 10
    assert "10 %" in lines[0]
    assert "100 %" in lines[-1]


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
    parts = {part: tmp_path / f"results/index/{part}.csv" for part in ("train", "test")}
    main(**lists, **{f"index_{part}": str(path) for part, path in parts.items()}, cfg=cfg)
    assert_whole(tmp_path / "set")
    for part, archive, names in (("train", TRAIN, ["000a.wav"]), ("test", TEST, CONTENT[TEST])):
        rows = read_rows(parts[part])
        assert [row["clip"] for row in rows] == sorted(names)
        for row in rows:
            content = CONTENT[archive][row["clip"]]
            assert row["file"] == f"{archive.removesuffix('.zip')}/{row['clip']}"
            assert row["bytes"] == str(len(content))
            assert row["hash"] == hashlib.blake2b(content, digest_size=16).hexdigest()
