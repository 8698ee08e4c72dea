"""What is said of a file that is no sound file, and of one that is not there."""

import os
from pathlib import Path

import bad_audio
import pytest

from earmark.dataset import audio, other_files


@pytest.mark.parametrize(
    ("kind", "what", "remedy"),
    [
        ("a Git LFS pointer", "Git LFS", "git lfs pull"),
        ("a git-annex pointer", "git-annex", "git annex get"),
        ("M4A", "M4A", "ffmpeg"),
        ("an MP4 video", "MP4", "ffmpeg"),
        ("WMA", "WMA", "ffmpeg"),
        ("WebM", "WebM", "ffmpeg"),
        ("AAC", "AAC", "ffmpeg"),
        ("AMR", "AMR", "ffmpeg"),
        ("an error page", "web page", "download"),
        ("a zip", "zip", "unpack"),
        ("a gzip", "gzip", "unpack"),
        ("no bytes", "no bytes", ""),
        ("text", "not a sound file", ""),
        ("random bytes", "not a sound file", ""),
    ],
)
def test_what_a_file_is_and_what_to_do(tmp_path: Path, kind: str, what: str, remedy: str) -> None:
    content = next(each for each in bad_audio.KINDS if each.name == kind).spoil()
    (tmp_path / "a.wav").write_bytes(content)
    problem = audio.inspect(tmp_path / "a.wav", 0.05, 10.0).problem
    assert what in problem
    assert remedy in problem


@pytest.mark.parametrize("begin", ["<html>", "<!DOCTYPE HTML>", "\ufeff\n <html lang", "<?xml "])
def test_pages_however_they_begin(tmp_path: Path, begin: str) -> None:
    (tmp_path / "a.wav").write_text(f"{begin}<p>Not found</p>", encoding="utf-8")
    assert "web page" in other_files.kind_of(tmp_path / "a.wav")[0]


def test_links_that_do_not_lead_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "nowhere.wav").symlink_to("gone/clip.wav")
    (tmp_path / "chain.wav").symlink_to("nowhere.wav")
    (tmp_path / "folder").symlink_to("unmounted")
    (tmp_path / "annex.wav").symlink_to("../.git/annex/objects/Wx/0a/MD5E-s88--0a1b.wav")
    (tmp_path / "self.wav").symlink_to("self.wav")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    problems = {
        "nowhere.wav": "a link that leads nowhere (gone/clip.wav)",
        "chain.wav": "a link that leads nowhere (nowhere.wav)",
        "folder/a.wav": "a link that leads nowhere (unmounted)",
        "annex.wav": "git annex get",
        "self.wav": "a loop of links",
        "one/a.wav": "a loop of links",
        "none.wav": "there is no such file",
        "none/a.wav": "there is no such file",
    }
    for name, problem in problems.items():
        for facts in (audio.inspect(tmp_path / name, 0.05, 10.0), audio.header(tmp_path / name)):
            assert facts.status == "absent"
            assert problem in facts.problem, name


@pytest.mark.parametrize(
    ("missing", "meant", "reason"),
    [
        ("a.WAV", "a.wav", "write names"),
        ("A", "a.wav", "write names"),
        ("1", "00000001.wav", "leading zeros"),
        ("1.wav", "00000001.wav", "leading zeros"),
        ("1.0", "00000001.wav", "leading zeros"),  # as pandas writes it beside an empty cell
        ("0", "000.wav", "leading zeros"),
        ("0012", "12.wav", "write names"),
        ("b.wav", None, ""),
        ("2", None, ""),
        ("a.wav/1", None, ""),
    ],
)
def test_similar_files(tmp_path: Path, missing: str, meant: str | None, reason: str) -> None:
    for name in ("a.wav", "00000001.wav", "00000002a.wav", "000.wav", "12.wav"):
        (tmp_path / name).touch()
    similar = other_files.similar_file(tmp_path / missing)
    assert similar.startswith(f" There is {meant}: {reason}" if meant else "")
    assert bool(similar) == bool(meant)


def test_a_folder_is_listed_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    plain = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or plain(path))
    for number in range(300):
        assert other_files.similar_file(tmp_path / f"{number}.wav") == ""
    assert listed == [tmp_path]
    (tmp_path / "007.wav").touch()
    os.utime(tmp_path, (1, 1))
    assert "There is 007.wav" in other_files.similar_file(tmp_path / "7.wav")
