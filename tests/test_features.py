"""Features against slow references: an explicit Fourier matrix, PIL's resize, own mels."""

import math

import numpy as np
import pytest
import soundfile
from PIL import Image

from earmark.features import catalogue
from earmark.features.log_mel import LogMel
from earmark.features.mfcc import Mfcc
from earmark.features.raw import Raw
from earmark.features.settings import parse, to_dict
from earmark.features.stft import Stft
from earmark.runtime.errors import EarmarkError

RATE = 44100


def noise(seconds, seed=1):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE))
    return samples.astype(np.float32)


def sweep(seconds=2.0):
    moment = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (100 * moment + (8000 - 100) / (2 * seconds) * moment**2)
    return (0.8 * np.sin(phase)).astype(np.float32)


def slow_power(samples, window, hop):
    """|DFT|^2 (window / 2 + 1, 1 + n // hop) of centred, zero-padded, periodic-Hann frames."""
    place = np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * place / window)
    padded = np.concatenate([np.zeros(window // 2), samples.astype(float), np.zeros(window // 2)])
    frames = [padded[t * hop : t * hop + window] * hann for t in range(1 + len(samples) // hop)]
    frequency = np.arange(window // 2 + 1)[:, None]
    fourier = np.exp(-2j * np.pi * (frequency * place % window) / window)
    return np.abs(fourier @ np.array(frames).T) ** 2


def in_decibels(power, range_db=80.0):
    return np.maximum(10 * np.log10(np.maximum(power / power.max(), 1e-30)), -range_db)


def quantised(decibels, range_db=80.0):
    return np.clip(np.rint(-decibels * 255 / range_db), 0, 255)


def slow_stft(samples, bins=513, frames=439, range_db=80.0):
    decibels = in_decibels(slow_power(samples, 1024, 682), range_db)
    picture = Image.fromarray(decibels.astype(np.float32))
    assert picture.mode == "F"
    resized = picture.resize((frames, bins), Image.Resampling.BICUBIC)
    return quantised(np.asarray(resized), range_db)


def assert_nearly_equal(found, reference, most=1):
    difference = np.abs(found.astype(int) - reference)
    assert difference.max() <= most
    assert difference.mean() < 0.05


@pytest.mark.parametrize(
    "samples",
    [noise(0.3), noise(3.0), noise(9.0), sweep()],
    ids=["short_noise", "noise", "long_noise", "sweep"],
)
def test_stft_agrees_with_fourier_matrix_and_pil(samples):
    assert_nearly_equal(Stft().compute(samples), slow_stft(samples))


@pytest.mark.parametrize("name", ["audio_train/5644beb8.wav", "audio_test/b0c06255.wav"])
def test_stft_of_a_real_clip_agrees_with_fourier_matrix_and_pil(fsd10, name):
    samples, rate = soundfile.read(fsd10 / name, dtype="float32")
    assert rate == RATE
    assert_nearly_equal(Stft().compute(samples), slow_stft(samples))


@pytest.mark.parametrize(("bins", "frames"), [(64, 56), (128, 110)])
def test_fewer_bins_agree_with_pil(bins, frames):
    feature = Stft(bins=bins, frames=frames)
    samples = np.concatenate([sweep(), noise(1.0) * 0.01])
    found = feature.compute(samples)
    assert found.shape == (bins, frames) == feature.shape
    assert_nearly_equal(found, slow_stft(samples, bins, frames))


@pytest.mark.parametrize("seconds", [0.3, 6.9, 30.0])
def test_stft_has_one_size_and_bytes_for_any_length(seconds):
    found = Stft().compute(noise(seconds))
    assert found.shape == (513, 439)
    assert found.dtype == np.uint8
    assert 0 < found.mean() < 128  # white noise is near its loudest value everywhere


@pytest.mark.parametrize("feature", [Stft(), Stft(bins=64, frames=56), LogMel()])
@pytest.mark.parametrize("count", [0, 1, 100, RATE])
def test_silent_and_empty_clips_are_all_floor(feature, count):
    found = feature.compute(np.zeros(count, np.float32))
    assert found.shape == (feature.shape if feature.fixed else (1, feature.bands))
    assert (found == 255).all()


@pytest.mark.parametrize("feature", [Stft(), LogMel()])
def test_one_sample_is_a_clip(feature):
    found = feature.compute(np.ones(1, np.float32))
    assert found.min() == 0
    assert found.shape[0] >= 1


def test_full_scale_sine_has_three_bins_with_the_windows_level():
    # A periodic Hann window turns a sine on bin k into k (0 dB) and k - 1, k + 1 (half: -6.02 dB).
    moment = np.arange(4 * RATE)
    found = Stft().compute(np.sin(2 * np.pi * 100 * moment / 1024).astype(np.float32))
    middle = found[:, 100:340]
    expected = np.full(513, 255)
    expected[100] = 0
    expected[[99, 101]] = round(20 * math.log10(2) / 80 * 255)
    assert (middle == expected[:, None]).all()


def test_time_runs_from_left_to_right_and_frequency_upwards():
    samples = noise(2.0)
    samples[: len(samples) // 2] *= 1e-3
    left, right = np.hsplit(Stft(frames=440).compute(samples), 2)
    assert left.mean() > right.mean() + 100
    low = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert Stft().compute(low).mean(axis=1).argmin() == round(1000 * 1024 / RATE)


@pytest.mark.parametrize("feature", [Stft(), LogMel()])
def test_scaling_the_samples_changes_nothing(feature):
    samples = sweep() + noise(2.0) * 0.1
    found = feature.compute(samples)
    assert (feature.compute(samples * np.float32(2**-10)) == found).all()
    assert (feature.compute(-samples) == found).all()
    rounded = feature.compute(samples * np.float32(0.3)).astype(int)
    assert np.abs(rounded - found).max() <= 1


@pytest.mark.parametrize("range_db", [40.0, 120.0])
def test_other_ranges_agree_with_fourier_matrix_and_pil(range_db):
    found = Stft(range_db=range_db).compute(noise(1.0))
    assert_nearly_equal(found, slow_stft(noise(1.0), range_db=range_db))


def slaney_mel(hertz):
    if hertz < 1000:
        return 3 * hertz / 200
    return 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def slaney_hertz(mel):
    if mel < 15:
        return 200 * mel / 3
    return 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


def slow_mel_filters(window, bands, lowest, highest):
    """Triangles (window / 2 + 1, bands) evenly spaced on Slaney's scale, each of area 1 / Hz."""
    mels = np.linspace(slaney_mel(lowest), slaney_mel(highest), bands + 2)
    corner = [slaney_hertz(mel) for mel in mels]
    filters = np.zeros((window // 2 + 1, bands))
    for band in range(bands):
        left, top, right = corner[band : band + 3]
        for index in range(window // 2 + 1):
            hertz = index * RATE / window
            height = min((hertz - left) / (top - left), (right - hertz) / (right - top))
            filters[index, band] = max(0.0, height) * 2 / (right - left)
    return filters


def slow_log_mel(samples, trim_db, window=2048, hop=512, bands=64, lowest=40.0, highest=20000.0):
    power = slow_power(samples, window, hop).T @ slow_mel_filters(window, bands, lowest, highest)
    decibels = in_decibels(power)
    if trim_db > 0:
        total = power.sum(axis=1)
        loud = [t for t in range(len(total)) if total[t] > total.max() * 10 ** (-trim_db / 10)]
        decibels = decibels[loud[0] : loud[-1] + 1]
    return quantised(decibels)


def faded():
    """Noise that fades by 100 dB on both sides: its ends are cut somewhere within the fade."""
    samples = noise(1.5)
    distance = np.abs(np.linspace(-1, 1, len(samples)))
    return samples * (10 ** (-5 * distance)).astype(np.float32)


@pytest.mark.parametrize("trim_db", [0.0, 30.0, 60.0])
@pytest.mark.parametrize("samples", [noise(1.0), sweep(1.0), faded()], ids=["noise", "sweep", "fa"])
def test_log_mel_agrees_with_a_slow_reference(samples, trim_db):
    found = LogMel(trim_db=trim_db).compute(samples)
    assert found.dtype == np.uint8
    reference = slow_log_mel(samples, trim_db)
    assert found.shape == reference.shape
    assert_nearly_equal(found, reference)


def test_log_mel_with_other_settings_agrees_with_a_slow_reference():
    feature = LogMel(window_samples=1024, hop_samples=300, bands=20, lowest_hz=0, highest_hz=8000)
    reference = slow_log_mel(noise(0.5), 60.0, 1024, 300, 20, 0.0, 8000.0)
    assert_nearly_equal(feature.compute(noise(0.5)), reference)


def test_log_mel_of_a_real_clip_agrees_with_a_slow_reference(fsd10):
    samples, _ = soundfile.read(fsd10 / "audio_train/5644beb8.wav", dtype="float32")
    found, reference = LogMel().compute(samples), slow_log_mel(samples, 60.0)
    assert found.shape == reference.shape
    assert_nearly_equal(found, reference)


def test_trimming_keeps_the_frames_that_touch_the_sound():
    # 50 hops of silence, 20 of noise, 50 of silence; a window spans 4 hops.
    samples = np.zeros(120 * 512, np.float32)
    samples[50 * 512 : 70 * 512] = noise(1.0)[: 20 * 512]
    whole = LogMel(trim_db=0.0).compute(samples)
    assert whole.shape == (121, 64)
    heard = np.flatnonzero((whole < 255).any(axis=1))
    assert (heard[0], heard[-1]) == (49, 71)  # centred on 49 and 71 they reach one hop into it
    kept = LogMel().compute(samples)
    # Only the last hop of those windows holds sound, at the Hann window's foot: some 10 dB below.
    assert kept.shape == (23, 64)
    assert (kept == whole[49:72]).all()


def test_silence_in_the_middle_is_not_trimmed():
    samples = np.zeros(RATE, np.float32)
    samples[:4000] = samples[-4000:] = noise(1.0)[:4000]
    assert len(LogMel().compute(samples)) == 1 + RATE // 512


@pytest.mark.parametrize("count", [1, 100, 511, 512, 2047])
def test_log_mel_of_clips_shorter_than_a_window(count):
    found = LogMel(trim_db=0.0).compute(noise(1.0)[:count])
    assert found.shape == (1 + count // 512, 64)
    assert found.min() == 0
    assert 1 <= len(LogMel().compute(noise(1.0)[:count])) <= len(found)


def test_the_catalogue_has_every_kind_under_its_name():
    found = {kind: type(parse({"kind": kind})) for kind in catalogue.KINDS}
    assert found == {"stft": Stft, "log_mel": LogMel, "mfcc": Mfcc, "raw": Raw}
    assert all(feature.kind == kind for kind, feature in found.items())
    assert all(feature.__module__ == catalogue.module_of(kind) for kind, feature in found.items())


@pytest.mark.parametrize(
    "feature", [Stft(), Stft(bins=64, range_db=60.0), LogMel(bands=40), Mfcc(), Raw()]
)
def test_settings_round_trip(feature):
    settings = to_dict(feature)
    assert settings["kind"] == feature.kind
    assert parse(settings) == feature


def test_settings_that_are_left_out_are_the_reports():
    assert parse({"kind": "stft"}).shape == (513, 439)
    found = to_dict(parse({"kind": "stft"}))
    assert found == {
        "kind": "stft",
        "sample_rate": 44100,
        "window_samples": 1024,
        "hop_samples": 682,
        "bins": 513,
        "frames": 439,
        "range_db": 80.0,
        "silence": "floor",
        "stretch": False,
    }


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "cqt"}, "'cqt'.*stft, log_mel"),
        ({}, "'None'.*stft"),
        ({"kind": "stft", "bands": 3}, "'stft' has no setting 'bands'.*bins"),
        ({"kind": "log_mel", "bins": 3}, "'log_mel' has no setting 'bins'.*bands"),
        ({"kind": "stft", "window_samples": 512}, "512 samples has 257 bins.*`bins: 513`"),
        ({"kind": "log_mel", "sample_rate": 32000}, "20000.*half the sample rate 32000"),
        ({"kind": "log_mel", "lowest_hz": 30000.0}, "`lowest_hz: 30000` does not lie below"),
        ({"kind": "mfcc", "bands": 30}, "`coefficients: 40` is more than `bands: 30`"),
    ],
)
def test_settings_that_do_not_fit_are_explained(settings, words):
    with pytest.raises(EarmarkError, match=words):
        parse(settings)


def test_mfcc_against_a_slow_dct_and_inverse():
    feature = Mfcc(bands=30, coefficients=30, highest_hz=16000.0)
    samples = noise(0.5)
    found = feature.compute(samples)
    assert found.dtype == np.float16
    same = LogMel(bands=30, lowest_hz=0.0, highest_hz=16000.0, trim_db=0.0).compute(samples)
    above = 80 - same.astype(float) * 80 / 255  # dB above the floor, to half a byte's step
    count = 30
    place = np.arange(count)
    for frame in (0, 7, len(found) - 1):
        slow = [
            math.sqrt((1 if k == 0 else 2) / count)
            * sum(above[frame] * np.cos(np.pi * k * (2 * place + 1) / (2 * count)))
            for k in range(count)
        ]
        # Half a byte's step in every band is at most so much in any coefficient.
        np.testing.assert_allclose(found[frame], slow, atol=0.16 * math.sqrt(count) + 0.3)


def test_mfcc_of_two_seconds_has_the_reports_size():
    assert Mfcc().compute(noise(2.0)).shape == (173, 40)


@pytest.mark.parametrize("feature", [Mfcc(), Raw()])
@pytest.mark.parametrize("count", [0, 100])
def test_no_sound_is_zero_in_cepstra_and_samples(feature, count):
    found = feature.compute(np.zeros(count, np.float32))
    assert found.dtype == feature.dtype
    assert len(found) >= 1
    assert not found.any()
    assert feature.padding == 0


def test_raw_samples_are_16_bit_steps():
    samples = np.array([0, 1 / 32768, -1.0, 0.5, 0.99999, 1.2, -1.3], np.float32)
    expected = [0, 1, -32768, 16384, 32767, 32767, -32768]
    assert Raw().compute(samples)[:, 0].tolist() == expected


def test_the_reports_codes_silence_and_stretch_are_options():
    silent = np.zeros(1000, np.float32)
    assert not Stft(bins=16, frames=4, silence="loudest").compute(silent).any()
    steady = np.sin(2 * np.pi * 3000 * np.arange(44100) / 44100).astype(np.float32)
    loud = steady + 0.1 * noise(1.0)[:44100]
    plain = Stft(bins=32, frames=8).compute(loud)
    stretched = Stft(bins=32, frames=8, stretch=True).compute(loud)
    assert plain.max() < 250  # the noise lies above the floor
    assert (stretched.min(), stretched.max()) == (0, 255)
    # A straight line takes one to the other, but for the rounding of values and ends.
    slope = 255 / (plain.max() - float(plain.min()))
    line = (plain - float(plain.min())) * slope
    assert np.abs(line - stretched).max() <= slope + 0.5
