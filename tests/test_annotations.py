"""Annotations: Raven's and Audacity's files, the clips of recordings, events that are written."""

import csv
from pathlib import Path
from typing import Any

import bundles
import numpy as np
import pytest
import recordings
import soundfile
from recordings import Event
from tiny import read_rows, tone

from earmark.dataset import annotations, guessing, index
from earmark.dataset.annotations import Annotation
from earmark.dataset.sound_files import SoundFiles
from earmark.runtime.errors import EarmarkError
from earmark.tagging import events
from earmark.tagging.command_line import main
from earmark.tagging.files import SoundFile

RATE = 8000
SPANS = [Event(0.5, 1.25, "wren"), Event(1.0, 2.0, "robin"), Event(7.125, 7.5, "wren")]


def recording(path: Path, seconds: float = 10.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(300.0, seconds, RATE), RATE)
    return path


def found_in(folder: Path) -> annotations.Found:
    files = SoundFiles(folder)
    return annotations.find(files, annotations.candidates(files))


def rows_of(folder: Path) -> list[tuple[str, float, float, str]]:
    rows = read_rows(folder / "dataset_clips.csv")
    return [(row["file"], float(row["start"]), float(row["end"]), row["label"]) for row in rows]


@pytest.mark.parametrize("column", ["Annotation", "Species", "Tag", "Call kind", "Common Name"])
def test_a_selection_table(tmp_path: Path, column: str, capsys: Any) -> None:
    recording(tmp_path / "a/night.wav")
    recordings.write_raven(tmp_path / "a/night.Table.1.selections.txt", SPANS, column)
    main(["init", str(tmp_path)])
    assert "none can be held out" in capsys.readouterr().out
    assert rows_of(tmp_path) == [("a/night.wav", *span) for span in SPANS]
    # What was written is what a run reads; clips of one recording have it in common.
    clips = index.read_lists(guessing.layout_of(tmp_path)).train
    assert [(clip.start, clip.end, clip.label) for clip in clips] == [
        ("0.5", "1.25", "wren"), ("1", "2", "robin"), ("7.125", "7.5", "wren"),
    ]  # fmt: skip
    assert {clip.recording for clip in clips} == {"a/night.wav"}


@pytest.mark.parametrize("name", ["night.txt", "night.labels.txt", "night.flac.txt"])
def test_a_label_file(tmp_path: Path, name: str, capsys: Any) -> None:
    recording(tmp_path / "night.flac")
    point = Event(5.0, 5.0, "owl")
    recordings.write_audacity(tmp_path / name, [*SPANS, point])
    with pytest.raises(EarmarkError, match="earmark init"):
        guessing.layout_of(tmp_path)
    main(["init", str(tmp_path)])
    assert rows_of(tmp_path) == [("night.flac", *span) for span in SPANS]
    printed = capsys.readouterr().out
    assert "Points" in printed
    assert "overlap with one before of another label, both taken: 1." in printed


def test_tables_that_name_their_recordings(tmp_path: Path) -> None:
    for name in ("east/one.wav", "east/two.wav", "west/two.wav"):
        recording(tmp_path / "audio" / name)
    lines = [
        recordings.RAVEN + "Begin Path\tBegin File\tFile Offset (s)\tNotes\tKind",
        "1\tSpectrogram 1\t1\t2.0\t3.0\t0\t4000\tD:\\x\\one.wav\tone.wav\t2.0\tnice\twren",
        # In the second of two files that were opened as one.
        "2\tSpectrogram 1\t1\t14.0\t15.5\t0\t4000\tD:\\x\\two.wav\ttwo.wav\t4.0\t\trobin",
        "3\tSpectrogram 1\t1\t16.0\t16.5\t0\t4000\tD:\\x\\gone.wav\tgone.wav\t4.0\t\trobin",
    ]
    table = tmp_path / "audio/east/all.txt"
    table.write_text("\n".join(lines))
    found = found_in(tmp_path)
    assert found.recordings == {
        "audio/east/one.wav": [(2.0, 3.0, "wren", None)],
        "audio/east/two.wav": [(4.0, 5.5, "robin", None)],
    }
    assert [*found.lost] == [table]
    assert "line 4: there is no recording gone.wav" in found.lost[table]


def test_a_usual_column_without_labels_is_not_taken(tmp_path: Path) -> None:
    recording(tmp_path / "night.wav")
    table = f"{recordings.RAVEN}Annotation\tSpecies\n1\ta\t1\t1\t2\t0\t1\t\twren\n"
    (tmp_path / "night.txt").write_text(table)
    assert found_in(tmp_path).recordings == {"night.wav": [(1.0, 2.0, "wren", None)]}


def test_short_annotations_are_widened_and_the_rest_is_background(tmp_path: Path) -> None:
    recording(tmp_path / "night.wav", 20.0)
    spans = [Event(0.2, 0.4, "a"), Event(7.0, 7.0, "b"), Event(10.0, 16.0, "c"), Event(9, 9.5, "")]
    recordings.write_audacity(tmp_path / "night.txt", [*spans, Event(19.5, 19.75, "d")])
    main(["init", str(tmp_path), "--window", "2", "--background"])
    assert rows_of(tmp_path) == [
        ("night.wav", 0.0, 2.0, "a"),
        ("night.wav", 6.0, 8.0, "b"),
        ("night.wav", 10.0, 16.0, "c"),
        ("night.wav", 18.0, 20.0, "d"),
        # Between those and the one without label, as it is from 8.25 to 10.25, are 2-6 and 16-18.
        ("night.wav", 2.0, 4.0, "background"),
        ("night.wav", 4.0, 6.0, "background"),
        ("night.wav", 16.0, 18.0, "background"),
    ]


@pytest.mark.parametrize("cover", [0, 100_000])
def test_the_length_is_what_decodes(tmp_path: Path, cover: int, capsys: Any) -> None:
    # An MP3 of variable bit rate without a count: its size says nothing of its length.
    half = RATE * 5 // 2
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, half)
    samples = np.concatenate([noise, np.zeros(half)])
    soundfile.write(tmp_path / "n.mp3", samples, RATE, format="MP3", bitrate_mode="VARIABLE")
    frames = (tmp_path / "n.mp3").read_bytes()
    frames = frames[frames.index(frames[:2], 4) :]
    tag = b"ID3\4\0\0" + bytes([0, cover >> 14, cover >> 7 & 127, cover & 127]) + bytes(cover)
    (tmp_path / "n.mp3").write_bytes((tag if cover else b"") + frames)
    (tmp_path / "n.txt").write_text("4.4\t4.6\ty\n")
    main(["init", str(tmp_path), "--window", "1", "--background"])
    spans = [(start, end) for _, start, end, label in rows_of(tmp_path) if label == "y"]
    assert spans == [(4.0, 5.0)]
    # All of the rest is background, and nothing beyond the end; the coder adds at most 0.3 s.
    assert "background: 1 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("window", ["", "2"])
def test_annotations_outside_the_recording_are_told(
    tmp_path: Path, window: str, capsys: Any
) -> None:
    recording(tmp_path / "night.wav")
    outside = [Event(-5, -4, "c"), Event(9.5, 10.2, "d"), Event(30, 60, "e"), Event(100, 101, "b")]
    recordings.write_audacity(tmp_path / "night.txt", [Event(1, 2, "a"), *outside])
    options = ["--window", window, "--background"] if window else []
    main(["init", str(tmp_path), *options])
    assert capsys.readouterr().out.count("the part ends at") == 3
    found = rows_of(tmp_path)
    assert [row for row in found if row[3] in "bcde"] == [("night.wav", *one) for one in outside]
    background = [row[1:3] for row in found if row[3] == "background"]
    assert background == ([(2.5, 4.5), (4.5, 6.5), (6.5, 8.5)] if window else [])


def test_there_is_as_much_background_as_annotation(tmp_path: Path) -> None:
    for name in ("one", "two"):
        recording(tmp_path / f"{name}.wav", 60.0)
    recordings.write_raven(tmp_path / "one.Table.1.selections.txt", [Event(0, 2, "a")] * 2)
    recordings.write_raven(tmp_path / "two.Table.1.selections.txt", [Event(40, 42, "b")])
    main(["init", str(tmp_path), "--window", "1", "--background"])
    rows = [row for row in rows_of(tmp_path) if row[3] == "background"]
    # Of 58 + 58 windows, the first one and the one in the middle.
    assert rows == [("one.wav", 2.0, 3.0, "background"), ("two.wav", 0.0, 1.0, "background")]


def test_a_stretch_with_two_labels_is_no_clip(tmp_path: Path, capsys: Any) -> None:
    recording(tmp_path / "night.wav")
    recordings.write_raven(tmp_path / "night.Table.1.selections.txt", SPANS)
    again = [Event(7.1250001, 7.5, "owl"), SPANS[0]]
    recordings.write_audacity(tmp_path / "night.txt", again)
    main(["init", str(tmp_path)])
    assert "Stretches with several labels" in capsys.readouterr().out
    clips = index.read_lists(guessing.layout_of(tmp_path)).train
    assert [clip.label for clip in clips] == ["wren", "robin"]
    assert rows_of(tmp_path)[-1][3] == "wren;owl"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (recordings.RAVEN + "Kind\tForm\n1\ta\t1\t1\t2\t0\t1\tx\ty\n", "Name it 'Annotation'"),
        (recordings.RAVEN + "Kind\n1\ta\t1\tearly\t2\t0\t1\tx\n", "line 2: 'early' is no time"),
    ],
)
def test_mistakes_in_tables_are_told(tmp_path: Path, content: str, words: str) -> None:
    recording(tmp_path / "night.wav")
    (tmp_path / "night.Table.1.selections.txt").write_text(content)
    with pytest.raises(SystemExit, match=words):
        main(["init", str(tmp_path)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"1\t2\tdog\n3\t4\n4\t5\tcat\n", r"a\.txt, line 2: '3\\t4'"),
        (b"start\tend\tlabel\n1\t2\tdog\n", r"a\.txt, line 1: 'start'"),
        (b"1\t2\tdog\n\n3 4 cat\n", r"a\.txt, line 3: '3 4 cat'"),
        (b"1 2 dog", r"a\.txt, line 1: '1 2 dog'"),
        (b"nan\t2\tdog\n", r"a\.txt, line 1: 'nan'"),
        (b"1\t1e300\tdog\n", r"a\.txt, line 1: '1e300' is"),
        (b"1\t2\tdog\n3\t4\tcaf\xe9\n", r"a\.txt is .* line 2"),
        ("1\t2\tdog\n".encode("utf-16-le"), r"a\.txt is not text"),
    ],
)
def test_a_label_file_with_an_odd_line_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    for name in ("a.wav", "b.wav"):
        recording(tmp_path / name)
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "b.txt").write_text("1\t2\tdog\n")
    for options in (["--window", "1"], []):
        with pytest.raises(SystemExit, match=words):
            main(["init", str(tmp_path), *options])
        (tmp_path / "b.txt").unlink(missing_ok=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_labels_are_read_to_their_end(tmp_path: Path, encoding: str) -> None:
    recording(tmp_path / "a.wav")
    labels = ["do\u2028g", "do\x0bg", "w\u00e9", *["\u6728" * 20] * 300]  # more than are looked at
    lines = [f"{at}.5\t{at + 1}\t{label}" for at, label in enumerate(labels)]
    (tmp_path / "a.txt").write_bytes("\r\n".join(lines).encode(encoding))
    expected = [(at + 0.5, at + 1.0, label, None) for at, label in enumerate(labels)]
    assert found_in(tmp_path).recordings == {"a.wav": expected}


def test_a_recording_that_a_table_names_is_told_with_its_line(tmp_path: Path) -> None:
    table = recordings.RAVEN + "Begin File\tKind\n1\ta\t1\t1\t2\t0\t1\tn.wav\tx\n"
    (tmp_path / "n.txt").write_text(table)
    recording(tmp_path / "n.flac")
    with pytest.raises(SystemExit, match=r"n\.txt, line 2: .* n\.wav\. If it is n\.flac"):
        main(["init", str(tmp_path)])
    for folder in ("x", "y"):
        recording(tmp_path / folder / "n.wav")
    with pytest.raises(SystemExit, match=r"n\.txt, line 2: .* fits 2 files"):
        main(["init", str(tmp_path)])


def test_lists_of_clips_are_named_like_what_describes_them(tmp_path: Path, capsys: Any) -> None:
    for name in ("A", "C"):
        recording(tmp_path / name / "1.wav")
        (tmp_path / name / "1.txt").write_text(f"1\t2\t{name}\n")
        main(["init", str(tmp_path / name), "-o", str(tmp_path / f"{name}.yaml")])
    shown = f"earmark init {tmp_path / 'A'} -o {tmp_path / 'A.yaml'} --force --window SECONDS"
    assert shown in capsys.readouterr().out
    for name in ("A", "C"):
        clips = index.read_lists(guessing.layout_of(tmp_path / f"{name}.yaml")).train
        assert [clip.label for clip in clips] == [name]
        assert read_rows(tmp_path / f"{name}_problems.csv")[0]["problem"].startswith(f"{name}:")
    (tmp_path / "A.yaml").unlink()
    (tmp_path / "A_clips.csv").write_text("mine")
    arguments = ["init", str(tmp_path / "A"), "-o", str(tmp_path / "A.yaml")]
    with pytest.raises(SystemExit, match=r"A_clips\.csv exists"):
        main(arguments)
    assert (tmp_path / "A_clips.csv").read_text() == "mine"
    main([*arguments, "--force"])
    assert read_rows(tmp_path / "A_clips.csv")[0]["label"] == "A"


def test_annotations_of_no_recording_are_told(tmp_path: Path) -> None:
    recording(tmp_path / "night.wav")
    recordings.write_raven(tmp_path / "day.Table.1.selections.txt", SPANS)
    with pytest.raises(SystemExit, match="like their recordings"):
        main(["init", str(tmp_path)])


def test_other_texts_are_no_annotations(tmp_path: Path) -> None:
    for name in ("dog/1.wav", "cat/2.wav"):
        recording(tmp_path / name, 0.5)
    for name, text in (("1", "1 2 dog"), ("2", "1.0\t2.0"), ("3", "a\tb\tc"), ("4", "")):
        (tmp_path / f"dog/{name}.txt").write_text(text)
    assert guessing.layout_of(tmp_path).train.folders == ("label",)


def rows(*cells: tuple[float, float, str, float]) -> list[dict[str, str]]:
    names = ("start", "end", "label", "probability")
    return [dict(zip(names, map(str, row), strict=True)) for row in cells]


def test_adjoining_windows_of_one_label_are_an_event() -> None:
    found = events.merged(rows(
        (0.0, 2.0, "a", 0.5), (0.0, 2.0, "b", 0.25), (1.0, 3.0, "a", 0.75), (2.0, 4.0, "b", 0.5),
        (3.0, 5.0, "background", 0.9), (4.0, 6.0, "a", 0.5), (6.001, 8.0, "a", 0.25),
    ))  # fmt: skip
    assert found == [(0.0, 3.0, "a", 0.75), (0.0, 4.0, "b", 0.5), (4.0, 8.0, "a", 0.5)]


@pytest.mark.parametrize("form", ["raven", "audacity"])
def test_what_tag_writes_is_read_back_unchanged(tmp_path: Path, form: str, capsys: Any) -> None:
    made = bundles.make(tmp_path / "made", longest_seconds=10.0)
    rng = np.random.default_rng(1)
    for name in ("night, 1.wav", "b/c.flac"):
        (tmp_path / "sounds" / name).parent.mkdir(exist_ok=True, parents=True)
        notes = [tone(150 * 1.5 ** rng.integers(8), 0.7, 16000, seed) for seed in range(12)]
        soundfile.write(tmp_path / "sounds" / name, np.concatenate(notes), 16000)
    folder = tmp_path / "sounds" / "found"
    arguments = ["tag", str(made), str(tmp_path / "sounds"), "--window", "0.7", "--hop", "0.35"]
    arguments += ["--format", form, "-o", str(folder), "--threads", "1"]
    main(arguments)
    # The events by hand: runs of windows that overlap and have one best label.
    expected: dict[str, list[tuple[float, float, str]]] = {}
    with (folder / "tags.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = row["clip"].rpartition("#")[0]
            start, end, label = float(row["start"]), float(row["end"]), row["label"]
            spans = expected.setdefault(name, [])
            ends = [at for at, span in enumerate(spans) if span[2] == label]
            if ends and start <= spans[ends[-1]][1] + 1e-6:
                spans[ends[-1]] = (spans[ends[-1]][0], end, label)
            else:
                spans.append((start, end, label))
    assert len({label for spans in expected.values() for *_, label in spans}) > 1
    found = found_in(tmp_path / "sounds").recordings
    assert {name: [one[:3] for one in spans] for name, spans in found.items()} == expected
    main(["init", str(tmp_path / "sounds")])
    listed = {(name, label) for name, _, _, label in rows_of(tmp_path / "sounds")}
    assert listed == {(name, span[2]) for name, spans in expected.items() for span in spans}
    # Again it may be written, but not over what a person has corrected.
    main(arguments)
    corrected = folder / f"b/c{annotations.ENDINGS[form]}"
    corrected.write_text(text := f"{corrected.read_text()}\n")
    with pytest.raises(SystemExit, match="was not changed"):
        main(arguments)
    assert corrected.read_text() == text


HEADER = "clip,start,end,label,probability,rank,problem\n"


@pytest.fixture
def sounds(tmp_path: Path) -> list[SoundFile]:
    names = ("none", "some", "silent", "cut", "bad")
    return [SoundFile(f"{name}.wav", str(recording(tmp_path / f"{name}.wav"))) for name in names]


def test_labels_of_a_person_stay(tmp_path: Path, sounds: list[SoundFile]) -> None:
    (tmp_path / "tags.csv").write_text(HEADER)  # of a run to a file
    mine = tmp_path / "cut.txt"
    mine.write_text("1.0\t2.0\tmine\n")
    with pytest.raises(EarmarkError, match=r"cut\.txt .* was not changed"):
        events.targets(tmp_path, "audacity", sounds)
    # Nor do they if they were written while tagging took its time.
    mine.rename(tmp_path / "kept")
    targets = events.targets(tmp_path, "audacity", sounds)
    (tmp_path / "kept").rename(mine)
    with pytest.raises(EarmarkError, match=r"cut\.txt .* was not changed"):
        events.write(tmp_path / "tags.csv", "audacity", targets)
    assert mine.read_text() == "1.0\t2.0\tmine\n"


def test_a_list_with_the_name_of_the_table_of_tags_stays(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("file,label\n")
    with pytest.raises(EarmarkError, match="no table of tags"):
        events.targets(tmp_path, "raven", [])


@pytest.mark.parametrize("form", ["raven", "audacity"])
def test_every_recording_that_is_heard_has_a_table(
    tmp_path: Path, sounds: list[SoundFile], form: str
) -> None:
    found, table = tmp_path / "found", tmp_path / "found/tags.csv"
    paths = [found / f"{Path(file.name).stem}{annotations.ENDINGS[form]}" for file in sounds]
    empty = ["\t".join(annotations.HEADER)] if form == "raven" else []

    def written(rows: str) -> list[list[str] | None]:
        targets = events.targets(found, form, sounds)
        table.write_text(HEADER + rows)
        events.write(table, form, targets)
        return [path.read_text().splitlines() if path.exists() else None for path in paths]

    row = "some.wav#0.000-2.000,0.0,2.0,wren,0.75,1,\n"
    others = "silent.wav#0.000-2.000,0.0,2.0,,,,silent\ncut.wav,4.0,,,,,truncated\n"
    first = written(f"{row}{others}bad.wav#0.000-2.000,0.0,2.0,owl,0.5,1,\n")
    assert [len(lines or []) - len(empty) for lines in first] == [0, 1, 0, 0, 1]
    # Events that are no more, and a file that has become unreadable.
    assert written(f"{others}bad.wav,0.0,,,,,unreadable\n") == [*[empty] * 4, None]
    # What says that nothing was found is read back so, beside what was found elsewhere.
    assert len(written(row)[1] or []) == len(empty) + 1
    assert found_in(tmp_path).recordings == {
        **{f"{name}.wav": [] for name in ("none", "silent", "cut", "bad")},
        "some.wav": [(0.0, 2.0, "wren", None)],
    }


@pytest.mark.parametrize("name", ["a\rb", "a\nb", "a\tb", "a\u2028b", "\udcff"])
def test_a_table_of_an_odd_name_is_read_back(tmp_path: Path, name: str, capsys: Any) -> None:
    recording(tmp_path / "a.wav").rename(tmp_path / f"{name}.wav")
    text = annotations.to_text("raven", [Annotation(1, 2, "wren")], f"{name}.wav", 4000.0)
    (tmp_path / f"{name}.Table.1.selections.txt").write_text(text)
    assert found_in(tmp_path).recordings == {f"{name}.wav": [(1.0, 2.0, "wren", None)]}
    main(["init", str(tmp_path)])
    assert "names a list cannot have, left out (rename them): 1" in capsys.readouterr().out


def test_events_need_a_folder_that_is_none_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(EarmarkError, match="Name a folder"):
            events.targets(folder, "raven", [SoundFile("1.wav", "/s/1.wav")])


@pytest.mark.parametrize("given", [["-o", "out"], ["--window", "2"]])
def test_events_need_windows_and_a_folder(given: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["tag", "tagger", str(tmp_path), "--format", "raven", *given])
    assert caught.value.code == 2


def test_two_recordings_do_not_get_one_table(tmp_path: Path) -> None:
    sounds = [SoundFile(name, f"/s/{name}") for name in ("a/1.wav", "b/1.wav", "a/1.flac")]
    targets = events.targets(tmp_path, "audacity", sounds[:2])
    assert [*targets.values()] == [tmp_path / "a/1.txt", tmp_path / "b/1.txt"]
    with pytest.raises(EarmarkError, match="into two folders"):
        events.targets(tmp_path, "audacity", sounds)


def test_the_list_of_real_recordings(tmp_path: Path, esc50: Path, capsys: Any) -> None:
    """Three recordings of real clips: the list has what was put in (tests/long learns from it)."""
    folder, classes = tmp_path / "field", ("dog", "church_bells")
    folder.mkdir()
    placed = {
        f"{fold}.flac": recordings.write(folder / f"{fold}.flac", esc50, fold, 1.0, classes, 3.0)
        for fold in ("1", "2", "3")
    }
    recordings.write_raven(folder / "1.Table.1.selections.txt", placed["1.flac"])
    recordings.write_audacity(folder / "2.txt", placed["2.flac"])
    recordings.write_raven(folder / "3.Table.1.selections.txt", placed["3.flac"], "Species")
    main(["init", str(folder), "--window", "2", "--background"])
    assert f"dataset={folder} folds=3" in capsys.readouterr().out
    listed = [row for row in rows_of(folder) if row[3] != "background"]
    wanted = [(name, span) for name, spans in placed.items() for span in spans]
    for (name, start, end, label), (file, span) in zip(listed, wanted, strict=True):
        assert (name, label) == (file, span.label)
        assert start <= span.start + 0.001
        assert end >= span.end - 0.001
        assert end - start == pytest.approx(max(2.0, span.end - span.start), abs=0.002)
    for name, start, end, label in rows_of(folder):
        if label == "background":
            edges = [(span.start + 0.001, span.end - 0.001) for span in placed[name]]
            assert not any(first < end and start < last for first, last in edges)
