"""The inspection: every clip opened and judged, and what the config lets pass."""

import logging
import unicodedata
import zlib
from pathlib import Path
from typing import Any

import bad_audio
import numpy as np
import pandas as pd
import pytest
import soundfile
from tiny import RATE, TinySet, default_config, make_set, write_rows

from earmark import clip_lists, inspection, layout, manifest
from earmark.runtime.errors import EarmarkError

# No limit: of a tiny set, one bad clip is more than the default allows.
LENIENT = {**default_config()["clips"], "most_skipped_percent": 100.0}


def build(made: TinySet, seed: int = 1, **policy: Any) -> pd.DataFrame:
    found = layout.find_layout(made.folder)
    return inspection.build(found, 3, seed, {**LENIENT, **policy}, threads=2)


def sentence_of(made: TinySet, **policy: Any) -> str:
    with pytest.raises(EarmarkError) as caught:
        build(made, **policy)
    return str(caught.value)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """What is logged."""
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


def spoil(path: Path, kind: str) -> None:
    path.write_bytes(next(each for each in bad_audio.KINDS if each.name == kind).spoil())


@pytest.mark.parametrize("zenodo", [False, True])
def test_manifest_of_a_small_set(tmp_path: Path, zenodo: bool) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], zenodo=zenodo, empty_test_clips=1)
    table = build(made)
    assert tuple(table.columns) == manifest.COLUMNS
    train, test = table[table["split"] == "train"], table[table["split"] == "test"]
    assert list(train[["fname", "label", "verified"]].itertuples(index=False, name=None)) == (
        made.train
    )
    assert test["fname"].tolist() == made.test
    assert len(table) == len(train) + len(test)
    assert set(test["label"]) == {""}
    assert set(test["verified"]) == {0}
    assert set(test["fold"]) == {-1}
    for row in table.itertuples():
        path = made.folder / row.path
        assert path.name == row.fname
        assert row.checksum == f"{zlib.crc32(path.read_bytes()):08x}"
        samples, rate = soundfile.read(path)
        assert (row.sample_rate, row.channels) == (rate, 1)
        assert row.seconds == pytest.approx(len(samples) / RATE)
        assert row.peak == pytest.approx(max(abs(samples), default=0.0))
        assert row.status == ("ok" if len(samples) else "empty")
    assert (table["status"] == "empty").sum() == 1


def test_the_truth_is_not_opened(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (tmp_path / "test_post_competition.csv").write_bytes(b"\xff\xfe\x00 no CSV")
    (tmp_path / "train_truth.csv").write_bytes(b"\xff\xfe\x00 no CSV")
    found = layout.find_layout(tmp_path)
    assert found.test_truth is not None
    assert clip_lists.test_names(found) == made.test
    assert len(build(made)) == len(made.train) + len(made.test)


def test_the_manifest_does_not_depend_on_truth_or_the_sample_labels(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], truth=True)
    before = build(made)
    (tmp_path / "test_post_competition.csv").unlink()
    (tmp_path / "train_truth.csv").unlink()
    assert made.test_list is not None
    write_rows(made.test_list, ("fname",), [(name,) for name in made.test])
    assert build(made).equals(before)


def test_the_same_seed_draws_the_same_folds_and_another_seed_others(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=12)
    first = build(made, seed=1)["fold"].tolist()
    assert build(made, seed=1)["fold"].tolist() == first
    assert build(made, seed=2)["fold"].tolist() != first


def test_a_clip_that_is_both_trained_on_and_tested(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    assert made.test_list is not None
    both = made.train[0][0]
    write_rows(made.test_list, ("fname", "label"), [(name, "") for name in [*made.test, both]])
    sentence = sentence_of(made)
    for part in (both, str(made.train_list), "never trained on", "remove it"):
        assert part in sentence


def test_clips_that_are_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    for fname, _, _ in made.train[2:4]:
        (made.audio_train / fname).unlink()
    (made.audio_test / made.test[1]).unlink()
    (made.audio_test / made.test[1]).mkdir()  # a folder of that name is no clip
    sentence = sentence_of(made)
    for part in (
        f"3 of {len(made.train) + len(made.test)} clips are absent",
        str(made.audio_train / made.train[2][0]),
        str(made.train_list),
        "remove their lines",
        "`absent: skip`",
    ):
        assert part in sentence
    table = build(made, absent="skip").set_index("fname")
    assert (table["status"] == "absent").sum() == 3
    assert table.loc[made.test[1], "use"] == 0


@pytest.mark.parametrize(
    ("listed", "wanted"), [("{stem}", "{stem}.wav"), ("{stem}.WAV", "{stem}.wav")]
)
def test_the_file_that_a_list_may_mean_is_named(tmp_path: Path, listed: str, wanted: str) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    stem = Path(made.train[0][0]).stem
    rows = [(listed.format(stem=stem), *made.train[0][1:]), *made.train[1:]]
    write_rows(made.train_list, ("fname", "label", "manually_verified"), rows)
    assert f"There is {wanted.format(stem=stem)}: write names as" in sentence_of(made)


def test_accents_may_be_spelled_in_either_way(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    composed = unicodedata.normalize("NFC", "B\u00e4r.wav")
    apart = unicodedata.normalize("NFD", composed)
    assert composed != apart
    (made.audio_train / made.train[0][0]).rename(made.audio_train / apart)
    rows = [(composed, *made.train[0][1:]), *made.train[1:]]
    write_rows(made.train_list, ("fname", "label", "manually_verified"), rows)
    row = build(made).iloc[0]
    assert (row["fname"], row["path"], row["status"]) == (composed, f"audio_train/{apart}", "ok")


def test_files_in_no_list_are_told(tmp_path: Path, told: Any) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (made.audio_train / "zz.wav").write_bytes(b"more")
    (made.audio_train / ".hidden").write_bytes(b"")
    (made.audio_train / "folder").mkdir()
    table = build(made)
    assert len(table) == len(made.train) + len(made.test)
    expected = f"1 files in {made.audio_train} are in no list and are not used, the first is zz.wav"
    assert expected in told.text


def test_what_each_status_becomes_by_default(tmp_path: Path, told: Any) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=20, test_clips=10)
    kinds = {
        "text": "not_audio",
        "WAV cut in its header": "unreadable",
        "a sample that is no number": "non_finite",
        "WAV cut in half": "truncated",
        "no samples": "empty",
        "zeros": "silent",
        "one sample": "too_short",
        "clipped": "clipped",
        "FLAC": "ok",
    }
    unverified = [fname for fname, _, verified in made.train if not verified]
    for place, kind in enumerate(kinds):
        spoil(made.audio_train / unverified[place], kind)
        spoil(made.audio_test / made.test[place], kind)
    table = build(made).set_index("fname")
    assert len(table) == len(made.train) + len(made.test)
    used_train = {"too_short", "clipped", "ok"}
    heard_test = {"too_short", "clipped", "ok", "truncated"}
    for place, status in enumerate(kinds.values()):
        train, test = table.loc[unverified[place]], table.loc[made.test[place]]
        assert (train["status"], test["status"]) == (status, status)
        assert train["use"] == (status in used_train)
        assert test["use"] == (status in heard_test)
        assert train["fold"] == -1 or train["use"] == 1
        assert bool(train["problem"]) == (status not in ("ok", "silent", "empty"))
        # Named in the log if and only if it is not used.
        assert (str(made.audio_train / unverified[place]) in told.text) == (train["use"] == 0)
    assert set(table.loc[made.test[len(kinds) :], "status"]) == {"ok"}
    learned = manifest.usable(table.reset_index())
    assert set(learned["fname"]) == set(table.index[(table["split"] == "train") & table["use"]])


def test_the_config_decides_for_each_status(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    unverified = next(fname for fname, _, verified in made.train if not verified)
    spoil(made.audio_train / unverified, "WAV cut in half")
    assert build(made, truncated="use").set_index("fname").loc[unverified, "use"] == 1
    assert build(made, truncated="skip").set_index("fname").loc[unverified, "use"] == 0
    sentence = sentence_of(made, truncated="stop")
    for part in (
        f"1 of {len(made.train) + len(made.test)} clips are truncated",
        f"{made.audio_train / unverified} (44078 of 88200 bytes)",
        "`truncated: skip` under `clips`",
    ):
        assert part in sentence
    # `stop` counts for test clips too.
    spoil(made.audio_test / made.test[0], "zeros")
    assert "1 of 16 clips are silent" in sentence_of(made, silent="stop")
    assert build(made, shortest_seconds=0.5)["status"].value_counts()["too_short"] == 14
    assert build(made, longest_seconds=0.2)["status"].value_counts()["too_long"] == 15


def test_more_than_the_limit_stops(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=20, test_clips=10)
    unverified = [fname for fname, _, verified in made.train if not verified]
    for fname in unverified[:2]:
        spoil(made.audio_train / fname, "text")
    assert (build(made, most_skipped_percent=5.0)["use"] == 0).sum() == 2  # 2 of 40 are 5 %
    spoil(made.audio_train / unverified[2], "zeros")
    sentence = sentence_of(made, most_skipped_percent=5.0)
    for part in (
        "3 of 40 train clips cannot be learned from",
        "2 not audio, 1 silent",
        "5 % of `most_skipped_percent`",
        "write a higher number there",
    ):
        assert part in sentence
    assert (build(made, most_skipped_percent=7.5)["use"] == 0).sum() == 3


def test_test_clips_without_sound_are_no_fault_but_broken_ones_are(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=10)
    for fname in made.test[:3]:
        spoil(made.audio_test / fname, "no samples")
    for fname in made.test[3:6]:
        spoil(made.audio_test / fname, "WAV cut in half")
    spoil(made.audio_test / made.test[6], "random bytes")
    assert build(made, most_skipped_percent=5.0)["use"].sum() == len(made.train) + 16
    spoil(made.audio_test / made.test[7], "an infinite sample")
    sentence = sentence_of(made, most_skipped_percent=5.0)
    assert "2 of 20 test clips cannot be heard (1 not audio, 1 non finite)" in sentence


def test_the_summary_counts_each_kind(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    unverified = [fname for fname, _, verified in made.train if not verified]
    spoil(made.audio_train / unverified[0], "text")
    spoil(made.audio_train / unverified[1], "stereo")
    spoil(made.audio_test / made.test[0], "zeros")
    assert inspection.summary(build(made)) == [
        "train: 12 clips, 11 of them used.",
        "train: 11 ok (sound, whole)",
        "train: 1 not audio (no sound file), skipped",
        "test: 4 clips, 3 of them used.",
        "test: 3 ok (sound, whole)",
        "test: 1 silent (zeros), guessed as if silent",
        "sample rate of clips: 8000 Hz: 13, 22050 Hz: 2",
        "channels of clips: 1: 14, 2: 1",
        "format of clips: WAV PCM_16: 15",
    ]


def test_the_same_sound_in_train_and_test_or_with_two_labels_is_told(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], empty_test_clips=2)
    assert inspection.repeated(build(made)) == []
    first = made.audio_train / made.train[0][0]
    (made.audio_test / made.test[0]).write_bytes(first.read_bytes())
    other = next(fname for fname, label, _ in made.train if label != made.train[0][1])
    (made.audio_train / other).write_bytes(first.read_bytes())
    leak, odd = inspection.repeated(build(made))
    assert "1 test clips have the same bytes as a train clip" in leak
    assert f"audio_test/{made.test[0]}" in leak
    assert "1 sounds are train clips more than once, with different labels" in odd
    assert other in odd


@pytest.mark.parametrize("damage", ["unverify", "empty", "unreadable"])
def test_a_class_without_a_usable_verified_clip(tmp_path: Path, damage: str) -> None:
    made = make_set(tmp_path, ["Cello", "Bark", "Oboe"])
    rows = []
    for fname, label, verified in made.train:
        flag = 0 if label == "Oboe" and damage == "unverify" else verified
        rows.append((fname, label, flag))
        if label == "Oboe" and verified and damage == "unreadable":
            (made.audio_train / fname).write_text("I am no audio.")
        if label == "Oboe" and verified and damage == "empty":
            soundfile.write(made.audio_train / fname, np.zeros(0), RATE, "PCM_16")
    write_rows(made.train_list, ("fname", "label", "manually_verified"), rows)
    sentence = sentence_of(made)
    for part in ("'Oboe'", str(made.train_list), "manually_verified 1", "1 such classes of 3"):
        assert part in sentence
    assert "mark the right ones with 1" in sentence
