"""Whole sounds are heard whole, whatever their headers say, and what is cut of them is told."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
import whole_sounds
from bad_audio import KINDS, encoded
from tiny import tone

from earmark.dataset import audio, decoding
from earmark.dataset.sound_files import is_sound
from earmark.runtime.errors import EarmarkError

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg: make services")


def made(folder: Path, ending: str, seconds: float = 3.0, rate: int = 22050) -> Path:
    """A sound coded by ffmpeg: a sweep of which each moment is like no other."""
    times = np.arange(round(seconds * rate)) / rate
    source = folder / "source.wav"
    source.write_bytes(encoded(0.5 * np.sin(2 * np.pi * (300 + 400 * times) * times), rate))
    target = folder / f"made.{ending}"
    command = ["ffmpeg", "-y", "-v", "error", "-i", source, "-movflags", "faststart", target]
    subprocess.run(command, check=True)
    return target


def test_what_libsndfile_writes_is_heard_whole_and_cuts_are_told(tmp_path: Path) -> None:
    sounds = [*whole_sounds.by_libsndfile(), *whole_sounds.with_wrong_headers()]
    assert len(sounds) > 150
    assert whole_sounds.faults(sounds, tmp_path) == []


@needs_ffmpeg
@pytest.mark.parametrize("ending", ["m4a", "webm", "wma", "caf"])
def test_parts_of_what_ffmpeg_decodes_are_slices_of_the_whole(tmp_path: Path, ending: str) -> None:
    path = made(tmp_path, ending)
    rate = audio.header(path).sample_rate
    whole = audio.load(path, rate)
    for start, end in ((0.0, 1.0), (0.5, 1.25), (2.0, 2.5), (1.001, 1.503)):
        part = audio.load(path, rate, start=start, end=end)
        assert np.array_equal(part, whole[round(start * rate) : round(end * rate)])
        assert audio.inspect(path, 0.05, 10.0, start, end).status == "ok"
    assert audio.inspect(path, 0.05, 10.0, 2.0, 9.0).status == "truncated"
    assert audio.inspect(path, 0.05, 1.0).status == "too_long"
    # The same sound, at most some frames later.
    source = audio.load(tmp_path / "source.wav", rate)
    alike = scipy.signal.correlate(whole, source).max()
    assert alike > 0.9 * np.linalg.norm(whole) * np.linalg.norm(source)


@needs_ffmpeg
def test_a_file_is_decoded_once_for_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, "m4a")
    commands = []
    plain = subprocess.run

    def counted(command: list[str], **options: object) -> object:
        commands.append(command)
        return plain(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    for start in (0.0, 1.0, 0.5, 2.0):
        audio.load(path, 8000, start=start, end=start + 0.5)
    assert len(commands) == 1
    # Another content under the name is another file.
    shutil.copy(made(tmp_path, "webm"), path)
    commands.clear()
    assert audio.inspect(path, 0.05, 10.0).format == "matroska by ffmpeg"
    assert len(commands) == 1


@pytest.mark.parametrize("begin", [b"\0\0\0\x1cftypM4A ", b"\x1a\x45\xdf\xa3", b"#!AMR\n"])
def test_without_ffmpeg_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (tmp_path / "a").write_bytes(begin + bytes(999))
    facts = audio.inspect(tmp_path / "a", 0.05, 10.0)
    assert facts.status == "unreadable"
    assert "install the program ffmpeg" in facts.problem


@needs_ffmpeg
def test_a_full_disk_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, "m4a")
    full = open("/dev/full", "w+b", buffering=0)  # noqa: SIM115
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
    with full, pytest.raises(EarmarkError, match="Free disk space"):
        audio.inspect(path, 0.05, 10.0)


@needs_ffmpeg
@pytest.mark.parametrize(
    "content",
    [
        b"ffconcat version 1.0\nfile 'source.wav'\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsource.wav\n#EXT-X-ENDLIST\n",
        b"\0\0\0\x1cftypM4A \0\0\x02\0ffconcat version 1.0\nfile 'source.wav'\n",
        b"\0\0\0\x10ftypM4A \0\0\x02\0#EXTM3U\n#EXTINF:3,\nsource.wav\n",
    ],
)
def test_no_content_makes_ffmpeg_open_another_file(tmp_path: Path, content: bytes) -> None:
    made(tmp_path, "m4a")
    (tmp_path / "a.m4a").write_bytes(content)
    assert audio.inspect(tmp_path / "a.m4a", 0.05, 10.0).status in ("not_audio", "unreadable")


@needs_ffmpeg
def test_names_that_ffmpeg_could_take_for_something_else(tmp_path: Path) -> None:
    content = made(tmp_path, "m4a").read_bytes()
    for name in ("-i", "http:a.m4a", "%d.m4a", "a:b|c.m4a", "é \n.m4a"):
        (tmp_path / name).write_bytes(content)
        assert audio.inspect(tmp_path / name, 0.05, 10.0).status == "ok", name


def test_what_comes_before_damage_is_heard_to_the_frame(tmp_path: Path) -> None:
    rate = 22050
    for format in ("FLAC", "MP3"):
        content = encoded(tone(440.0, 8.0, rate), rate, format, None)
        if format == "MP3":
            content = content[content.index(content[:2], 4) :]  # without the count of its frames
        (tmp_path / "whole").write_bytes(content)
        (tmp_path / "cut").write_bytes(content[: round(0.8 * len(content))])
        whole = audio.load(tmp_path / "whole", rate)
        heard = audio.load(tmp_path / "cut", rate, cut=True)
        assert np.array_equal(heard, whole[: len(heard)])
        # A frame has 4096 samples, or 576; sizes of frames differ a little.
        assert 0.75 * len(whole) < len(heard) < 0.85 * len(whole)


def test_parts_after_a_hole_are_told(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == "OGG Vorbis with a hole")
    (tmp_path / "a").write_bytes(kind.spoil())
    assert audio.inspect(tmp_path / "a", 0.05, 10.0, 0.0, 2.0).status == "ok"
    late = audio.inspect(tmp_path / "a", 0.05, 10.0, 6.0, 7.0)
    assert (late.status, "hole" in late.problem) == ("truncated", True)


def test_of_streams_that_follow_one_another_it_is_said_that_one_is_heard(tmp_path: Path) -> None:
    one = encoded(tone(440.0, 1.0, 48000), 48000, "OGG", "VORBIS")
    two = encoded(tone(880.0, 1.0, 44100), 44100, "OGG", "VORBIS")
    flac = encoded(tone(440.0, 1.0, 44100), 44100, "FLAC")
    for content in (one + two, one + one, flac + flac):
        (tmp_path / "a").write_bytes(content)
        facts = audio.inspect(tmp_path / "a", 0.05, 10.0)
        assert (facts.status, "first" in facts.problem) == ("truncated", True)
        assert facts.seconds == pytest.approx(1.0, abs=0.01)


def test_mp3_that_are_joined_are_one_sound(tmp_path: Path) -> None:
    mono, other = b"".join(whole_sounds.mp3()), b"".join(whole_sounds.mp3(0.7))
    for name, content in (("one", mono), ("two", other), ("joined", mono + other)):
        (tmp_path / name).write_bytes(content)
    whole = audio.load(tmp_path / "joined", 44100)
    parts = [audio.load(tmp_path / name, 44100) for name in ("one", "two")]
    assert np.array_equal(whole, np.concatenate(parts))
    for start, end in ((0.5, 1.3), (1.3, 1.5), (1.25, 1.5), (1.5, 1.9)):
        part = audio.load(tmp_path / "joined", 44100, start=start, end=end)
        assert np.array_equal(part, whole[round(start * 44100) : round(end * 44100)])
    (tmp_path / "joined").write_bytes(mono + b"".join(whole_sounds.mp3(channels=2)))
    facts = audio.inspect(tmp_path / "joined", 0.05, 10.0)
    assert (facts.status, facts.seconds) == ("truncated", pytest.approx(whole_sounds.SECONDS))


def test_zeros_after_an_mp3_that_counts_nothing(tmp_path: Path) -> None:
    _, frames = whole_sounds.mp3()
    (tmp_path / "a").write_bytes(frames + bytes(5000))
    facts = audio.inspect(tmp_path / "a", 0.05, 10.0)
    assert (facts.status, "zeros" in facts.problem) == ("ok", True)
    assert facts.seconds == pytest.approx(whole_sounds.SECONDS, abs=0.06)
    assert audio.seconds(tmp_path / "a") == facts.seconds


ID3V2 = b"ID3\4\0\0\0\0\x02\0" + bytes(256)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("ending", "before"),
    [("aac", ID3V2), ("aac", 2 * ID3V2), ("tta", ID3V2), ("mp3", bytes(1500))],
)
def test_sound_after_tags_and_zeros(tmp_path: Path, ending: str, before: bytes) -> None:
    path = made(tmp_path, ending)
    content = path.read_bytes()
    if ending == "mp3":
        content = content[content.index(b"\xff\xf3") :]
    path.write_bytes(before + content)
    facts = audio.inspect(path, 0.05, 10.0)
    assert (facts.status, facts.problem) == ("ok", "")
    assert facts.seconds == pytest.approx(3.0, abs=0.15)


@needs_ffmpeg
def test_codecs_in_wav_that_libsndfile_does_not_know(tmp_path: Path) -> None:
    source = made(tmp_path, "flac")
    for codec in ("wmav2", "adpcm_yamaha"):
        path = tmp_path / f"{codec}.wav"
        command = ["ffmpeg", "-y", "-v", "error", "-i", source, "-c:a", codec, path]
        subprocess.run(command, check=True)
        facts = audio.inspect(path, 0.05, 10.0)
        assert (facts.status, facts.problem) == ("ok", ""), codec
        assert facts.seconds == pytest.approx(3.0, abs=0.1)


@needs_ffmpeg
def test_what_ffmpeg_decodes_and_is_cut_or_has_no_sound(tmp_path: Path) -> None:
    wavpack = made(tmp_path, "wv")
    content = wavpack.read_bytes()
    assert audio.inspect(wavpack, 0.05, 10.0).status == "ok"
    wavpack.write_bytes(content + bytes(5000))
    assert audio.inspect(wavpack, 0.05, 10.0).problem == ""
    wavpack.write_bytes(content[: content.index(b"wvpk", len(content) // 2)])
    assert audio.inspect(wavpack, 0.05, 10.0).status == "truncated"
    made(tmp_path, "flac")
    options = {
        "cut.m4a": ["-i", tmp_path / "source.wav"],
        "video.mp4": ["-f", "lavfi", "-i", "color=d=0.2:s=32x32"],
    }
    for name, words in options.items():
        subprocess.run(["ffmpeg", "-y", "-v", "error", *words, tmp_path / name], check=True)
    cut = tmp_path / "cut.m4a"
    cut.write_bytes(cut.read_bytes()[:-2000])
    facts = audio.inspect(cut, 0.05, 10.0)
    assert (facts.status, "index is missing" in facts.problem) == ("unreadable", True)
    assert audio.inspect(tmp_path / "video.mp4", 0.05, 10.0).status == "not_audio"


def test_every_format_is_found_in_a_folder() -> None:
    names = [
        *whole_sounds.FFMPEG,
        *whole_sounds.OTHERS,
        "a.spx",
        "a.ape",
        "a.mkv",
        "a.MOV",
        "a.m4b",
    ]
    assert [name for name in names if not is_sound(name)] == []


def test_on_windows_no_descriptor_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By files' methods the same samples are read."""
    places = []
    for format in ("WAV", "FLAC", "OGG", "MP3"):
        path = tmp_path / f"a.{format}"
        path.write_bytes(encoded(tone(440.0, 2.0, 22050), 22050, format, None))
        places += [(path, 0.0, float("inf")), (path, 0.5, 1.0)]
    load: Callable[..., np.ndarray] = lambda path, start, end: audio.load(  # noqa: E731
        path, 22050, start=start, end=end
    )
    before = [load(*place) for place in places]
    monkeypatch.setattr(decoding, "BY_DESCRIPTOR", False)
    opened = []
    plain = soundfile.SoundFile.__init__

    def init(self: soundfile.SoundFile, file: object, **options: object) -> None:
        opened.append(file)
        plain(self, file, **options)

    monkeypatch.setattr(soundfile.SoundFile, "__init__", init)
    after = [load(*place) for place in places]
    assert opened
    assert not any(isinstance(file, int) for file in opened)
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
