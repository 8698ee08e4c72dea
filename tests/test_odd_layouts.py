"""Odd folders and lists: each is read as meant, or has a sentence that says what to do."""

import logging
import os
import re
from pathlib import Path
from typing import Any

import odd_layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_kinds import LIST, Kind

from earmark.dataset import description, guessing, index, survey
from earmark.dataset.layout import Layout
from earmark.runtime.errors import EarmarkError


def facts(layout: Layout) -> dict[str, Any]:
    """What a layout's lists and folders say, as `layout_kinds` writes it; nothing that is empty."""
    clips = index.read_lists(layout)
    found: dict[str, Any] = {
        "train": {clip.clip: clip.label for clip in clips.train},
        "test": [clip.clip for clip in clips.test],
        "folds": {clip.clip: clip.fold for clip in clips.train if clip.fold},
        "recordings": {c.clip: c.recording for c in clips.train if c.recording != c.clip},
        "parts": {c.clip: (c.file, c.start, c.end) for c in clips.train if c.start or c.end},
        "unverified": [clip.clip for clip in clips.train if not clip.verified],
        "absent": [c.clip for c in clips.train if not (layout.train.audio / c.file).is_file()],
    }
    if layout.test:
        assert all((layout.test.audio / clip.file).is_file() for clip in clips.test)
    return {name: value for name, value in found.items() if value}


def layout_in(path: Path, init: bool) -> tuple[Layout, dict[str, Any]]:
    """A data set by `earmark init` or as a run reads it, and its facts."""
    if not init:
        layout = guessing.layout_of(path)
        return layout, facts(layout)
    layout, others = guessing.guess(path)
    names = {"others": [one.name for one in others]} if others else {}
    return layout, {**facts(layout), **names}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


def dataset_of(kind: Kind, folder: Path) -> Path:
    try:
        return kind.write(folder)
    except OSError as problem:
        pytest.skip(f"the file system takes no such names ({problem})")


@pytest.mark.parametrize("kind", odd_layouts.KINDS, ids=str)
def test_every_kind(tmp_path: Path, kind: Kind) -> None:
    path = dataset_of(kind, tmp_path / "set")
    if isinstance(kind.expected, str):
        with pytest.raises(EarmarkError) as caught:
            layout_in(path, kind.init)
        assert kind.expected in str(caught.value)
        assert all(len(line) < 800 and line.isprintable() for line in str(caught.value).split("\n"))
        return
    layout, found = layout_in(path, kind.init)
    assert found == kind.expected
    assert list(found["train"]) == list(kind.expected["train"])
    if kind.init:
        with pytest.raises(EarmarkError, match="Run `earmark init"):
            guessing.layout_of(path)
    # A dataset.yaml of it, beside the sounds or elsewhere, says the same.
    found.pop("others", None)
    for folder in (layout.folder, tmp_path / "elsewhere"):
        folder.mkdir(exist_ok=True)
        (folder / "dataset.yml").unlink(missing_ok=True)
        description.write(layout, folder / description.NAME)
        assert facts(guessing.layout_of(folder)) == found


def test_there_are_many_kinds_with_names_of_their_own() -> None:
    assert len({kind.name for kind in odd_layouts.KINDS}) == len(odd_layouts.KINDS) >= 40


def test_where_labels_are_in_the_test_list_or_folders_they_are_the_truth(tmp_path: Path) -> None:
    for name, sounds, has_truth in (
        ("labels", "train/dog/1.wav train/cat/2.wav test/dog/3.wav", True),
        ("none", "train/dog/1.wav train/cat/2.wav test/3.wav", False),
    ):
        folder = tmp_path / name
        layout = guessing.layout_of(Kind(name, sounds, "").write(folder))
        assert layout.has_truth == has_truth


def test_sounds_that_are_no_clips_are_told(tmp_path: Path, told: Any) -> None:
    beside = Kind("", "dog/1.wav cat/2.wav intro.wav dog/Thumbs.db", "").write(tmp_path / "beside")
    listed = Kind("", "a.wav b.wav c.wav", "", {"l.csv": LIST}, "l.csv")
    for path in (beside, listed.write(tmp_path / "listed")):
        layout = guessing.layout_of(path)
        index.warn_of_unlisted(layout, index.build(layout))
    assert re.findall(r"(\d+) files in .* are in (.*) and .* such as (.*)\.", told.text) == [
        ("1", "no folder of a class", "intro.wav"),
        ("1", "no list", "c.wav"),
    ]


def test_files_are_relative_to_the_data_set_wherever_their_list_is(tmp_path: Path) -> None:
    text = "path,label\n../audio/x/a.wav,dog\n../audio/b.wav,cat\n"
    sounds = "audio/x/a.wav audio/b.wav"
    for place in ("mine/list.csv", "meta/list.csv"):
        folder = tmp_path / place[:4]
        path = Kind("", sounds, "", {place: text}, place).write(folder)
        rows = index.build(guessing.layout_of(path)).train
        assert not [row.file for row in rows if os.path.isabs(row.file)]


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Kind("", "dog/1.wav cat/2.wav cat/x/3.wav", "").write(tmp_path / "set")
    scandir = os.scandir

    def denied(path: str) -> Any:
        if path.endswith("x"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    layout = guessing.layout_of(folder)
    built = index.build(layout)
    assert [row.clip for row in built.train] == ["cat/2.wav", "dog/1.wav"]
    index.warn_of_unlisted(layout, built)
    assert f"{folder}/cat/x" in told.text
    problems = survey.survey(layout).problems
    assert f"{folder}/cat/x" in problems["clip"].tolist()


# What lists, dataset.yaml and the names of files and folders are made of.
PIECES = st.sampled_from(
    [
        *("file", "label", "split", "fold", "verified", "start", "end", "recording", "1", "0", "2"),
        *("a.wav", "b", "dog/a.wav", "..", "/", "train", "test", "dog", "cat", "dog;cat", "'", '"'),
        *(
            ",",
            ",",
            ",",
            ";",
            "\t",
            "\n",
            "\n",
            "\n",
            ": ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "\ufeff",
            "\0",
        ),
        *("audio: .\n", "list: list.csv\n", "columns: ", "folders: ", "test: ", "[label]", "\\"),
    ]
)
TEXTS = st.one_of(
    st.binary(max_size=60),
    st.lists(PIECES, max_size=25).map("".join).map(str.encode),
    st.lists(PIECES, max_size=25).map(lambda some: ("file,label\n" + "".join(some)).encode()),
    st.lists(PIECES, max_size=25).map(lambda some: ("audio: .\n" + "".join(some)).encode()),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garbled")
    Kind("", "dog/a.wav cat/b.wav", "").write(folder)
    return folder


@given(text=TEXTS, name=st.sampled_from(["list.csv", "dataset.yaml"]))
@settings(max_examples=300)
def test_garbled_lists_and_descriptions_are_read_or_refused(
    scratch: Path, text: bytes, name: str
) -> None:
    path = scratch / name
    path.write_bytes(text)
    sentence = ""
    try:
        clips = index.read_lists(guessing.layout_of(path)).train
    except EarmarkError as problem:
        sentence = str(problem)
    else:
        assert clips
        assert all(clip.label.strip() == clip.label != "" for clip in clips)
        assert len({clip.clip for clip in clips}) == len(clips)
    assert all(line.isprintable() for line in sentence.split("\n"))
