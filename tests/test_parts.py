"""Parts of files: exactly the samples between two times, wherever they lie, in every format."""

from functools import partial
from pathlib import Path

import extract_features
import inspect_clips
import numpy as np
import pytest
import soundfile
from bad_audio import encoded
from tiny import default_config, read_rows, tone

from earmark.dataset import audio, clips, index, inspection
from earmark.features import store
from earmark.runtime import pools

RATE = 22050
SECONDS = 20.0
CODECS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "GSM610"),
    ("AIFF", "PCM_16"),
    ("CAF", "ALAC_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


def recording(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Something else at each time: notes with attacks, and noise below them."""
    rng = np.random.default_rng(seed)
    fading = np.geomspace(1.0, 0.01, rate // 4)
    notes = [
        fading * tone(rng.uniform(200.0, 0.4 * rate), 0.3, rate, seed=number)[: len(fading)]
        for number in range(round(4 * seconds) + 1)
    ]
    return np.concatenate(notes)[: round(seconds * rate)]


def places(rate: int, seconds: float) -> list[tuple[float, float]]:
    """Where parts begin and end, with three decimals; also the first and the last samples."""
    rng = np.random.default_rng(7)
    starts = rng.uniform(0.0, seconds - 3.0, 12)
    ends = starts + rng.uniform(0.002, 2.5, 12)
    inside = zip(starts.round(3).tolist(), ends.round(3).tolist(), strict=True)
    return [*inside, (0.0, 1.001), (0.0, seconds), (seconds - 0.5, seconds), (1.5, 1.5 + 1 / rate)]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("format", "subtype"), CODECS)
def test_samples_of_parts_are_a_slice_of_the_whole_file(
    tmp_path: Path, format: str, subtype: str, channels: int
) -> None:
    rate = {"OPUS": 48000, "GSM610": 8000}.get(subtype, RATE)
    if subtype == "GSM610" and channels == 2:
        return  # there is none
    seconds = 6.0 if subtype in ("OPUS", "GSM610") else SECONDS
    sounds = [recording(seconds, rate, seed=channel) for channel in range(channels)]
    path = tmp_path / "a"
    path.write_bytes(encoded(np.stack(sounds, axis=1), rate, format, subtype))
    # libsndfile's own, decoded from the start in one piece.
    with soundfile.SoundFile(path) as sound:
        whole = sound.read(sound.frames, "float32", always_2d=True).mean(axis=1)
    loaded = audio.load(path, rate)
    for start, end in places(rate, seconds):
        part = audio.load(path, rate, 300.0, start=start, end=end)
        first, last = round(start * rate), round(end * rate)
        assert len(part) == last - first
        assert np.array_equal(part, loaded[first:last]), start
        assert np.array_equal(part, whole[first:last])
        facts = audio.inspect(path, 0.0, 300.0, start, end)
        assert facts.status == "ok", facts
        assert facts.seconds == len(part) / rate
        assert facts.channels == channels
        if channels == 1:
            assert facts.peak == pytest.approx(np.abs(part).max())


def test_three_long_files_give_the_clips_that_were_put_into_them(tmp_path: Path) -> None:
    rate, minutes = 8000, 20
    rng = np.random.default_rng(3)
    rows, wanted = [], []
    (tmp_path / "audio").mkdir()
    for name in ("one.wav", "two.flac", "three.aiff"):
        long = (rng.standard_normal(minutes * 60 * rate) * 30).astype(np.int16)
        for start in (0.0, 3.337, 61.001, 599.999, 1195.125, 1198.0):
            clip = np.round(recording(2.0, rate, len(rows)) * 32767).astype(np.int16)
            first = round(start * rate)
            long[first : first + len(clip)] = clip
            times = (f"{start:.3f}", f"{start + 2:.3f}")
            rows.append(index.Row(f"{name}#{'-'.join(times)}", f"audio/{name}", *times, 1, ""))
            wanted.append(clip)
        soundfile.write(tmp_path / "audio" / name, long, rate, "PCM_16")
    for place, (row, clip) in enumerate(zip(rows[:], wanted, strict=True)):
        part = audio.load(tmp_path / row.file, rate, start=float(row.start), end=float(row.end))
        assert np.array_equal(part, clip / np.float32(32768))
        # And short files with the same sounds.
        soundfile.write(tmp_path / f"audio/{place}.wav", clip, rate, "PCM_16")
        rows.append(index.Row(f"{place}.wav", f"audio/{place}.wav", "", "", 1, ""))
    (tmp_path / "index.csv").write_text(index.to_csv_text(rows))
    inspect_clips.main(
        index_table=str(tmp_path / "index.csv"), audio=[], table=str(tmp_path / "clips.csv"),
        cfg={"part": "train", "clips": default_config()["clips"]}, threads=2,
        folders={"train": str(tmp_path)},
    )  # fmt: skip
    table = read_rows(tmp_path / "clips.csv")
    assert {(row["status"], row["seconds"], row["use"]) for row in table} == {("ok", "2.0", "1")}
    assert [(row["start"], row["end"]) for row in table] == [(row.start, row.end) for row in rows]
    extract_features.main(
        table=str(tmp_path / "clips.csv"), audio=[], feature_file=str(tmp_path / "features.h5"),
        cfg={
            "part": "train", "feature": default_config()["features"]["stft"],
            "longest_seconds": 300.0,
        },
        threads=1, folders={"train": str(tmp_path)},
    )  # fmt: skip
    with store.FeatureStore(tmp_path / "features.h5") as features:
        images = features.images(np.arange(len(rows)))
    of_parts, of_files = np.split(images, 2)
    assert np.array_equal(of_parts, of_files)
    assert len(np.unique(of_parts, axis=0)) == len(wanted)


def facts_of(path: Path, start: float, end: float, longest: float = 10.0) -> audio.ClipFacts:
    return audio.inspect(path, 0.05, longest, start, end)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_parts_that_leave_the_file(tmp_path: Path, format: str) -> None:
    (tmp_path / "a").write_bytes(encoded(recording(6.0, 8000), 8000, format, None))
    end = audio.header(tmp_path / "a").seconds
    facts = facts_of(tmp_path / "a", 4.0, end + 1.5)
    assert (facts.status, facts.seconds) == ("truncated", pytest.approx(end - 4.0, abs=1e-3))
    assert f"{end + 1.5}" in facts.problem
    assert f"{end:.3f}" in facts.problem
    assert len(audio.load(tmp_path / "a", 8000, start=4.0, end=end + 1.5)) == 8000 * (end - 4.0)
    # Written with three decimals, the last part may end later than the last sample.
    assert facts_of(tmp_path / "a", 4.0, end + 0.0009).status == "ok"
    for start in (end, end + 3.0):
        facts = facts_of(tmp_path / "a", start, start + 1.0)
        assert facts.status == "empty"
        assert f"{start}" in facts.problem
        assert f"{end:.3f}" in facts.problem
        with pytest.raises(audio.UnreadableClipError, match="starts at"):
            audio.load(tmp_path / "a", 8000, start=start, end=start + 1.0)
    for start, stop in ((3.0, 3.0), (3.0, 2.0), (-1.0, 2.0)):
        assert facts_of(tmp_path / "a", start, stop).status == "empty"


def test_a_file_that_is_cut_does_not_matter_to_its_whole_parts(tmp_path: Path) -> None:
    whole = recording(20.0, 8000)
    for format in ("WAV", "FLAC", "OGG"):
        content = encoded(whole, 8000, format, None)
        (tmp_path / "whole").write_bytes(content)
        (tmp_path / "cut").write_bytes(content[: len(content) // 2])
        assert facts_of(tmp_path / "cut", 0.0, float("inf"), 300.0).status == "truncated"
        assert facts_of(tmp_path / "cut", 2.5, 3.5).status == "ok"
        expected = audio.load(tmp_path / "whole", 8000, start=2.5, end=3.5)
        assert np.array_equal(audio.load(tmp_path / "cut", 8000, start=2.5, end=3.5), expected)
        # Where a FLAC file ends that was cut is not known, only that it cannot be decoded there.
        assert facts_of(tmp_path / "cut", 19.0, 20.0).status in ("empty", "unreadable")


def test_limits_of_length_are_those_of_the_part(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(recording(20.0, 8000), 8000))
    assert facts_of(tmp_path / "a.wav", 3.0, 3.04).status == "too_short"
    assert facts_of(tmp_path / "a.wav", 3.0, 13.0).status == "ok"
    assert facts_of(tmp_path / "a.wav", 3.0, 13.5).status == "too_long"
    part = audio.load(tmp_path / "a.wav", 8000, 10.0, start=3.0, end=13.5)
    assert len(part) == 80_001
    # Without an end, the file's.
    assert facts_of(tmp_path / "a.wav", 15.0, float("inf")).seconds == 5.0


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of samples that are read from now on."""
    read = []
    plain = soundfile.SoundFile.read

    def counted(self: soundfile.SoundFile, out: np.ndarray) -> np.ndarray:
        read.append(len(out))
        return plain(self, out=out)

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    return read


def test_only_what_is_asked_for_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for format in ("WAV", "FLAC"):
        (tmp_path / "a").write_bytes(encoded(recording(60.0, 8000), 8000, format))
        counted = count_reads(monkeypatch)
        audio.load(tmp_path / "a", 8000, start=50.0, end=52.0)
        assert counted == [16000]


@pytest.mark.parametrize("format", ["OGG", "MP3"])
def test_parts_after_one_another_are_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    """Those behind a part go on from there; any order, and other files between, change nothing."""
    (tmp_path / "a").write_bytes(encoded(recording(30.0, 8000), 8000, format, None))
    (tmp_path / "b").write_bytes(encoded(recording(30.0, 8000, 1), 8000, format, None))
    whole = {name: audio.load(tmp_path / name, 8000) for name in ("a", "b")}
    counted = count_reads(monkeypatch)
    starts = [0.5 * number + 0.123 for number in range(50)]
    for start in starts:
        part = audio.load(tmp_path / "a", 8000, start=start, end=start + 1.0)
        assert np.array_equal(part, whole["a"][round(8000 * start) :][:8000])
    # Parts overlap by half, so every second one starts again.
    assert len(starts) * 8000 <= sum(counted)
    counted.clear()
    for start in starts[::2]:
        audio.load(tmp_path / "a", 8000, start=start, end=start + 1.0)
    assert sum(counted) <= 30 * 8000
    rng = np.random.default_rng(5)
    for _ in range(40):
        name, start = rng.choice(["a", "b"]), rng.uniform(0.0, 29.0)
        part = audio.load(tmp_path / name, 8000, start=start, end=start + 0.5)
        first = round(8000 * start)
        assert np.array_equal(part, whole[name][first : round(8000 * (start + 0.5))])
    # Processes that begin now do not go on where this one is.
    places = [clips.Place(str(tmp_path / "b"), start, start + 0.3) for start in starts]
    work = partial(inspection.facts_of, shortest_seconds=0.05, longest_seconds=300.0)
    alone = [work(place) for place in places]
    audio.load(tmp_path / "b", 8000, start=0.1, end=0.2)
    assert list(pools.parallel_map(work, places, 2)) == alone
