"""The inspection: every clip opened and inspected, and what the config lets pass."""

import logging
from pathlib import Path
from typing import Any

import bad_audio
import inspect_clips
import numpy as np
import pandas as pd
import pytest
import soundfile
from tiny import RATE, TRAIN_HEADER, TinySet, default_config, make_set, write_rows

from earmark.dataset import clips, guessing, index, inspection
from earmark.runtime.errors import EarmarkError

# No limit: of a tiny set, one bad clip is more than the default allows.
LENIENT = {**default_config()["clips"], "most_skipped_percent": 100.0}
PARTS = ("train", "test")


def inspect(made: TinySet, part: str, **policy: Any) -> pd.DataFrame:
    rows = getattr(index.build(guessing.layout_of(made.folder)), part)
    table = pd.DataFrame(rows, columns=list(index.COLUMNS))
    return inspection.inspect(table, made.folder, part, {**LENIENT, **policy}, threads=2)


def sentence_of(made: TinySet, part: str, **policy: Any) -> str:
    with pytest.raises(EarmarkError) as caught:
        inspect(made, part, **policy)
    return str(caught.value)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """What is logged."""
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


def spoil(path: Path, kind: str) -> None:
    path.write_bytes(next(each for each in bad_audio.KINDS if each.name == kind).spoil())


def status_of(table: pd.DataFrame) -> dict[str, str]:
    return dict(zip(table["clip"], table["status"], strict=True))


@pytest.mark.parametrize("zenodo", [False, True])
def test_clips_of_a_small_set(tmp_path: Path, zenodo: bool) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], zenodo=zenodo, empty_test_clips=1)
    tables = {part: inspect(made, part) for part in PARTS}
    assert tables["train"]["clip"].tolist() == [fname for fname, _, _ in made.train]
    assert tables["test"]["clip"].tolist() == made.test
    for part, table in tables.items():
        assert tuple(table.columns) == clips.COLUMNS
        for row in table.itertuples():
            path = made.folder / str(row.file)
            assert path.samefile(getattr(made, f"audio_{part}") / str(row.clip))
            samples, rate = soundfile.read(path)
            assert (row.sample_rate, row.channels) == (rate, 1)
            assert row.seconds == pytest.approx(len(samples) / RATE)
            assert row.peak == pytest.approx(max(abs(samples), default=0.0))
            assert row.status == ("ok" if len(samples) else "empty")
            assert row.use == (len(samples) > 0)
    assert (tables["test"]["status"] == "empty").sum() == 1


def test_sounds_to_tag_stop_no_run(tmp_path: Path) -> None:
    kinds = [kind for kind in bad_audio.KINDS if kind.expected != "absent"]
    for kind in kinds:
        (tmp_path / f"{kind.name}.wav").write_bytes(kind.spoil())
    table = pd.DataFrame(index.rows_of_sounds(tmp_path), columns=list(index.COLUMNS))
    stop = {name: "stop" for name in default_config()["clips"] if not name.endswith("seconds")}
    policy = {
        **default_config()["clips"],
        **stop,
        "most_skipped_percent": 0.0,
        "longest_seconds": 10.0,
    }
    found = inspection.inspect(table, tmp_path, "sounds", policy, threads=2)
    assert status_of(found) == {f"{kind.name}.wav": kind.expected for kind in kinds}
    heard = ("ok", "clipped", "too_short", "too_long", "truncated")
    assert found["use"].tolist() == [int(status in heard) for status in found["status"]]


def test_a_written_table_reads_back_the_same(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], empty_test_clips=1)
    spoil(made.audio_test / made.test[0], "text")
    table = inspect(made, "test")
    clips.write(table, tmp_path / "test.csv")
    again = clips.read(tmp_path / "test.csv")
    exact = [name for name in clips.COLUMNS if name not in ("seconds", "peak")]
    assert again[exact].to_dict("list") == table[exact].to_dict("list")
    for name in ("seconds", "peak"):
        assert np.allclose(again[name], table[name], atol=1e-6)


def test_two_copies_of_a_set_give_the_same_bytes_by_the_script(tmp_path: Path) -> None:
    found = []
    for name in ("one", "another"):
        made = make_set(tmp_path / name / "set", ["Cello", "Bark"])
        spoil(made.audio_train / made.train[0][0], "WAV cut in half")
        table, index_table = tmp_path / name / "clips.csv", tmp_path / name / "train.csv"
        built = index.build(guessing.layout_of(made.folder))
        index.write(built, {part: index_table.with_name(f"{part}.csv") for part in built.texts()})
        # Of a data set that the workflow made, the folders of clips are inputs.
        inspect_clips.main(
            index_table=str(index_table),
            audio=[str(made.audio_train), str(made.audio_test)] if name == "one" else [],
            table=str(table),
            cfg={"part": "train", "clips": LENIENT},
            threads=1,
            folders={"train": str(made.folder) if name == "another" else "nowhere"},
        )
        found.append(table.read_bytes())
    assert found[0] == found[1]
    assert b"truncated" in found[0]


def test_an_index_edited_meanwhile_gives_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"])
    built = index.build(guessing.layout_of(made.folder))
    paths = {part: tmp_path / f"{part}.csv" for part in built.texts()}
    index.write(built, paths)
    inspect_all = inspection.inspect

    def edited(*arguments: Any) -> pd.DataFrame:
        table = inspect_all(*arguments)
        paths["train"].write_text(paths["train"].read_text().rsplit("\n", 2)[0] + "\n")
        return table

    monkeypatch.setattr(inspection, "inspect", edited)
    with pytest.raises(EarmarkError, match="edited while"):
        inspect_clips.main(
            index_table=str(paths["train"]),
            audio=[],
            table=str(tmp_path / "clips.csv"),
            cfg={"part": "train", "clips": LENIENT},
            threads=1,
            folders={"train": str(made.folder)},
        )
    assert not (tmp_path / "clips.csv").exists()


def test_clips_that_are_listed_but_absent(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    for fname, _, _ in made.train[2:4]:
        (made.audio_train / fname).unlink()
    (made.audio_test / made.test[1]).unlink()
    (made.audio_test / made.test[1]).mkdir()  # a folder of that name is no clip
    sentence = sentence_of(made, "train")
    for part in (
        f"2 of {len(made.train)} train clips are absent",
        str(made.audio_train / made.train[2][0]),
        "remove their lines from the train list",
        "`absent: skip`",
    ):
        assert part in sentence
    assert f"1 of {len(made.test)} test clips are absent" in sentence_of(made, "test")
    train = inspect(made, "train", absent="skip").set_index("clip")
    assert train.loc[[made.train[2][0], made.train[3][0]], "status"].tolist() == ["absent"] * 2
    test = inspect(made, "test", absent="skip").set_index("clip")
    assert (test.loc[made.test[1], "status"], test.loc[made.test[1], "use"]) == ("absent", 0)


def test_the_file_that_a_list_may_mean_is_named(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"])
    stem = Path(made.train[0][0]).stem
    rows = [(f"{stem}.WAV", *made.train[0][1:]), *made.train[1:]]
    write_rows(made.train_list, TRAIN_HEADER, rows)
    meant = f"There is {stem}.wav: write names as"
    assert meant in sentence_of(made, "train")
    # In a folder that is not there is no such file.
    rows[0] = (f"none/{rows[0][0]}", *rows[0][1:])
    write_rows(made.train_list, TRAIN_HEADER, rows)
    sentence = sentence_of(made, "train")
    assert "1 of 8 train clips are absent" in sentence
    assert "There is" not in sentence


def test_what_each_status_becomes_by_default(tmp_path: Path, told: Any) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=20, test_clips=10)
    kinds = {
        "text": "not_audio",
        "WAV cut in its header": "unreadable",
        "a sample that is NaN": "non_finite",
        "WAV cut in half": "truncated",
        "no samples": "empty",
        "zeros": "silent",
        "one sample": "too_short",
        "clipped": "clipped",
        "FLAC": "ok",
    }
    names = [fname for fname, _, _ in made.train]
    for place, kind in enumerate(kinds):
        spoil(made.audio_train / names[place], kind)
        spoil(made.audio_test / made.test[place], kind)
    tables = {part: inspect(made, part).set_index("clip") for part in PARTS}
    used = {"too_short", "clipped", "ok", "truncated"}
    for place, status in enumerate(kinds.values()):
        train, test = tables["train"].loc[names[place]], tables["test"].loc[made.test[place]]
        assert (train["status"], test["status"]) == (status, status)
        assert train["use"] == test["use"] == (status in used)
        assert bool(train["problem"]) == (status not in ("ok", "silent", "empty"))
        # Named in the log if and only if it is not used, or only in part.
        is_told = status not in used or status == "truncated"
        assert (str(made.audio_train / names[place]) in told.text) == is_told
    for table, listed in ((tables["train"], names), (tables["test"], made.test)):
        assert table.index.tolist() == listed
        assert set(table["status"].iloc[len(kinds) :]) == {"ok"}
    usable = set(clips.usable(tables["train"].reset_index()))
    assert usable == set(names) - {
        name for name, kind in zip(names, kinds.values(), strict=False) if kind not in used
    }


def test_the_config_decides_for_each_status(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    name = made.train[3][0]
    spoil(made.audio_train / name, "WAV cut in half")
    for policy, use in (("use", 1), ("skip", 0)):
        assert inspect(made, "train", truncated=policy).set_index("clip").loc[name, "use"] == use
    sentence = sentence_of(made, "train", truncated="stop")
    for part in (
        "1 of 12 train clips are truncated",
        f"{made.audio_train / name} (44078 of 88200 bytes)",
        "`truncated: skip` under `clips`",
    ):
        assert part in sentence
    # `stop` counts for test clips too.
    spoil(made.audio_test / made.test[0], "zeros")
    assert "1 of 4 test clips are silent" in sentence_of(made, "test", silent="stop")
    statuses = [*status_of(inspect(made, "train", shortest_seconds=0.5)).values()]
    assert statuses.count("too_short") == 11
    statuses = [*status_of(inspect(made, "train", longest_seconds=0.2)).values()]
    assert statuses.count("too_long") == 12


def test_more_than_the_limit_stops(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=20)
    names = [fname for fname, _, _ in made.train]
    for fname in names[:2]:
        spoil(made.audio_train / fname, "text")
    found = inspect(made, "train", most_skipped_percent=5.0)
    assert (found["use"] == 0).sum() == 2  # 2 of 40 are 5 %
    spoil(made.audio_train / names[2], "zeros")
    sentence = sentence_of(made, "train", most_skipped_percent=5.0)
    for part in (
        "3 of 40 train clips cannot be used",
        "2 not_audio, 1 silent",
        "5 % of `most_skipped_percent`",
        "write a higher number there",
    ):
        assert part in sentence
    assert (inspect(made, "train", most_skipped_percent=7.5)["use"] == 0).sum() == 3


def test_test_clips_without_sound_are_no_fault_but_broken_ones_are(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], test_clips=10)
    for fname in made.test[:3]:
        spoil(made.audio_test / fname, "no samples")
    for fname in made.test[3:6]:
        spoil(made.audio_test / fname, "WAV cut in half")
    spoil(made.audio_test / made.test[6], "random bytes")
    assert inspect(made, "test", most_skipped_percent=5.0)["use"].sum() == 16
    spoil(made.audio_test / made.test[7], "an infinite sample")
    sentence = sentence_of(made, "test", most_skipped_percent=5.0)
    assert "2 of 20 test clips cannot be used (1 not_audio, 1 non_finite)" in sentence


def test_the_summary_counts_each_kind(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Cello", "Bark"], clips=6)
    names = [fname for fname, _, _ in made.train]
    spoil(made.audio_train / names[0], "text")
    spoil(made.audio_train / names[1], "stereo")
    spoil(made.audio_test / made.test[0], "zeros")
    assert inspection.summary(inspect(made, "train"), "train") == [
        "train: 12 clips, 11 of them used",
        "train, status: ok (11), not_audio (1)",
        "train, sample_rate: 8000 (10), 22050 (1)",
        "train, channels: 1 (10), 2 (1)",
        "train, format: WAV PCM_16 (11)",
    ]
    assert inspection.summary(inspect(made, "test"), "test")[:2] == [
        "test: 4 clips, 3 of them used",
        "test, status: ok (3), silent (1)",
    ]
