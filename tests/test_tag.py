"""`earmark tag` and `earmark info`: tables of many files, bad ones among them, stopped and not."""

import csv
import io
import json
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bad_audio
import bundles
import numpy as np
import pytest
import soundfile
import torch
from tiny import tone

from earmark import Tagger, Tags
from earmark.dataset import audio, index
from earmark.evaluation.tags import COLUMNS
from earmark.runtime import locks
from earmark.tagging import command_line, files

RATE = 11025


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.make(tmp_path_factory.mktemp("bundle"), ("log_mel", "raw"), longest_seconds=10.0)


@pytest.fixture(scope="module")
def tagger(bundle: Path) -> Tagger:
    return Tagger.load(bundle, "cpu")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds in folders, from 0.2 to 15 s long."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(2)
    (folder / "b" / "c").mkdir(parents=True)
    for number, name in enumerate(["b/c/x.wav", "a.wav", "b/y.flac", "z.ogg", "long.wav"]):
        seconds = [1.2, 0.2, 3.3, 4.0, 15.0][number]
        notes = [tone(rng.uniform(200, 3000), 1.0, RATE) for _ in range(15)]
        soundfile.write(folder / name, np.concatenate(notes)[: round(seconds * RATE)], RATE)
    (folder / "notes.txt").write_text("not a sound")
    return folder


@pytest.fixture(autouse=True)
def _threads_as_they_were() -> Iterator[None]:
    """What the command sets; processes that are forked cannot use more threads than one."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)


def run(*arguments: object) -> int:
    """The exit status of the command line."""
    try:
        command_line.main([str(argument) for argument in arguments])
    except SystemExit as end:
        return 1 if isinstance(end.code, str) else int(end.code or 0)
    return 0


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def expected_rows(clip: str, start: str, end: str, tags: Tags) -> list[dict[str, str]]:
    cells = {"clip": clip, "start": start, "end": end, "problem": tags.problems[0]}
    return [
        {**cells, "label": label, "probability": f"{probability:.6f}", "rank": str(rank)}
        for rank, (label, probability) in enumerate(tags.best()[0], start=1)
    ]


def same_rows(found: list[dict[str, str]], expected: list[dict[str, str]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert list(one) == list(COLUMNS)
        assert abs(float(one.pop("probability")) - float(other.pop("probability"))) < 1e-5
        assert one == other


@pytest.mark.parametrize("threads", [1, 2])
def test_a_folder_gets_the_tags_of_its_files(
    tmp_path: Path, bundle: Path, tagger: Tagger, recordings: Path, threads: int,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    output = tmp_path / "new" / "tags.csv"
    output.parent.mkdir()
    assert run("tag", bundle, recordings, "-o", output, "--threads", threads) == 0
    names = ["a.wav", "b/c/x.wav", "b/y.flac", "long.wav", "z.ogg"]
    expected = [
        row for name in names for row in expected_rows(name, "", "", tagger(recordings / name))
    ]
    same_rows(rows_of(output), expected)
    assert os.listdir(output.parent) == ["tags.csv"]
    told = capfd.readouterr().err
    assert "tagged: 5;" in told
    assert "end like sound files: 1;" in told
    # To the terminal, and as files that are named.
    given = [recordings / name for name in names]
    assert run("tag", bundle, *given, "--threads", threads) == 0
    printed = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    prefix = f"{recordings}/"
    same_rows(printed, [{**row, "clip": prefix + row["clip"]} for row in rows_of(output)])


def test_windows_get_the_tags_of_their_samples(
    tmp_path: Path, bundle: Path, tagger: Tagger, recordings: Path
) -> None:
    output = tmp_path / "tags.csv"
    arguments = ("--window", 2, "--hop", 1.5, "--threads", 2, "-o", output)
    assert run("tag", bundle, recordings, *arguments) == 0
    times = {
        "a.wav": [(0, 0.2)],
        "b/c/x.wav": [(0, 1.2)],
        "b/y.flac": [(0, 2), (1.5, 3.299955)],
        "long.wav": [*((1.5 * n, 1.5 * n + 2) for n in range(9)), (13.5, 15)],
        "z.ogg": [(0, 2), (1.5, 3.5), (3, 4)],
    }
    expected = []
    for name, parts in times.items():
        samples, rate = soundfile.read(recordings / name, dtype="float32")
        for start, end in parts:
            tags = tagger(samples[round(start * rate) : round(end * rate)], rate)
            expected += expected_rows(
                f"{name}#{start:.3f}-{end:.3f}", str(float(start)), str(float(end)), tags
            )
    same_rows(rows_of(output), expected)


def test_top_threshold_and_json_lines(
    tmp_path: Path, bundle: Path, tagger: Tagger, recordings: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"text")
    output = tmp_path / "tags.jsonl"
    sounds = (recordings / "z.ogg", bad, recordings / "a.wav")
    assert run("tag", bundle, *sounds, "-o", output, "--top", 5, "--threshold", 0.2) == 3
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert all(list(line) == list(COLUMNS) for line in lines)
    (unheard,) = (line for line in lines if line["label"] is None)
    assert unheard["clip"] == str(bad)
    assert unheard["probability"] is unheard["rank"] is unheard["start"] is None
    assert unheard["problem"].startswith("not_audio")
    for sound in (sounds[0], sounds[2]):
        (values,) = tagger(sound).probabilities
        found = [line for line in lines if line["clip"] == str(sound)]
        assert [line["probability"] for line in found] == pytest.approx(
            sorted((value for value in values if value >= 0.2), reverse=True), abs=1e-5
        )
        assert [line["rank"] for line in found] == list(range(1, len(found) + 1))


def test_folders_and_links_that_cannot_be_read_get_a_row(
    tmp_path: Path, bundle: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sounds"
    (folder / "b" / "locked").mkdir(parents=True)
    shutil.copy(recordings / "a.wav", folder / "b" / "m.wav")
    (folder / "b" / "gone.wav").symlink_to("nowhere")
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "notes").symlink_to("nowhere")
    look = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("locked"):  # the permissions of root are no test
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    output = tmp_path / "tags.csv"
    assert run("tag", bundle, folder, "-o", output, "--threads", 1) == 3
    told = {row["clip"]: row["problem"] for row in rows_of(output)}
    assert [*told] == ["b/gone.wav", "b/locked", "b/m.wav", "loop.wav"]
    assert "nowhere" in told["b/gone.wav"]
    assert "Permission denied" in told["b/locked"]
    assert told["b/m.wav"] == ""
    # The workflow has the same clips.
    assert [row.file for row in index.rows_of_sounds(folder)] == [*told]


@pytest.mark.parametrize("options", [(), ("--window", "1.5", "--hop", "0.7")])
def test_broken_files_of_every_kind_get_a_row_and_the_others_their_tags(
    tmp_path: Path, bundle: Path, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    statuses = {}
    for number, kind in enumerate(bad_audio.KINDS):
        name = f"{number:03d}.wav"
        (folder / name).write_bytes(kind.spoil())
        statuses[name] = audio.inspect(folder / name, 0.0, 10.0).status
    output = tmp_path / "tags.csv"
    assert run("tag", bundle, folder, "-o", output, "--threads", 2, *options) == 3
    rows = rows_of(output)
    for name, status in statuses.items():
        found = [row for row in rows if row["clip"].split("#")[0] == name]
        heard = [row for row in found if row["label"]]
        assert bool(heard) == (status in audio.STATUSES_WITH_SOUND), (name, status)
        if not heard:
            assert {row["problem"].split(":")[0] for row in found} == {status}
        if status in ("truncated", "unreadable"):
            assert any(row["problem"].startswith(status) for row in found), (name, status)
        assert all(sum(float(row["probability"]) for row in heard) > 0 for row in heard)


def work(tagger: Tagger, recordings: Path, output: Path) -> None:
    os.setpgid(0, 0)
    sounds, _ = files.find([recordings])
    files.tag_to_file(tagger, sounds * 3, files.Options(1.0, 0.25), 2, output)


def test_a_killed_run_goes_on_to_the_same_bytes(
    tmp_path: Path, tagger: Tagger, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH_CLIPS", 11)
    undisturbed, output = tmp_path / "a.csv", tmp_path / "b.csv"
    sounds, _ = files.find([recordings])
    files.tag_to_file(tagger, sounds * 3, files.Options(1.0, 0.25), 2, undisturbed)
    draw, kills = random.Random(5), 0
    while not output.exists():
        fork = multiprocessing.get_context("fork")
        process = fork.Process(target=work, args=(tagger, recordings, output))
        process.start()
        process.join(draw.uniform(0.05, 0.5) if kills < 5 else None)
        if process.exitcode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
            kills += 1
            partial = tmp_path / "b.csv.partial"
            if draw.random() < 0.4 and partial.exists():  # a line that was being written
                with partial.open("a") as file:
                    file.write("a.wav#0.000-1.0")
    assert kills >= 3
    assert output.read_bytes() == undisturbed.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.csv"]


def stop_after_a_batch(
    tagger: Tagger, sounds: list[files.SoundFile], options: files.Options, output: Path
) -> None:
    def stopping(batch):
        count = 0

        def stop_at_second(*given):
            nonlocal count
            count += 1
            if count == 2:
                raise KeyboardInterrupt
            return batch(*given)

        return stop_at_second

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BATCH_CLIPS", 2)
        patch.setattr(Tagger, "tag", stopping(Tagger.tag))
        with pytest.raises(KeyboardInterrupt):
            files.tag_to_file(tagger, sounds, options, 1, output)


def test_a_partial_file_of_another_run_is_not_used(
    tmp_path: Path, tagger: Tagger, recordings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sounds, _ = files.find([recordings])
    output = tmp_path / "tags.csv"

    for options in (files.Options(top=1), files.Options(1.0, 1.0), files.Options()):
        stop_after_a_batch(tagger, sounds, options, output)
        assert (tmp_path / "tags.csv.partial").exists()
    files.tag_to_file(tagger, sounds, files.Options(top=2), 1, output)
    assert sum("anew" in message for message in caplog.messages) == 3
    assert {row["rank"] for row in rows_of(output)} == {"1", "2"}
    assert len(rows_of(output)) == 10


def state_with(place: int, value: object) -> Callable[[Path], None]:
    def change(output: Path) -> None:
        state = output.with_name("tags.csv.state")
        entries = json.loads(state.read_text())
        entries[place] = value
        state.write_text(json.dumps(entries))

    return change


def state_of(content: bytes) -> Callable[[Path], None]:
    return lambda output: output.with_name("tags.csv.state").write_bytes(content) and None


def damage_table(output: Path) -> None:
    partial = output.with_name("tags.csv.partial")
    content = bytearray(partial.read_bytes())
    content[-5] ^= 1
    partial.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        *(state_of(content) for content in (
            b"", b"[", b"[]", b"{}", b"null", b"7", b"\xff\x00", b"[" * 99_999, b'["x"]'
        )),
        *(state_with(1, size) for size in (-1, 0, 1, "9", None, 1e400, 10**30, [])),
        *(state_with(2, heard) for heard in ("2", None, 3)),
        *(state_with(4, following) for following in (0, [], [2], [9, 9], [-1, 0], ["0", "0"])),
        damage_table,
    ],
)  # fmt: skip
def test_after_damage_a_run_begins_anew(
    tmp_path: Path, tagger: Tagger, recordings: Path, caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:  # fmt: skip
    sounds = files.find([recordings])[0][:4]
    sounds = [sound for sound in sounds if "long" not in sound.name]
    output = tmp_path / "tags.csv"
    stop_after_a_batch(tagger, sounds, files.Options(), output)
    damage(output)
    assert files.tag_to_file(tagger, sounds, files.Options(), 1, output) == (3, 0)
    assert [row["clip"] for row in rows_of(output)][::3] == [sound.name for sound in sounds]
    assert sum("anew" in message for message in caplog.messages) == 1
    assert os.listdir(tmp_path) == ["tags.csv"]


def test_a_run_that_was_killed_at_its_end_is_no_other_run(
    tmp_path: Path, tagger: Tagger, recordings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sounds, output = files.find([recordings])[0][:3], tmp_path / "tags.csv"
    stop_after_a_batch(tagger, sounds, files.Options(), output)
    (tmp_path / "tags.csv.partial").rename(output)
    assert files.tag_to_file(tagger, sounds, files.Options(), 1, output) == (3, 0)
    assert not [message for message in caplog.messages if "anew" in message]


def test_outputs_that_cannot_be_written_are_refused_first(
    tmp_path: Path, bundle: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(Tagger, "load", None)
    sound = tmp_path / "a.wav"
    shutil.copy(recordings / "a.wav", sound)
    before = sound.read_bytes()
    (tmp_path / "link.csv").symlink_to(sound)
    (tmp_path / "hard.csv").hardlink_to(sound)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "b").mkdir()
    outputs = {
        **dict.fromkeys(("a.wav", "b/../a.wav", "link.csv", "hard.csv"), "one of the sounds"),
        **{"b": "a folder", "pipe": "a pipe", "/dev/full": "device", "c/d.csv": "no folder"},
        "a.wav/tags.csv": "no folder",
    }
    names = sorted(os.listdir(tmp_path))
    for name, words in outputs.items():
        with pytest.raises(SystemExit, match=words):
            command_line.main(["tag", str(bundle), str(tmp_path), "-o", str(tmp_path / name)])
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "b")
    assert run("tag", bundle, sound, "-o", tmp_path / "b" / "tags.csv") == 1
    assert (sorted(os.listdir(tmp_path)), sound.read_bytes()) == (names, before)


def test_a_link_to_a_table_stays_one(
    tmp_path: Path, bundle: Path, recordings: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    link = tmp_path / "tags.csv"
    link.symlink_to("b/real.csv")
    assert run("tag", bundle, recordings / "a.wav", "-o", link, "--threads", 1) == 0
    assert link.is_symlink()
    assert len(rows_of(tmp_path / "b/real.csv")) == 3
    assert os.listdir(tmp_path / "b") == ["real.csv"]


def test_two_runs_do_not_write_one_table(
    tmp_path: Path, bundle: Path, recordings: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with locks.file_lock(tmp_path / "tags.csv.lock"):
        assert run("tag", bundle, recordings, "-o", tmp_path / "tags.csv") == 1
    assert os.listdir(tmp_path) in ([], ["tags.csv.lock"])


def test_exit_statuses_and_help(
    tmp_path: Path, bundle: Path, recordings: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = recordings / "a.wav"
    assert run("tag", bundle, tmp_path / "absent.wav") == 1
    assert run("tag", tmp_path, sound) == 1
    (tmp_path / "empty").mkdir()
    assert run("tag", bundle, tmp_path / "empty") == 1
    wrong = (
        ("--hop", "1"), ("--window", "0"), ("--window", "nan"), ("--window", "inf"),
        ("--window", "1e305"), ("--window", "1", "--hop", "1e308"),
        ("--top", "0"), ("--threshold", "1.5"), ("--format", "xml"), ("--window", "x"),
    )  # fmt: skip
    for options in wrong:
        assert run("tag", bundle, sound, *options) == 2, options
    capfd.readouterr()
    assert run("info", bundle) == 0
    assert capfd.readouterr().out == (bundle / "README.md").read_text()
    for name in ("init", "tag", "info"):
        assert run(name, "--help") == 0
        assert f"\n  earmark {name} " in capfd.readouterr().out
