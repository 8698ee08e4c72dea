"""YAML as editors and people write it: read, or refused with a sentence."""

from pathlib import Path

import pytest
import yaml

from earmark.dataset import yaml_files
from earmark.runtime.errors import EarmarkError

TEXT = "# Hunde, Möwen\naudio: Töne\nclasses: {groß: [Möwe, 犬], klein: []}\n"
VALUES = {"audio": "Töne", "classes": {"groß": ["Möwe", "犬"], "klein": []}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_with_a_mark_gives_the_same(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "dataset.yaml"
    path.write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert yaml_files.read(path) == VALUES


def test_utf_16_of_other_machines(tmp_path: Path) -> None:
    path = tmp_path / "dataset.yaml"
    path.write_bytes(b"\xfe\xff" + TEXT.encode("utf-16-be"))
    assert yaml_files.read(path) == VALUES


@pytest.mark.parametrize("text", ["", "# nothing\n", "~\n", "---\n"])
def test_a_file_without_keys_has_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(text)
    assert yaml_files.read(path) == {}


SENTENCES = {
    "Latin-1": ("audio: T\xf6ne\n".encode("latin-1"), ("line 1", "0xf6", "UTF-8")),
    "a picture": (b"\x89PNG\r\n\x1a\n", ("0x89", "UTF-8")),
    "UTF-16 without its mark": ("a: b\n".encode("utf-16-le"), ("is not YAML",)),
    "a tab": (b"a:\n\tb: 1\n", ("line 2", "spaces, not tabs")),
    "an open bracket": (b"a: [1\n", ("is not YAML",)),
    "a list": (b"- a\n- b\n", ("has a list", "name: value")),
    "a word": (b"hello\n", ("has a str", "name: value")),
    "two documents": (b"a: 1\n---\na: 2\n", ("is not YAML",)),
    "a key twice": (b"a: 1\nb: 2\na: 3\n", ("line 3", "'a' is there twice")),
    "a key twice, further in": (b"x:\n- {a: {b: 1, b: 2}}\n", ("line 2", "'b' is there twice")),
    "a class called No": (b"classes:\n  No: [a]\n", ("line 2", 'quotes: "No"')),
    "a class called 2023_05": (b"2023_05: [a]\n", ("line 1", 'quotes: "2023_05"')),
    "a day that is none": (b"name: 2023-13-01\n", ("month must be in 1..12", "quotes")),
    "code": (b"a: !!python/object/apply:os.system [ls]\n", ("is not YAML",)),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_no_yaml_of_keys_gets_a_sentence(tmp_path: Path, name: str) -> None:
    content, words = SENTENCES[name]
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(EarmarkError) as caught:
        yaml_files.read(path)
    told = str(caught.value)
    assert str(path) in told
    assert len(told.splitlines()) == 1
    assert len(told) < 700
    for word in words:
        assert word in told


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for path in (tmp_path, tmp_path / "absent.yaml", tmp_path / "loop.yaml"):
        with pytest.raises(EarmarkError, match="cannot be read"):
            yaml_files.read(path)


def test_keys_that_are_merged_may_be_replaced(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {c: [&b {<<: *a, x: 3}]}\nd: {<<: *b, y: 4}\nf: [*b, *b]\n"
    path = tmp_path / "merged.yaml"
    path.write_text(text)
    assert yaml_files.read(path) == yaml.safe_load(text)
    assert yaml_files.read(path)["d"] == {"x": 3, "y": 4}


def test_many_aliases_of_one_node_are_looked_at_once(tmp_path: Path) -> None:
    # Each level has ten times as many places as the one before.
    levels = ["a0: &a0 {x: 1}"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    path = tmp_path / "laughs.yaml"
    path.write_text("\n".join(levels))
    assert len(yaml_files.read(path)) == 40
