"""The demo data set: its sound models, its labels and their noise, its files."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.labels.class_groups import CLASSES, SCHEMES
from earmark.runtime.errors import EarmarkError
from earmark.synthesis import dataset, objects, room, strings_and_winds, tones
from earmark.synthesis.registry import MODELS

RATE = 44100
SMALL = {"clips_per_class": 3, "test_clips_per_class": 1, "empty_test_clips": 2}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def strongest(sound: np.ndarray, low: float, high: float) -> float:
    """Return the frequency (Hz) of the highest spectral peak between ``low`` and ``high``."""
    size = 1 << 19
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) ** 2
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    power[(frequencies < low) | (frequencies > high)] = 0
    return float(frequencies[power.argmax()])


def decibels(sound: np.ndarray, low: float, high: float) -> float:
    """Return the level (dB, any reference) of ``sound`` between ``low`` and ``high`` Hz."""
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(10 * np.log10(power[(frequencies >= low) & (frequencies < high)].sum()))


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    dataset.synthesise(folder, SMALL, seed=5, threads=2)
    return folder


@pytest.fixture(scope="module")
def large_lists() -> tuple[list[dataset.TrainClip], list[dataset.TestClip]]:
    return dataset.draw_lists({"clips_per_class": 100, "test_clips_per_class": 30}, seed=3)


# --- Sound models --------------------------------------------------------------------------------


def test_every_class_has_a_model_of_its_own():
    assert tuple(MODELS) == CLASSES
    assert len(set(MODELS.values())) == 41
    assert all(model.__doc__ for model in MODELS.values())


@pytest.mark.parametrize("label", CLASSES)
def test_models_give_sound_of_the_length_asked_for(label):
    for seed, seconds in enumerate((0.2, 0.5, 1.0, 2.3)):
        sound = MODELS[label](np.random.default_rng(seed), seconds, RATE)
        assert sound.shape == (round(seconds * RATE),)
        assert np.isfinite(sound).all()
        assert 0.5 < np.abs(sound).max() <= 1 + 1e-9
        assert np.sqrt(np.mean(sound**2)) > 2e-3
        assert abs(sound.mean()) < 1e-6


@pytest.mark.parametrize("label", CLASSES)
def test_models_vary_with_the_generator_only(label):
    first, again, other = (MODELS[label](np.random.default_rng(s), 0.4, RATE) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


@pytest.mark.parametrize("pitch", [55.0, 440.0, 3000.0])
def test_harmonic_tone_has_its_pitch_and_weights(pitch):
    sound = tones.harmonic_tone(np.full(RATE, pitch), [1.0, 0.0, 0.1], RATE)
    assert strongest(sound, 20, 20000) == pytest.approx(pitch, abs=0.2)
    third = decibels(sound, 2.9 * pitch, 3.1 * pitch) - decibels(sound, 0.9 * pitch, 1.1 * pitch)
    assert third == pytest.approx(-20, abs=0.2)
    assert decibels(sound, 1.9 * pitch, 2.1 * pitch) < decibels(sound, 0, 20000) - 40


def test_harmonic_tone_leaves_out_what_would_fold():
    sound = tones.harmonic_tone(np.full(RATE, 9000.0), np.ones(8), RATE)
    assert decibels(sound, 8990, 9010) > decibels(sound, 100, 8900) + 60
    assert decibels(sound, 17990, 18010) > decibels(sound, 9100, 17900) + 60


def test_pulse_train_is_even_and_band_limited():
    sound = tones.pulse_train(np.full(RATE, 200.0), RATE, top=2000)
    levels = [decibels(sound, 200 * k - 20, 200 * k + 20) for k in range(1, 11)]
    assert np.ptp(levels) < 0.1
    assert decibels(sound, 2100, 20000) < levels[0] - 60
    assert np.flatnonzero(sound > 0.9).size > 0


def test_modes_ring_at_their_pitch_and_fade_at_their_rate():
    sound = tones.modes(1.0, [500.0], [0.1], [1.0], RATE)
    assert strongest(sound, 20, 20000) == pytest.approx(500, abs=0.5)
    early, late = (np.abs(sound[s : s + 2000]).max() for s in (0, round(0.2 * RATE)))
    assert early / late == pytest.approx(np.exp(2), rel=0.03)


def test_resonator_lifts_its_centre():
    noise = np.random.default_rng(0).standard_normal(4 * RATE)
    sound = tones.resonator(noise, 1000, 100, RATE)
    assert decibels(sound, 950, 1050) > decibels(sound, 2000, 2100) + 20
    assert decibels(sound, 995, 1005) == pytest.approx(decibels(noise, 995, 1005), abs=0.5)


def test_coloured_noise_falls_as_asked():
    noise = tones.coloured_noise(np.random.default_rng(0), 8 * RATE, 2.0, RATE)
    fall = decibels(noise, 200, 210) - decibels(noise, 3200, 3210)
    assert fall == pytest.approx(20 * np.log10(16), abs=2)


@pytest.mark.parametrize("pitch", [110.0, 247.0, 880.0])
def test_plucked_bowed_and_blown_notes_keep_their_pitch(pitch):
    rng = np.random.default_rng(4)
    note = tones.Note(0.0, 1.0, pitch)
    played = (
        strings_and_winds.pluck(rng, note, RATE, decay=1.0, brightness=6, stiffness=1e-5),
        strings_and_winds.bow(rng, note, RATE, attack=0.05, cents=0),
        strings_and_winds.blow(rng, note, RATE, np.array([1, 0.5, 0.3]), attack=0.05),
    )
    for sound in played:
        found = strongest(sound, pitch / 1.4, pitch * 1.4)
        assert abs(1200 * np.log2(found / pitch)) < 12


def test_phrases_stay_in_the_register_and_in_time():
    for seed in range(40):
        notes = tones.phrase(np.random.default_rng(seed), 3.0, 60, 72)
        assert notes[0].start == 0
        for note in notes:
            assert 59 < 69 + 12 * np.log2(note.pitch / 440) < 73
            assert note.start + note.length <= 3.0 + 1e-9


def test_hit_times_keep_the_gap():
    times = tones.hit_times(np.random.default_rng(0), 5.0, (0.2, 0.2), single=0.0, jitter=0.02)
    assert times[0] == 0
    assert np.mean(np.diff(times)) == pytest.approx(0.2, rel=0.03)


def test_a_clarinet_has_weak_even_harmonics():
    weaker = 0
    for seed in range(6):
        sound = MODELS["Clarinet"](np.random.default_rng(seed), 1.0, RATE)[: RATE // 10]
        first = strongest(sound, 130, 1300)
        weaker += decibels(sound, 1.8 * first, 2.2 * first) < decibels(
            sound, 0.8 * first, 1.2 * first
        )
    assert weaker >= 5


def test_a_hi_hat_is_brighter_than_a_bass_drum():
    for seed in range(5):
        balance = {}
        for label in ("Hi-hat", "Bass_drum"):
            sound = MODELS[label](np.random.default_rng(seed), 1.0, RATE)
            balance[label] = decibels(sound, 2000, 20000) - decibels(sound, 20, 2000)
        assert balance["Hi-hat"] > 0 > balance["Bass_drum"]


def test_knocks_are_separate_blows():
    sound = objects.knock(np.random.default_rng(1), 2.0, RATE)
    level = np.sqrt(np.mean(sound[: 80 * 1100].reshape(80, 1100) ** 2, axis=1))
    loud = level > 0.25 * level.max()
    onsets = np.count_nonzero(np.diff(loud.astype(int)) == 1) + int(loud[0])
    assert 2 <= onsets <= 20
    assert loud.mean() < 0.6


def test_without_tail_cuts_what_is_too_quiet():
    sound = np.exp(-np.arange(RATE) / 1000)
    assert len(tones.without_tail(sound, 60.0)) == pytest.approx(6908, abs=2)


# --- The recording -------------------------------------------------------------------------------


def test_a_recording_has_its_length_a_legal_peak_and_no_offset():
    tone = tones.harmonic_tone(np.full(RATE, 300.0), [1.0], RATE)
    for seed in range(10):
        sound = room.record(np.random.default_rng(seed), tone, RATE + 5000, RATE)
        assert sound.shape == (RATE + 5000,)
        peak = 20 * np.log10(np.abs(sound).max())
        assert room.QUIETEST_DB - 0.01 <= peak <= room.LOUDEST_DB + 0.01
        assert abs(sound.mean()) < 1e-9


def test_a_room_begins_with_the_direct_sound_and_fades():
    response = room.impulse_response(np.random.default_rng(2), RATE)
    assert response[0] == np.abs(response).max()
    assert np.abs(response[-50:]).max() < 0.01


def test_the_microphone_does_not_ring_before_the_sound():
    for seed in range(5):
        taps = room.colour(np.random.default_rng(seed), RATE)
        energy = np.cumsum(taps**2) / np.sum(taps**2)
        assert energy[len(taps) // 2] > 0.999


# --- Lists and label noise -----------------------------------------------------------------------


def test_counts_vary_around_the_mean(large_lists):
    train, test = large_lists
    counts = Counter(clip.label for clip in train)
    assert set(counts) == set(CLASSES)
    assert min(counts.values()) >= 70
    assert max(counts.values()) <= 130
    assert np.std(list(counts.values())) > 8
    assert set(Counter(clip.label for clip in test)) == {*CLASSES, "None"}


def test_label_noise_is_as_set(large_lists):
    train, _ = large_lists
    unverified = [clip for clip in train if not clip.verified]
    wrong = [clip for clip in unverified if clip.truth != clip.label]
    assert 1 - len(unverified) / len(train) == pytest.approx(0.39, abs=0.01)
    assert len(wrong) / len(unverified) == pytest.approx(0.33, abs=0.001)
    assert all(clip.truth == clip.label for clip in train if clip.verified)


def test_wrong_labels_are_mostly_of_the_group(large_lists):
    wrong = [clip for clip in large_lists[0] if clip.truth != clip.label]
    shares = {}
    for scheme in ("two", "five"):
        group = {name: key for key, names in SCHEMES[scheme].items() for name in names}
        shares[scheme] = np.mean([group[clip.truth] == group[clip.label] for clip in wrong])
    assert shares["two"] == pytest.approx(0.8, abs=0.002)
    assert 0.5 < shares["five"] < 0.75


@pytest.mark.parametrize("clips", [1, 3, 8])
def test_every_class_keeps_three_verified_clips(clips):
    train, _ = dataset.draw_lists({"clips_per_class": clips, "verified_fraction": 0.0}, seed=1)
    verified = Counter(clip.label for clip in train if clip.verified)
    assert set(verified) == set(CLASSES)
    assert min(verified.values()) >= 3


def test_names_are_sorted_and_say_nothing_about_the_class(large_lists):
    train, test = large_lists
    names = [clip.fname for clip in train]
    assert names == sorted(names)
    assert len({*names, *(clip.fname for clip in test)}) == len(train) + len(test)
    codes = np.array([CLASSES.index(clip.label) for clip in train])
    assert abs(np.corrcoef(codes[1:], codes[:-1])[0, 1]) < 0.06


def test_usage_is_public_for_a_fifth(large_lists):
    usages = Counter(clip.usage for clip in large_lists[1])
    assert usages["Ignored"] == 3
    assert usages["Public"] / (usages["Public"] + usages["Private"]) == pytest.approx(
        0.19, abs=0.01
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clips": 3}, "no setting 'clips'"),
        ({"wrong_fraction": 1.5}, "'wrong_fraction' is 1.5"),
        ({"clips_per_class": 0}, "'clips_per_class' is 0"),
        ({"empty_test_clips": -1}, "'empty_test_clips' is -1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, words):
    with pytest.raises(EarmarkError, match=words):
        dataset.draw_lists(settings, seed=1)


def test_lengths_are_skewed_to_the_right():
    rng = np.random.default_rng(0)
    lengths = np.array([dataset.clip_length(rng) for _ in range(4000)])
    assert lengths.min() >= 0.3
    assert lengths.max() <= 8
    assert lengths.mean() == pytest.approx(2.2, abs=0.4)
    assert np.median(lengths) < lengths.mean()


# --- Files ---------------------------------------------------------------------------------------


def test_the_layout_is_that_of_the_competition(small_set):
    train, truth = read(small_set / "train.csv"), read(small_set / "train_truth.csv")
    submission = read(small_set / "sample_submission.csv")
    test = read(small_set / "test_post_competition.csv")
    assert list(train[0]) == ["fname", "label", "manually_verified"]
    assert list(truth[0]) == ["fname", "true_label"]
    assert list(submission[0]) == ["fname", "label"]
    assert list(test[0]) == ["fname", "label", "usage"]
    assert {row["label"] for row in submission} == {"Laughter Hi-hat Flute"}
    for rows, folder in ((train, "audio_train"), (truth, "audio_train"), (test, "audio_test")):
        files = sorted(path.name for path in (small_set / folder).iterdir())
        assert [row["fname"] for row in rows] == files
    assert [row["fname"] for row in submission] == [row["fname"] for row in test]
    true = {row["fname"]: row["true_label"] for row in truth}
    assert all(
        true[row["fname"]] == row["label"] for row in train if row["manually_verified"] == "1"
    )


def test_clips_are_16_bit_mono_wav(small_set):
    ignored = {
        row["fname"]
        for row in read(small_set / "test_post_competition.csv")
        if row["usage"] == "Ignored" and row["label"] == "None"
    }
    assert len(ignored) == SMALL["empty_test_clips"]
    for path in [*small_set.glob("audio_train/*.wav"), *small_set.glob("audio_test/*.wav")]:
        assert len(path.stem) == 8
        assert int(path.stem, 16) >= 0
        with soundfile.SoundFile(path) as file:
            assert (file.format, file.subtype) == ("WAV", "PCM_16")
            assert (file.samplerate, file.channels) == (RATE, 1)
            sound = file.read()
        if path.name in ignored:
            assert len(sound) == 0
            continue
        assert 0.3 <= len(sound) / RATE <= 8
        assert 0.05 < np.abs(sound).max() < 0.9


def test_bytes_do_not_depend_on_the_number_of_processes(small_set, tmp_path):
    dataset.synthesise(tmp_path, SMALL, seed=5, threads=1)
    assert contents(tmp_path) == contents(small_set)


def test_another_seed_gives_other_names_labels_and_sound():
    (first, _), (second, _) = (dataset.draw_lists(SMALL, seed) for seed in (5, 6))
    assert not {clip.fname for clip in first} & {clip.fname for clip in second}
    assert [clip.label for clip in first] != [clip.label for clip in second]
    one, two = (dataset.synthesise_clip("Gong", seed, dataset.TRAIN, 0) for seed in (5, 6))
    assert len(one) != len(two) or not np.allclose(one, two)


def test_train_and_test_clips_of_one_number_differ():
    one, two = (dataset.synthesise_clip("Bark", 5, split, 0) for split in (0, 1))
    assert len(one) != len(two) or not np.allclose(one, two)
