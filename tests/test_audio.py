"""Clips from disk: every kind of file gets its status, and nothing unreadable becomes silence."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_audio import DOUBTED, KINDS, encoded, good
from corpus import Kind
from tiny import tone

from earmark.dataset import audio


def inspect(path: Path, longest: float = 10.0) -> audio.ClipFacts:
    return audio.inspect(path, 0.05, longest)


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
    samples = audio.load(tmp_path / "a.wav", 8000)
    assert (samples.shape, samples.dtype) == ((len(wanted),), np.float32)
    assert np.abs(samples - wanted).max() <= step
    facts = inspect(tmp_path / "a.wav")
    assert (facts.status, facts.format) == ("ok", f"WAV {subtype}")


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
        assert inspect(tmp_path / name).status == "ok"


def test_facts_of_a_stereo_clip(tmp_path: Path) -> None:
    left, right = tone(300.0, 0.25), np.zeros(2000)
    right[7] = -0.75
    soundfile.write(tmp_path / "a.wav", np.stack([left * 0.5, right], axis=1), 8000, "FLOAT")
    facts = inspect(tmp_path / "a.wav")
    assert (facts.status, facts.channels, facts.sample_rate) == ("ok", 2, 8000)
    assert facts.seconds == 0.25
    assert facts.peak == 0.75


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


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize(
    ("factors", "loudest"),
    [((1, -1), 0), ((-1, 1), 0), ((1, 0, -1), 0), ((0.5, -0.5, -1, 1), 2), ((1, -0.5, -0.5), 0)],
)
def test_of_channels_that_cancel_the_loudest_is_heard(
    tmp_path: Path, rate: int, factors: tuple[float, ...], loudest: int
) -> None:
    alone = tone(440.0)
    soundfile.write(tmp_path / "a", np.outer(alone, factors), 8000, format="FLAC")
    soundfile.write(tmp_path / "b", factors[loudest] * alone, 8000, format="FLAC")
    facts = inspect(tmp_path / "a")
    assert facts.status == "ok"
    assert f"only {loudest + 1} of {len(factors)}" in facts.problem
    assert np.array_equal(audio.load(tmp_path / "a", rate), audio.load(tmp_path / "b", rate))


def test_channels_that_nearly_cancel_are_averaged_as_ever(tmp_path: Path) -> None:
    alone, other = tone(440.0), tone(500.0)
    for rest in (0.01, 0.5):  # of the sum; their mean has half of it
        both = np.stack([alone, rest * other - alone], axis=1).astype(np.float32) / 2
        soundfile.write(tmp_path / "a.wav", both, 8000, "FLOAT")
        assert inspect(tmp_path / "a.wav").problem == ""
        wanted = (both[:, 0] + both[:, 1]) / np.float32(2)
        assert np.array_equal(audio.load(tmp_path / "a.wav", 8000), wanted)
    # Offsets alone do not cancel, and are no sound.
    noise = np.random.default_rng(1).uniform(-1e-4, 1e-4, (4000, 2)) + np.array([0.5, -0.5])
    soundfile.write(tmp_path / "a.wav", noise, 8000, "FLOAT")
    assert inspect(tmp_path / "a.wav").problem == ""


def test_a_constant_is_silence_at_any_offset_and_in_parts(tmp_path: Path) -> None:
    for level in (-1.0, -0.25, 2.0**-15, 0.5):
        for subtype in ("PCM_16", "FLOAT", "PCM_24"):
            soundfile.write(tmp_path / "a.wav", np.full(9000, level), 22050, subtype)
            facts = inspect(tmp_path / "a.wav")
            assert (facts.status, facts.peak) == ("silent", pytest.approx(abs(level)))
    # One step anywhere, also in another block than the first, is a sound.
    samples = np.full(2_200_000, 1000, np.int16)
    samples[-1] = 1001
    soundfile.write(tmp_path / "a.wav", samples, 22050)
    assert audio.inspect(tmp_path / "a.wav", 0.05, 300.0).status == "ok"
    assert audio.inspect(tmp_path / "a.wav", 0.05, 300.0, 2.0, 5.0).status == "silent"
    # What is cut and has nothing but zeros is not heard either.
    (tmp_path / "a.wav").write_bytes(encoded(np.zeros(5000))[:6000])
    facts = inspect(tmp_path / "a.wav")
    assert facts.status == "silent"
    assert "bytes" in facts.problem


def test_a_clip_without_samples_is_empty_not_unreadable(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 44100, "PCM_16")
    facts = inspect(tmp_path / "a.wav")
    assert (facts.status, facts.seconds, facts.peak) == ("empty", 0.0, 0.0)
    assert audio.load(tmp_path / "a.wav", 16000).shape == (0,)


def test_zeros_are_silent_and_the_smallest_16_bit_step_is_sound(tmp_path: Path) -> None:
    quiet = np.zeros(500, dtype=np.int16)
    soundfile.write(tmp_path / "zero.wav", quiet, 8000, "PCM_16")
    quiet[250] = 1
    soundfile.write(tmp_path / "step.wav", quiet, 8000, "PCM_16")
    assert inspect(tmp_path / "zero.wav").status == "silent"
    assert inspect(tmp_path / "step.wav").status == "ok"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_gets_its_status_under_any_name(tmp_path: Path, kind: Kind) -> None:
    content = kind.spoil()
    for name in ("a.wav", "a.raw", "a.mp3", "a"):
        (tmp_path / name).write_bytes(content)
        facts = inspect(tmp_path / name)
        assert facts.status == kind.expected
        told = facts.status not in ("ok", "silent", "empty") or "cancel" in kind.name
        told |= kind.name in DOUBTED
        assert bool(facts.problem) == told


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_headers_alone_say_the_same_of_what_can_be_opened(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "a").write_bytes(kind.spoil())
    facts, full = audio.header(tmp_path / "a"), inspect(tmp_path / "a", longest=100.0)
    if kind.expected in ("unreadable", "not_audio", "empty"):
        assert (facts.status, facts.problem) == (full.status, full.problem)
        return
    assert facts.status == "ok"
    for name in ("sample_rate", "channels", "format"):
        assert getattr(facts, name) == getattr(full, name)
    if kind.expected != "truncated" and kind.name not in DOUBTED:
        unknown = kind.name.startswith("FLAC, size unknown")
        guessed = "count" in kind.name
        assert guessed or facts.seconds == (0.0 if unknown else pytest.approx(full.seconds))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_cannot_be_decoded_never_becomes_silence(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(kind.spoil())
    if kind.expected in ("unreadable", "not_audio"):
        with pytest.raises(audio.UnreadableClipError):
            audio.load(path, 8000)
    elif kind.expected in audio.STATUSES_WITH_SOUND:
        samples = audio.load(path, 8000, 10.0, cut=kind.expected == "truncated")
        assert samples.dtype == np.float32
        assert np.abs(samples).max() > 0.1
        assert np.isfinite(samples).all()
        assert len(samples) <= 8000 * 10.0 + 2


def test_what_comes_before_a_cut_is_what_the_whole_file_has(tmp_path: Path) -> None:
    content = encoded(tone(440.0, 8.0, 22050), 22050, "FLAC")
    (tmp_path / "whole").write_bytes(content)
    (tmp_path / "cut").write_bytes(content[: int(0.8 * len(content))])
    whole = audio.load(tmp_path / "whole", 22050)
    with pytest.raises(audio.UnreadableClipError, match="lost sync"):
        audio.load(tmp_path / "cut", 22050)
    heard = audio.load(tmp_path / "cut", 22050, cut=True)
    assert 0.5 * len(whole) < len(heard) < 0.85 * len(whole)
    assert np.array_equal(heard, whole[: len(heard)])
    assert inspect(tmp_path / "cut").seconds == len(heard) / 22050


def test_no_more_than_the_limit_is_heard(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(tone(440.0, 12.0, 8000), 8000))
    facts = inspect(tmp_path / "a.wav", longest=5.0)
    assert (facts.status, facts.problem) == ("too_long", "longer than 5 s")
    whole, part = audio.load(tmp_path / "a.wav", 8000), audio.load(tmp_path / "a.wav", 8000, 5.0)
    assert abs(len(part) - 40_000) <= 1
    assert np.array_equal(part, whole[: len(part)])
    assert inspect(tmp_path / "a.wav", longest=12.0).status == "ok"


def test_clipped_is_a_share_of_flat_tops_near_full_scale(tmp_path: Path) -> None:
    flat = tone(440.0)
    soundfile.write(tmp_path / "a.wav", flat, 8000, "PCM_16")
    assert inspect(tmp_path / "a.wav").status == "ok"
    # 7 equal samples at full scale have 5 with an equal neighbour on each side.
    for count, wanted in ((0, "ok"), (3, "ok"), (7, "clipped")):
        loud = flat.copy()
        loud[100 : 100 + count] = 1.0
        soundfile.write(tmp_path / "a.wav", loud, 8000, "PCM_16")
        facts = inspect(tmp_path / "a.wav")
        assert facts.status == wanted, count
    assert facts.problem == "0.2 % of it clipped"
    # A plateau at half the scale is no clipping, nor is a pure tone at full scale.
    soundfile.write(tmp_path / "a.wav", np.clip(flat, -0.3, 0.3), 8000, "PCM_16")
    assert inspect(tmp_path / "a.wav").status == "ok"
    pure = np.sin(2 * np.pi * 440.0 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "a.wav", pure, 44100, "PCM_16")
    assert inspect(tmp_path / "a.wav").status == "ok"


def test_floats_beyond_full_scale_are_scaled_down(tmp_path: Path) -> None:
    wanted = tone(440.0)
    soundfile.write(tmp_path / "a.wav", 20000 * wanted, 8000, "FLOAT")
    found = audio.load(tmp_path / "a.wav", 8000)
    assert np.allclose(found, wanted / np.abs(wanted).max(), atol=1e-6)


def test_a_pipe_or_a_folder_is_no_clip_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "circle.wav").symlink_to(tmp_path / "circle.wav")
    for name in ("pipe.wav", "folder.wav", "circle.wav", "none.wav"):
        assert inspect(tmp_path / name).status == "absent", name
        assert audio.header(tmp_path / name).status == "absent", name


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(good())
    (tmp_path / "a.wav").chmod(0)
    facts = inspect(tmp_path / "a.wav")
    assert (facts.status, facts.problem) == ("unreadable", "Permission denied")


def test_good_audio_is_found_under_any_name(tmp_path: Path) -> None:
    content = good()
    for name in ("a", "a.raw", "a.txt", "a.WAV", "clip no. 1.wav"):
        (tmp_path / name).write_bytes(content)
        assert inspect(tmp_path / name).status == "ok", name


def test_a_clip_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.load(tmp_path / "none.wav", 8000)
