"""`earmark init`: what is in a folder, what is wrong with it, and the dataset.yaml."""

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from tiny import make_set, read_rows, tone, write_rows

from earmark.dataset import guessing, index
from earmark.runtime.errors import EarmarkError
from earmark.tagging.command_line import main


def write_sound(path: Path, seed: int, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(300, seconds, seed=seed), 8000, subtype="PCM_16")


def per_class(folder: Path) -> Path:
    """Three classes in six clips: two with one content, one alone in its class, one no sound."""
    for seed, name in enumerate(("dog/1.wav", "dog/2.wav", "cat/3.wav", "cat/4.wav", "owl/5.wav")):
        write_sound(folder / name, seed)
    shutil.copy(folder / "dog/1.wav", folder / "cat/6.wav")
    (folder / "dog/7.wav").write_text("no sound")
    write_sound(folder / "intro.wav", 9)
    return folder


def test_a_folder_per_class(tmp_path: Path, capsys: Any) -> None:
    folder = per_class(tmp_path / "sounds")
    main(["init", str(folder)])
    printed = capsys.readouterr().out
    for part in ("7 to learn from, 0 test clips", "3: cat (3), dog (3), owl (1)", "7 of 7"):
        assert part in printed
    assert "8000 Hz, 1 ch (6)" in printed
    problems = read_rows(folder / "dataset_problems.csv")
    found = {(row["kind"].split(":")[0], row["clip"]) for row in problems}
    assert found == {
        ("not a sound file", "dog/7.wav"),
        ("same content with two labels", "cat/6.wav"),
        ("class with one clip", "owl/5.wav"),
        ("sound file that is no clip", "intro.wav"),
    }
    assert f"dataset={folder}" in printed
    # A run reads what was written, and its own list of problems is no list of clips.
    described = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    assert described == {"audio": ".", "folders": ["label"]}
    (folder / "dataset.yaml").unlink()
    assert guessing.layout_of(folder).train.folders == ("label",)


@pytest.mark.parametrize("name", ["a\rb.wav", "\udcff.wav"])
def test_problems_have_the_names_of_files(tmp_path: Path, name: str) -> None:
    shutil.copy(per_class(tmp_path) / "intro.wav", tmp_path / name)
    main(["init", str(tmp_path)])
    path = tmp_path / "dataset_problems.csv"
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert name in [row["clip"] for row in csv.DictReader(file)]


def test_what_is_there_is_not_overwritten(tmp_path: Path, capsys: Any) -> None:
    folder = per_class(tmp_path / "sounds")
    path = folder / "dataset.yaml"
    path.write_text("audio: .\nfolders: [label]\n# mine\n")
    (folder / "list.csv").write_text("file,label\n")
    main(["init", str(folder)])
    assert f"This is what {path} says" in capsys.readouterr().out
    assert "# mine" in path.read_text()
    with pytest.raises(SystemExit, match="was not changed"):
        main(["init", str(folder / "list.csv"), "--output", str(path)])
    main(["init", str(folder), "--output", str(tmp_path / "own/dataset.yaml")])
    assert f"dataset={tmp_path / 'own'}" in capsys.readouterr().out
    elsewhere = index.read_lists(guessing.layout_of(tmp_path / "own"))
    assert elsewhere == index.read_lists(guessing.layout_of(folder))
    main(["init", str(folder), "--force"])
    assert "# mine" not in path.read_text()


def test_a_list_with_parts_folds_and_mistakes(tmp_path: Path, capsys: Any) -> None:
    write_sound(tmp_path / "audio/a.wav", 1, seconds=2.0)
    write_sound(tmp_path / "audio/b.wav", 2)
    rows = [
        ("a.wav", "dog", 0, 1, 1),
        ("a.wav", "cat", 1.5, 2.5, 2),
        ("b.wav", "dog", "", "", 2),
        ("d.wav", "dog;cat", "", "", 1),
        ("c.wav", "cat", "", "", 1),
    ]
    path = tmp_path / "clips.csv"
    write_rows(path, ("file", "label", "start", "end", "fold"), rows)
    main(["init", str(path)])
    printed = capsys.readouterr().out
    assert "official: 1 (2), 2 (2)" in printed
    problems = read_rows(tmp_path / "dataset_problems.csv")
    kinds = {row["kind"].split(":")[0] for row in problems}
    assert {"label", "listed, but missing", "part beyond the end of its file"} <= kinds
    assert "one recording in two folds" in kinds
    assert any("line 5" in row["clip"] for row in problems)


def test_a_challenge_needs_no_dataset_yaml(tmp_path: Path, capsys: Any) -> None:
    made = make_set(tmp_path / "set", ["Bark", "Cello"], truth=True)
    main(["init", str(made.folder)])
    assert "needs no dataset.yaml" in capsys.readouterr().out
    assert not (made.folder / "dataset.yaml").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none", "There is no"),
        (".", "no sound files"),
        ("x.zip", "Name its folder: earmark init"),
        ("pipe.csv", "neither"),
        ("pipe.txt", "neither"),
    ],
)
def test_what_cannot_be_looked_at(tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    for name in ("pipe.csv", "pipe.txt"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(SystemExit, match=words):
        main(["init", str(tmp_path / path)])


def test_a_clip_in_train_and_test(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label, seed in (("dog", 1), ("cat", 2)):
            write_sound(tmp_path / split / label / f"{split}.wav", seed)
    main(["init", str(tmp_path)])
    problems = read_rows(tmp_path / "dataset_problems.csv")
    kinds = [row["kind"] for row in problems]
    assert kinds.count("same content in train and test") == 2


def test_silence_is_no_leak_of_anything(tmp_path: Path) -> None:
    for name in ("dog/1.wav", "cat/2.wav"):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, np.zeros(0), 8000)
    main(["init", str(tmp_path)])


def test_a_list_that_has_only_its_header_is_named(tmp_path: Path, capsys: Any) -> None:
    write_sound(tmp_path / "a.wav", 1)
    write_rows(tmp_path / "clips.csv", ("file", "label"), [])
    main(["init", str(tmp_path / "clips.csv"), "--output", str(tmp_path / "b.yaml")])
    first = capsys.readouterr().out.split("Wrote")[0]
    assert first.count(f"{tmp_path / 'clips.csv'}") == 2
    with pytest.raises(EarmarkError, match=r"clips\.csv"):
        index.read_lists(guessing.layout_of(tmp_path / "b.yaml"))


def test_a_list_of_which_no_row_can_be_used(tmp_path: Path, capsys: Any) -> None:
    folder = per_class(tmp_path / "sounds")
    rows = [("dog/1.wav", "dog", "ja"), ("cat/3.wav", "cat", "nein")]
    write_rows(folder / "clips.csv", ("file", "label", "verified"), rows)
    main(["init", str(folder / "clips.csv")])
    printed = capsys.readouterr().out
    assert "No clip can be used" in printed
    assert "Mend what stops a run" in printed
    assert [row["stops"] for row in read_rows(folder / "dataset_problems.csv")] == ["1", "1"]
    # Mended, and what is written can be looked at again: the list of problems goes.
    write_rows(folder / "clips.csv", ("file", "label"), [row[:2] for row in rows])
    main(["init", str(folder / "clips.csv"), "--force"])
    main(["init", str(folder / "dataset.yaml")])
    kinds = {row["kind"] for row in read_rows(folder / "dataset_problems.csv")}
    assert kinds == {"class with one clip", "sound file that is no clip"}


@pytest.mark.parametrize("name", ["x.txt", "x"])
def test_an_output_that_no_run_would_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=r"ends in \.yaml"):
        main(["init", str(per_class(tmp_path / "sounds")), "-o", str(tmp_path / name)])
    assert not (tmp_path / name).exists()
