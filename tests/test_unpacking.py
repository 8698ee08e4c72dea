"""Archives that must not be unpacked, and what is left of an unpacking that was cut short."""

import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import bad_archives
import pytest
from archive_server import (
    CONTENT,
    LISTS,
    META,
    TEST,
    Server,
    assert_whole,
    get,
    layout,
    make_zip,
    refused,
)
from corpus import Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.dataset import unpacking
from earmark.dataset.layout import missing_archives
from earmark.runtime.errors import EarmarkError

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.mark.parametrize("kind", bad_archives.KINDS, ids=str)
def test_every_kind_of_the_corpus(server: Server, tmp_path: Path, kind: Kind) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = outside / "deep" / "data"
    data = kind.spoil(layout(TEST))
    if kind.expected == bad_archives.WORKS:
        server.files[TEST] = data
        get(server, folder)
        assert_whole(folder)
        return
    sentence = refused(server, folder, TEST, data, max_unpacked_bytes=2_000_000)
    assert kind.expected in sentence
    assert sentence.isprintable()
    assert len(sentence) < 800
    # Nothing was written elsewhere, and the archives before it are whole or waiting.
    assert [path.name for path in outside.iterdir()] == ["deep"]
    assert [path.name for path in folder.parent.iterdir()] == ["data"]
    del server.files[TEST]
    assert TEST in missing_archives(folder, CONTENT)


def test_the_corpus_is_large_and_its_names_differ() -> None:
    names = [kind.name for kind in bad_archives.KINDS]
    assert len(set(names)) == len(names) >= 20


@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6
    ),
    tail=st.booleans(),
)
@settings(max_examples=300)
def test_a_garbled_archive_unpacks_to_what_it_was_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]], tail: bool
) -> None:
    content = {"a.wav": b"sound" * 20, "b/c.wav": b"noise" * 30}
    data = bytearray(make_zip([(f"set/{n}", d) for n, d in content.items()], zipfile.ZIP_DEFLATED))
    directory = data.index(b"PK\1\2") if tail else 0  # where most of the facts stand
    for place, value in changes:
        data[directory + int(place * (len(data) - directory))] = value
    folder = tmp_path_factory.mktemp("garbled")
    (folder / "set.zip").write_bytes(data)
    try:
        unpacking.unpack(folder / "set.zip", folder, 10_000)
    except EarmarkError as problem:
        sentence = str(problem)
        left = {"set.zip"}
    else:
        sentence = ""
        left = {"set.zip", "set"}
        # Its name may have changed, its bytes not: they have a checksum.
        written = [path.read_bytes() for path in (folder / "set").rglob("*") if path.is_file()]
        assert all(found in (*content.values(), b"") for found in written)
    assert sentence.isprintable()
    assert {path.name for path in folder.iterdir()} == left


def test_bytes_are_on_disk_before_the_folder_has_its_name(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(
        unpacking.os, "sync", lambda: seen.append(sorted(path.name for path in tmp_path.iterdir()))
    )
    get(server, tmp_path)
    assert len(seen) == len(CONTENT)
    for names in seen:
        unfinished = [name for name in names if name.endswith(".unpacking")]
        assert len(unfinished) == 1
        assert unfinished[0].removesuffix(".unpacking") not in names


def test_archive_of_something_else(server: Server, tmp_path: Path) -> None:
    data = make_zip([(f"FSDKaggle2018.meta/{LISTS[1]}", b"fname\n")])
    assert f"holds no {LISTS[0]}" in refused(server, tmp_path, META, data)
    assert "holds no files" in refused(server, tmp_path / "other", TEST, make_zip([]))


def test_zip_without_top_folder_and_with_extras(server: Server, tmp_path: Path) -> None:
    entries = [(n, data) for n, data in CONTENT[TEST].items()]
    server.files[TEST] = make_zip([("__MACOSX/._110b.wav", b"fork"), *entries])
    get(server, tmp_path)
    assert_whole(tmp_path)


def test_interrupted_unpacking_recovers(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = unpacking._write_member, 0

    def stop_at_fourth(*args: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(unpacking, "_write_member", stop_at_fourth)
    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path)
    assert missing_archives(tmp_path, CONTENT) == list(CONTENT)
    # A kill leaves the temporary folder behind as well.
    work = tmp_path / "FSDKaggle2018.audio_train.unpacking"
    work.mkdir()
    (work / "000a.wav").write_bytes(b"half")
    (work / "stray.wav").write_bytes(b"stray")
    server.sent.clear()
    get(server, tmp_path)
    assert_whole(tmp_path)
    assert server.sent == {}  # the verified zips were still there


def test_short_disk_for_unpacking(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    data = make_zip([("FSDKaggle2018.audio_test/a.wav", bytes(900_000))], zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: usage(850_000))
    assert "GB needed for unpacking" in refused(server, tmp_path, TEST, data)
