"""Clips from disk: every kind of file gets its status, and nothing unreadable becomes silence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny import tone

from earmark import audio


def spectrum_peak(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency in Hz, by a plain Fourier transform of the windowed samples."""
    magnitudes = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n=1 << 18))
    return float(np.argmax(magnitudes) * rate / (1 << 18))


@pytest.mark.parametrize(
    ("subtype", "step"),
    [
        ("PCM_U8", 2.0**-7),
        ("PCM_16", 2.0**-15),
        ("PCM_24", 2.0**-23),
        ("PCM_32", 2.0**-23),
        ("FLOAT", 2.0**-23),
        ("DOUBLE", 2.0**-23),
    ],
)
def test_samples_of_every_bit_depth_come_back_within_one_step(
    tmp_path: Path, subtype: str, step: float
) -> None:
    wanted = tone(440.0)
    soundfile.write(tmp_path / "a.wav", wanted, 8000, subtype=subtype)
    samples, rate = audio.decode(tmp_path / "a.wav")
    assert (samples.shape, samples.dtype, rate) == ((len(wanted), 1), np.float32, 8000)
    assert np.abs(samples[:, 0] - wanted).max() <= step
    assert audio.inspect(tmp_path / "a.wav").status == "ok"


def test_16_bit_samples_are_the_stored_integers_over_32768(tmp_path: Path) -> None:
    stored = np.array([0, 1, -1, 32767, -32768, 1234], dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", stored, 44100, subtype="PCM_16")
    assert np.array_equal(audio.load(tmp_path / "a.wav", 44100), stored / np.float32(32768))


def test_flac_is_decoded_whatever_its_name(tmp_path: Path) -> None:
    wanted = tone(440.0)
    soundfile.write(tmp_path / "a.flac", wanted, 22050, subtype="PCM_24")
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.flac").read_bytes())
    for name in ("a.flac", "b.wav"):
        assert np.abs(audio.load(tmp_path / name, 22050) - wanted).max() < 1e-6
        assert audio.inspect(tmp_path / name).status == "ok"


def test_facts_of_a_stereo_clip(tmp_path: Path) -> None:
    left, right = tone(300.0, 0.25), np.zeros(2000)
    right[7] = -0.75
    soundfile.write(tmp_path / "a.wav", np.stack([left * 0.5, right], axis=1), 8000, "FLOAT")
    facts = audio.inspect(tmp_path / "a.wav")
    assert (facts.status, facts.channels, facts.sample_rate) == ("ok", 2, 8000)
    assert facts.seconds == 0.25
    assert facts.peak == 0.75
    assert facts.checksum == f"{zlib.crc32((tmp_path / 'a.wav').read_bytes()):08x}"


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(300.0), tone(500.0), np.zeros(2400)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 8000, "FLOAT")
    assert np.allclose(audio.load(tmp_path / "a.wav", 8000), both.sum(axis=1) / 3, atol=1e-6)


@pytest.mark.parametrize("found", [8000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("wanted", [16000, 44100])
def test_resampling_keeps_frequency_level_and_length(
    tmp_path: Path, found: int, wanted: int
) -> None:
    clean = 0.5 * np.sin(2 * np.pi * 1000.0 * np.arange(found) / found)
    soundfile.write(tmp_path / "a.wav", clean, found, "FLOAT")
    samples = audio.load(tmp_path / "a.wav", wanted)
    assert samples.dtype == np.float32
    assert abs(len(samples) - wanted) <= 1
    assert abs(spectrum_peak(samples, wanted) - 1000.0) < 1.0
    middle = samples[wanted // 10 : -wanted // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_resampling_down_removes_what_would_fold_back(tmp_path: Path) -> None:
    high = 0.5 * np.sin(2 * np.pi * 15000.0 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "a.wav", high, 44100, "FLOAT")
    assert np.abs(audio.load(tmp_path / "a.wav", 16000)[1600:-1600]).max() < 0.01


def test_a_clip_without_samples_is_empty_not_unreadable(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 44100, "PCM_16")
    facts = audio.inspect(tmp_path / "a.wav")
    assert (facts.status, facts.seconds, facts.peak) == ("empty", 0.0, 0.0)
    assert audio.load(tmp_path / "a.wav", 16000).shape == (0,)


def test_zeros_are_silent_and_the_smallest_16_bit_step_is_sound(tmp_path: Path) -> None:
    quiet = np.zeros(500, dtype=np.int16)
    soundfile.write(tmp_path / "zero.wav", quiet, 8000, "PCM_16")
    quiet[250] = 1
    soundfile.write(tmp_path / "step.wav", quiet, 8000, "PCM_16")
    assert audio.inspect(tmp_path / "zero.wav").status == "silent"
    assert audio.inspect(tmp_path / "step.wav").status == "ok"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_makes_a_clip_broken(tmp_path: Path, value: float) -> None:
    samples = tone(300.0)
    samples[1000] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, "FLOAT")
    facts = audio.inspect(tmp_path / "a.wav")
    assert facts.status == "broken"
    assert "not finite" in facts.problem


def good_wav(folder: Path) -> bytes:
    soundfile.write(folder / "good.wav", tone(300.0), 8000, "PCM_16")
    return (folder / "good.wav").read_bytes()


def rate_of_zero(content: bytes) -> bytes:
    return content[:24] + struct.pack("<I", 0) + content[28:]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: b"fname,label\n",
        lambda content: content[:20],
        lambda content: content[:40],
        lambda content: b"XXXX" + content[4:],
        lambda content: bytes(len(content)),
        rate_of_zero,
    ],
    ids=["nothing", "text", "cut in header", "cut before data", "no RIFF", "zeros", "rate 0"],
)
@pytest.mark.parametrize("name", ["bad.wav", "bad.raw", "bad", "bad.mp3"])
def test_what_is_no_audio_is_unreadable_and_never_silence(
    tmp_path: Path, spoil: object, name: str
) -> None:
    (tmp_path / name).write_bytes(spoil(good_wav(tmp_path)))  # type: ignore[operator]
    facts = audio.inspect(tmp_path / name)
    assert facts.status == "unreadable"
    assert facts.problem
    assert (facts.seconds, facts.peak) == (0.0, 0.0)
    for read in (lambda path: audio.load(path, 8000), audio.decode):
        with pytest.raises(audio.UnreadableClipError):
            read(tmp_path / name)


def test_good_audio_is_found_under_any_name(tmp_path: Path) -> None:
    content = good_wav(tmp_path)
    for name in ("a", "a.raw", "a.txt", "a.WAV", "clip no. 1.wav"):
        (tmp_path / name).write_bytes(content)
        assert audio.inspect(tmp_path / name).status == "ok", name


def test_a_clip_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.load(tmp_path / "none.wav", 8000)
