"""`sample_rate: auto`: the rate that clips have, and the settings that follow from it."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
from tiny import TRAIN_HEADER, default_config, make_set, merged, plan, snakemake, tone, write_rows

from earmark.dataset import guessing, sample_rates, yaml_files
from earmark.features.settings import parse, resolved
from earmark.planning import clip_index
from earmark.planning import config as settings
from earmark.runtime.errors import EarmarkError


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([16000] * 5, 16000),
        ([48000] * 9 + [16000], 44100),  # nine of ten have 44,100 Hz or more
        ([48000] * 8 + [22050, 16000], 22050),  # nine of ten have 22,050
        ([44100] * 8 + [16000] * 2, 16000),
        ([44100] * 18 + [8000] * 2 + [0] * 50, 44100),  # 0: no sound file
        ([44100] * 17 + [8000] * 2, 8000),  # 17 of 19 is less than nine tenths
        ([96000, 192000], 44100),
        ([11025], 11025),
        ([0, 0], 44100),
        ([], 44100),
    ],
)
def test_nine_tenths_of_the_clips_have_the_usual_rate(rates: list[int], expected: int) -> None:
    assert sample_rates.usual_rate(rates) == expected
    assert sample_rates.usual_rate(reversed(rates)) == expected


MEL = {"window_samples": 2048, "hop_samples": 1024, "highest_hz": 20000.0}


@pytest.mark.parametrize(
    ("entry", "rate", "expected"),
    [
        # 2048 and 1024 samples at 44,100 Hz are 743.04 and 371.52 at 16,000.
        ({"kind": "log_mel", **MEL}, 16000, {**MEL, "window_samples": 1024, "hop_samples": 372,
                                             "highest_hz": 8000.0}),
        # 256 samples take exactly half of 512.
        ({"kind": "log_mel"}, 22050, {"window_samples": 1024, "hop_samples": 256,
                                      "highest_hz": 11025.0, "lowest_hz": 40.0}),
        ({"kind": "log_mel", "highest_hz": 3000.0}, 8000, {"highest_hz": 3000.0}),
        ({"kind": "mfcc", "coefficients": 20}, 32000, {"coefficients": 20, "highest_hz": 16000.0,
                                                       "window_samples": 2048}),
        # 185.8 and 123.7 samples.
        ({"kind": "stft", "bins": 64}, 8000, {"window_samples": 256, "hop_samples": 124,
                                              "bins": 64}),
        ({"kind": "raw"}, 8000, {}),
        ({"kind": "stft", "bins": 64, "hop_samples": 1}, 8000, {"hop_samples": 1}),
        # Nothing else changes at 44,100 Hz, not even a window that is no power of two.
        ({"kind": "stft", "bins": 64, "window_samples": 1000}, 44100, {"window_samples": 1000}),
    ],
)  # fmt: skip
def test_settings_in_samples_are_scaled(
    entry: dict[str, Any], rate: int, expected: dict[str, Any]
) -> None:
    found = resolved({**entry, "sample_rate": "auto"}, rate)
    assert found["sample_rate"] == rate
    assert {name: found[name] for name in expected} == expected
    assert list(parse(found).mistakes()) == []
    # A number is what the user wants.
    assert resolved({**entry, "sample_rate": 12345}, rate) == {**entry, "sample_rate": 12345}
    assert resolved(entry, rate) == entry


def test_a_config_may_say_auto_and_its_mistakes_are_found_at_the_clips_rate() -> None:
    schema = yaml_files.read(Path(__file__).parents[1] / "rules/schemas/config.schema.yaml")
    auto = {name: {"sample_rate": "auto"} for name in ("stft", "log_mel")}
    config = merged(default_config(), {"features": auto})
    settings.check(config, schema)
    assert settings.resolved_features(config, 44100) == default_config()["features"]
    found = settings.resolved_features(config, 16000)
    assert {entry["sample_rate"] for entry in found.values()} == {16000}
    # 1024 samples at 44,100 Hz have 513 bins, 256 at 8,000 Hz have 129.
    config = merged(config, {"features": {"stft": {"bins": 513}}})
    settings.check(config, schema)
    with pytest.raises(EarmarkError, match=r"8000 Hz(.|\n)*features\.stft: .*513"):
        settings.resolved_features(config, 8000)
    with pytest.raises(EarmarkError, match=r"features\.log_mel: .*highest_hz: 30"):
        settings.check(merged(config, {"features": {"log_mel": {"highest_hz": 30.0}}}), schema)
    with pytest.raises(EarmarkError, match=r"'automatic'\. Write auto, or"):
        settings.check(merged(config, {"features": {"stft": {"sample_rate": "automatic"}}}), schema)


def test_rates_are_read_from_headers_and_what_is_no_sound_has_none(tmp_path: Path) -> None:
    for name, rate in (("a.wav", 16000), ("b.flac", 22050), ("c.ogg", 48000), ("name.txt", 8000)):
        kind = name.split(".")[1].upper().replace("TXT", "WAV")
        soundfile.write(tmp_path / name, np.zeros((200, 2)), rate, format=kind)
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    names = ["a.wav", "b.flac", "c.ogg", "name.txt", "text.wav", "empty.wav", "folder.wav",
             "pipe.wav", "absent.wav", "a.wav"]  # fmt: skip
    expected = [16000, 22050, 48000, 8000, 0, 0, 0, 0, 0, 16000]
    assert sample_rates.read_all(tmp_path, names) == expected


def test_headers_are_read_again_when_a_clip_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_index, "CACHED_FROM_SECONDS", -60.0)
    made = make_set(tmp_path / "set", ["Cello", "Bark"], clips=10)  # 20 clips at 8,000 Hz
    read: list[str] = []
    real = sample_rates.read_all

    def read_all(folder: Path, files: Any) -> list[int]:
        read.extend(files)
        return real(folder, files)

    monkeypatch.setattr(sample_rates, "read_all", read_all)
    found, results = guessing.layout_of(made.folder), tmp_path / "results/set"
    file = results / "index/sample_rate.txt"

    def update(with_sample_rate: bool = True) -> list[str]:
        read.clear()
        clip_index.update(found, results, tmp_path / "cache", None, with_sample_rate)
        return read

    assert update(with_sample_rate=False) == []
    assert not file.exists()
    files = [f"audio_train/{name}" for name, _, _ in made.train]
    assert update() == files
    assert file.read_text() == "8000\n"
    assert update() == []
    assert update(with_sample_rate=False) == []
    assert update() == []
    paths = [made.folder / name for name in files]
    for path in paths[:18]:
        soundfile.write(path, tone(400, rate=32000), 32000)
        if path == paths[16]:  # 17 of 20
            assert update() == files
            assert file.read_text() == "8000\n"
    # A run that does not ask for the rate leaves none that is out of date.
    assert update(with_sample_rate=False) == []
    assert update() == files
    assert file.read_text() == "32000\n"
    # A clip that is gone does not count: 17 of 19 is less than nine tenths.
    paths[0].unlink()
    update()
    assert file.read_text() == "8000\n"


def test_jobs_compute_features_at_the_rate_that_was_planned(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], clips=10, test_clips=1)
    auto = {"sample_rate": "auto", "bands": 16, "lowest_hz": 100.0}
    overlay = {"dataset": str(made.folder), "features": {"log_mel": auto}}
    target = "results/set/features/log_mel/test.h5"
    code, text = snakemake(tmp_path / "run", target, overlay=overlay)
    assert code == 0, text
    with h5py.File(tmp_path / "run" / target) as file:
        text = str(dict(file.attrs))
    assert '"sample_rate": 8000' in text
    assert '"hop_samples": 93' in text  # 512 x 8,000 / 44,100
    # Another train clip, which does not change the rate of nine tenths.
    soundfile.write(made.audio_train / "new.wav", tone(300, rate=44100), 44100)
    write_rows(made.train_list, TRAIN_HEADER, [*made.train, ("new.wav", "Bark", 1)])
    found = plan(tmp_path / "run", target, overlay=overlay)
    assert (found.code, found.counts) == (0, {}), found.text
    for name, _, _ in made.train:
        soundfile.write(made.audio_train / name, tone(300, rate=16000), 16000)
    found = plan(tmp_path / "run", target, overlay=overlay)
    assert found.counts == {"extract_features": 1}, found.text
