"""Bundles: whole or not there, and a sentence for what is damaged, foreign or newer."""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundles
import pytest

from earmark import Tagger
from earmark.runtime.errors import EarmarkError
from earmark.tagging import bundle


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.make(tmp_path_factory.mktemp("bundle"), ("stft", "raw"), "power", folds=2)


@pytest.fixture
def copy(tmp_path: Path, made: Path) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def edit(folder: Path, change: Callable[[dict[str, Any]], object], checksum: bool = True) -> None:
    """Change tagger.json, with a checksum as if a program had written it so."""
    path = folder / bundle.DESCRIPTION
    described = json.loads(path.read_text())
    change(described)
    if checksum:
        described["checksums"][bundle.DESCRIPTION] = bundle._checksum(described)
    path.write_text(json.dumps(described))


def test_what_is_written_is_read(made: Path) -> None:
    found = bundle.read(made)
    names = [f"{kind}_fold{fold}.safetensors" for kind in ("raw", "stft") for fold in (0, 1)]
    assert sorted(os.listdir(made)) == sorted(["README.md", "tagger.json", *names])
    assert found.classes == bundles.CLASSES
    assert found.combination.members == ["stft", "raw"]
    assert found.systems["raw"].weights == names[:2]
    assert found.features["stft"]["bins"] == 64
    assert oct(os.stat(made / names[0]).st_mode) == oct(os.stat(made / "README.md").st_mode)


def test_a_file_that_is_missing_or_not_as_written(copy: Path) -> None:
    for name in os.listdir(copy):
        path = copy / name
        content = path.read_bytes()
        place = random.Random(name).randrange(len(content))
        changes = [
            content[:-2],
            b"",
            bytes([*content[:place], content[place] ^ 1]) + content[place + 1 :],
        ]
        for changed in changes:
            path.write_bytes(changed)
            with pytest.raises(EarmarkError, match="copy"):
                bundle.read(copy)
        path.unlink()
        with pytest.raises(EarmarkError, match=name if name != "tagger.json" else "no bundle"):
            bundle.read(copy)
        path.write_bytes(content)
    bundle.read(copy)


def put(*keys: str | int, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(described: dict[str, Any]) -> None:
        for key in keys[:-1]:
            described = described[key]
        described[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("classes", value="abc"),
        put("classes", value=[]),
        put("classes", value=["a", 5]),
        put("classes", value=["a", "b"]),  # the weights have five
        put("longest_seconds", value=None),
        put("combination", "kind", value="best"),
        put("combination", "kind", value="weighted"),  # without scores
        put("combination", "exponent", value="big"),
        put("combination", "members", value=["other"]),
        put("combination", "members", value=[]),
        put("combination", "more", value=1),
        put("systems", value=[]),
        put("systems", "raw", "feature", value="mel"),
        put("systems", "raw", "feature", value=["raw"]),
        put("systems", "raw", "weights", value=["../models/raw_fold0.safetensors"]),
        put("systems", "raw", "weights", value=["stft_fold0.safetensors"]),
        put("systems", "raw", "temperature", value=0),
        put("systems", "raw", "network", value="os.system"),
        put("systems", "raw", "network", value=None),
        put("systems", "raw", "network_options", value={"width": 10**9}),
        put("systems", "raw", "recipe", value={}),
        put("systems", "raw", "recipe", "crop_frames", value="many"),
        put("systems", "raw", "more", value=1),
        put("features", "raw", "kind", value="posix"),
        put("features", "raw", "sample_rate", value="8000"),
        put("features", "stft", "bins", value=-3),
        put("features", "stft", "hop_samples", value=0),
        put("checksums", "../../etc/passwd", value="00"),
        *(put("format", value=value) for value in (None, "1", 0, -1, True, 1.0, [1])),
    ],
)
def test_entries_that_do_not_fit(copy: Path, change: Callable[[dict[str, Any]], object]) -> None:
    edit(copy, change)
    with pytest.raises(EarmarkError, match="copy"):
        Tagger.load(copy, "cpu")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        *(
            ({"device": device}, f"'{device}'.* only auto, cpu")
            for device in ("gpu", "", "cuda:99")
        ),
        *(({"threads": threads}, "whole number") for threads in (-1, 0, 1.5)),
    ],
)
def test_a_device_that_is_not_there_is_no_damage(
    made: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(EarmarkError, match=words):
        Tagger.load(made, **given)


def test_a_newer_and_a_foreign_bundle(copy: Path, tmp_path: Path) -> None:
    edit(copy, lambda described: described.update(format=4, new={}))
    with pytest.raises(EarmarkError, match="newer"):
        bundle.read(copy)
    for text in ('{"model_type": "wav2vec2"}', "[1, 2]", "not json", '{"format": "1"}'):
        (copy / "tagger.json").write_text(text)
        with pytest.raises(EarmarkError, match="copy"):
            bundle.read(copy)
    with pytest.raises(EarmarkError, match=r"no bundle.*results/demo/tagger"):
        bundle.read(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_card_that_is_no_text(copy: Path, content: bytes | None) -> None:
    (copy / bundle.CARD).unlink()
    if content:
        (copy / bundle.CARD).write_bytes(content)
    edit(copy, lambda described: described["checksums"].pop(bundle.CARD))
    with pytest.raises(EarmarkError, match="damaged"):
        bundle.read_card(copy)


def test_another_bundle_takes_the_place_of_one(copy: Path, made: Path) -> None:
    found = bundle.read(made)
    one = replace(found, name="other", systems={"raw": found.systems["raw"]})
    one = replace(one, combination=replace(one.combination, members=["raw"]))
    weights = {name: made / name for name in found.systems["raw"].weights}
    bundle.write(copy, one, weights, "# Other\n")
    assert bundle.read(copy).name == "other"
    assert bundle.read_card(copy) == "# Other\n"
    assert sorted(os.listdir(copy)) == sorted(["README.md", "tagger.json", *weights])
    assert os.listdir(copy.parent) == ["copy"]


def test_a_write_that_fails_leaves_no_bundle(copy: Path, made: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        bundle.write(copy, bundle.read(made), {"stft_fold0.safetensors": made / "absent"}, "")
    with pytest.raises(EarmarkError, match="no bundle"):
        bundle.read(copy)


def test_one_of_before_there_was_a_shortest_length_opens(copy: Path) -> None:
    edit(copy, lambda described: [described.pop(key) for key in ("shortest_seconds", "versions")])
    assert bundle.read(copy).shortest_seconds == 0
