"""The manifest: checked lists, checked clips, folds; every bad input has its sentence."""

import logging
import math
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tiny import RATE, TinySet, make_set, tone, write_rows

from earmark import clip_lists, folds, inspection, layout, manifest
from earmark.errors import EarmarkError


def build(
    made: TinySet, bad_clips: str = "stop", seed: int = 1, fold_count: int = 3
) -> pd.DataFrame:
    return inspection.build(layout.find_layout(made.folder), fold_count, seed, bad_clips, threads=2)


def sentence_of(made: TinySet, bad_clips: str = "stop") -> str:
    with pytest.raises(EarmarkError) as caught:
        build(made, bad_clips)
    return str(caught.value)


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


def test_a_written_manifest_reads_back_the_same(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "NA"], empty_test_clips=1)
    table = build(made)
    manifest.write(table, tmp_path / "manifest.csv")
    again = manifest.read(tmp_path / "manifest.csv")
    exact = [name for name in manifest.COLUMNS if name not in ("seconds", "peak")]
    assert again[exact].to_dict("list") == table[exact].to_dict("list")
    for name in ("seconds", "peak"):
        assert np.allclose(again[name], table[name], atol=1e-6)


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


STRATA = st.lists(
    st.tuples(st.sampled_from(["Bark", "Cello", "Bus", "Gong"]), st.integers(0, 1)), max_size=80
)


@given(clips=STRATA, fold_count=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_folds_are_even_in_every_stratum_and_in_all(
    clips: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    labels, verified = [label for label, _ in clips], [flag for _, flag in clips]
    drawn = folds.draw(labels, verified, fold_count, np.random.default_rng(seed))
    assert len(drawn) == len(clips)
    sizes = Counter(clips)
    counts: dict[tuple[str, int], Counter[int]] = {key: Counter() for key in sizes}
    for key, fold in zip(clips, drawn.tolist(), strict=True):
        counts[key][fold] += 1
    for key, found in counts.items():
        if key[1] == 1 and sizes[key] == 1:
            assert found == {-1: 1}
        else:
            assert set(found) <= set(range(fold_count))
            dealt = [found[fold] for fold in range(fold_count)]
            assert max(dealt) - min(dealt) <= 1
    everywhere = Counter(fold for fold in drawn.tolist() if fold >= 0)
    dealt = [everywhere[fold] for fold in range(fold_count)]
    assert max(dealt) - min(dealt) <= 1


def test_a_clip_that_is_both_trained_on_and_tested(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    assert made.test_list is not None
    both = made.train[0][0]
    write_rows(made.test_list, ("fname", "label"), [(name, "") for name in [*made.test, both]])
    sentence = sentence_of(made)
    for part in (both, str(made.train_list), "never trained on", "remove it"):
        assert part in sentence


def test_a_train_clip_that_is_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    for fname, _, _ in made.train[2:4]:
        (made.audio_train / fname).unlink()
    sentence = sentence_of(made, "skip")
    for part in (
        f"2 of {len(made.train) + len(made.test)} listed clips are absent",
        str(made.audio_train / made.train[2][0]),
        str(made.train_list),
        "Put the files there, or remove their lines",
    ):
        assert part in sentence


def test_a_test_clip_that_is_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    (made.audio_test / made.test[1]).unlink()
    (made.audio_test / made.test[1]).mkdir()  # a folder of that name is no clip
    sentence = sentence_of(made)
    for part in ("1 of", str(made.audio_test / made.test[1]), str(made.test_list)):
        assert part in sentence


def test_unreadable_audio_stops_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    made = make_set(tmp_path, ["Cello", "Bark"])
    bad = [made.audio_train / made.train[1][0], made.audio_test / made.test[0]]
    for path in bad:
        path.write_text("I am no audio.")
    sentence = sentence_of(made)
    for part in (f"2 of {len(made.train) + len(made.test)} clips", str(bad[0]), "unreadable"):
        assert part in sentence
    assert "Replace them, or write `bad_clips: skip`" in sentence
    for path in bad:
        assert str(path) in caplog.text


def test_unreadable_audio_can_be_skipped_and_nothing_is_lost(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    unverified = next(fname for fname, _, verified in made.train if not verified)
    (made.audio_train / unverified).write_text("I am no audio.")
    samples = tone(200.0)
    samples[5] = np.nan
    soundfile.write(made.audio_test / made.test[0], samples, RATE, "FLOAT")
    table = build(made, "skip").set_index("fname")
    assert len(table) == len(made.train) + len(made.test)
    assert table.loc[unverified, "status"] == "unreadable"
    assert table.loc[unverified, "fold"] == -1
    assert table.loc[made.test[0], "status"] == "broken"
    assert (table["status"] == "ok").sum() == len(table) - 2


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
    sentence = sentence_of(made, "skip")
    for part in ("'Oboe'", str(made.train_list), "manually_verified 1", "1 such classes of 3"):
        assert part in sentence
    assert "mark the right ones with 1" in sentence


def test_official_folds(official: Path) -> None:
    found = clip_lists.read_train_list(official / "train.csv")
    drawn = folds.draw(
        found["label"].tolist(), found["verified"].tolist(), 5, np.random.default_rng(1)
    )
    sizes = Counter(drawn.tolist())
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert set(sizes.values()) <= {math.floor(9473 / 5), math.ceil(9473 / 5)}
    for label, part in found.assign(fold=drawn).query("verified == 1").groupby("label"):
        assert part["fold"].nunique() == 5, label
