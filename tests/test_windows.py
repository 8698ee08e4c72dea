"""Windows over long recordings: exactly the samples between two times, each sound once decoded."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_audio import cut, encoded, good
from tiny import tone

from earmark.dataset import audio, decoding
from earmark.tagging import windows
from earmark.tagging.windows import Window


def all_windows(path: Path, seconds: float, hop: float, longest: float = 300.0) -> list[Window]:
    return list(windows.cut(str(path), seconds, hop, longest))


@pytest.mark.parametrize(("seconds", "hop"), [(1.0, 1.0), (1.0, 0.35), (0.5, 1.7), (50.0, 7.0)])
@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_windows_are_slices_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, seconds: float, hop: float
) -> None:
    # Blocks that end inside of windows, and windows inside of blocks.
    monkeypatch.setattr(decoding, "BLOCK_VALUES", 30_001)
    rate = 11025
    samples = np.stack([tone(300.0, 8.3, rate), tone(500.0, 8.3, rate)], axis=1)
    (tmp_path / "a").write_bytes(encoded(samples, rate, format, None))
    with soundfile.SoundFile(tmp_path / "a") as sound:
        whole = sound.read(sound.frames, "float32", always_2d=True)
    found = all_windows(tmp_path / "a", seconds, hop)
    assert [window.number for window in found] == list(range(len(found)))
    for number, window in enumerate(found):
        assert window.clip is not None
        assert window.end
        first, last = round(window.start * rate), round(window.end * rate)
        assert np.array_equal(window.clip.samples, whole[first:last])
        assert window.start == pytest.approx(number * hop, abs=5e-4)
        is_last = number == len(found) - 1
        is_full = abs(last - first - seconds * rate) <= 1
        assert is_full or (is_last and last == len(whole))
    assert windows.count(len(whole) / rate, seconds, hop) == len(found)
    if seconds == 50.0:
        assert len(found) == 1


def test_a_click_is_in_the_windows_that_hold_its_sample(tmp_path: Path) -> None:
    rate = 44100
    times = [0, 220_499, 220_500, 110_250, 661_499, 661_500]  # the last ends the file
    samples = np.zeros(times[-1] + 1, np.int16)
    samples[times] = 30_000
    soundfile.write(tmp_path / "a.wav", samples, rate, "PCM_16")
    found = {
        (window.start, window.end): np.flatnonzero(window.clip.samples[:, 0]).tolist()
        for window in all_windows(tmp_path / "a.wav", 5.0, 2.5)
        if window.clip
    }
    assert found == {
        (0.0, 5.0): [0, 110_250, 220_499],
        (2.5, 7.5): [0, 110_249, 110_250],
        (5.0, 10.0): [0],
        (7.5, 12.5): [],
        (10.0, 15.0): [220_499],
        (12.5, 15.000023): [551_249 - 441_000, 551_250 - 441_000],
    }


@pytest.mark.parametrize(
    ("length", "times"),
    [
        (0.4, [(0, 0.4)]),  # the whole file, however short
        (1.0, [(0, 1)]),
        (1.4, [(0, 1)]),
        (1.5, [(0, 1), (1, 1.5)]),
        (2.0, [(0, 1), (1, 2)]),
    ],
)
def test_the_last_window_is_at_least_half_as_long(
    tmp_path: Path, length: float, times: list[tuple[float, float]]
) -> None:
    (tmp_path / "a").write_bytes(encoded(tone(300.0, 2.0, 8000)[: round(8000 * length)], 8000))
    found = all_windows(tmp_path / "a", 1.0, 1.0)
    assert [(window.start, window.end) for window in found] == times
    assert windows.count(length, 1.0, 1.0) == len(times)


def test_the_last_window_has_sound_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(encoded(tone(300.0, 2.0, 8000), 8000))
    ends = [window.end for window in all_windows(tmp_path / "a", 1.0, 0.25)]
    assert ends == [1.0, 1.25, 1.5, 1.75, 2.0]
    assert windows.count(2.0, 1.0, 0.25) == 5


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3"])
def test_where_a_file_breaks_off_is_told(tmp_path: Path, format: str) -> None:
    content = encoded(tone(440.0, 12.0, 22050), format=format, subtype=None)
    (tmp_path / "a").write_bytes(cut(content, 0.6))
    expected = audio.inspect(tmp_path / "a", 0.0, 300.0)
    *heard, last = all_windows(tmp_path / "a", 1.0, 1.0)
    assert len(heard) >= 5
    assert all(window.clip for window in heard)
    assert last.clip is None
    assert expected.status == "truncated"
    assert last.problem == f"truncated: {expected.problem}"
    assert last.start == pytest.approx(expected.seconds, abs=1e-6)
    assert last.end is None


def test_a_file_without_sound_is_told(tmp_path: Path) -> None:
    contents = {
        "not_audio": b"text" * 99,
        "empty": encoded(np.zeros(0)),
        "unreadable": good()[:30],
    }
    for status, content in contents.items():
        (tmp_path / "a").write_bytes(content)
        (window,) = all_windows(tmp_path / "a", 1.0, 1.0)
        assert window.problem.startswith(status)
        assert window.clip is None
    (window,) = all_windows(tmp_path / "b", 1.0, 1.0)
    assert window.problem.startswith("absent")


@pytest.mark.parametrize("hop", [0.3, 0.7, 2.0, 2.3])
@pytest.mark.parametrize("longest", [0.1, 0.5, 1.999, 300.0])
def test_of_long_windows_what_is_used_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hop: float, longest: float
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_VALUES", 701)
    rate, samples = 8000, tone(300.0, 9.1, 8000)
    (tmp_path / "a").write_bytes(encoded(samples, rate, subtype="FLOAT"))
    found = all_windows(tmp_path / "a", 2.0, hop, longest)
    assert len(found) == windows.count(9.1, 2.0, hop)
    for window in found:
        whole = samples[round(window.start * rate) : round((window.end or 0) * rate)]
        # One sample more shows that there is more.
        used = whole[: int(longest * rate) + 1].astype(np.float32)
        assert np.array_equal(window.clip.samples[:, 0], used)


def test_a_long_window_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_VALUES", 1 << 12)
    soundfile.write(tmp_path / "a.wav", np.ones(4_000_000, np.int16), 8000)
    tracemalloc.start()
    found = all_windows(tmp_path / "a.wav", 499.0, 499.0, 1.0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [window.end for window in found] == [499.0]
    assert most < 1_000_000


def test_a_long_hop_keeps_nothing_of_what_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_VALUES", 1000)
    (tmp_path / "a").write_bytes(encoded(tone(300.0, 20.0, 8000), 8000))
    joined: list[int] = []
    join = np.concatenate
    monkeypatch.setattr(
        windows.np, "concatenate", lambda parts: joined.append(sum(map(len, parts))) or join(parts)
    )
    assert len(all_windows(tmp_path / "a", 0.5, 9.0)) == 3
    assert max(joined) <= 0.5 * 8000 + 1000
