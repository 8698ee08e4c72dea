"""The Tagger gives what the workflow's scripts give with the same networks."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bundles
import extract_features
import inspect_clips
import numpy as np
import predict
import pytest
import soundfile
import torch
from bad_audio import encoded, flac_cut_late
from tiny import REPO, default_config, tone

from earmark import Tagger, Tags
from earmark.dataset import clips
from earmark.evaluation import calibration, combining
from earmark.evaluation.tags import reason
from earmark.runtime.errors import EarmarkError

HARDWARE = {**default_config()["hardware"], "device": "cpu", "precision": "float32"}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of many lengths, rates, channels and formats."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for number, (seconds, rate, channels, format, subtype) in enumerate([
        (0.004, 44100, 1, "WAV", "PCM_16"),
        (0.3, 44100, 2, "WAV", "PCM_24"),
        (1.0, 8000, 1, "WAV", "PCM_U8"),
        (2.5, 22050, 2, "FLAC", "PCM_16"),
        (3.0, 48000, 1, "OGG", "VORBIS"),
        (4.0, 48000, 2, "OGG", "OPUS"),
        (5.0, 44100, 2, "MP3", "MPEG_LAYER_III"),
        (9.5, 16000, 1, "WAV", "FLOAT"),  # longer than longest_seconds
        (2.0, 96000, 6, "WAV", "PCM_16"),
    ]):  # fmt: skip
        notes = [
            tone(rng.uniform(100, 3000), max(seconds, 1.0), rate, seed=channel)
            for channel in range(channels)
        ]
        samples = np.stack(notes, axis=1)[: round(seconds * rate)]
        samples = samples * np.linspace(0.2, 1, len(samples))[:, None]
        (folder / f"{number}.{format.lower()}").write_bytes(encoded(samples, rate, format, subtype))
    loud = 3 * tone(500.0, 1.0, 22050)
    (folder / "a_loud.wav").write_bytes(encoded(loud, subtype="FLOAT"))
    opposite = np.outer(tone(600.0, 1.0, 22050), [0.9, -0.9])
    (folder / "b_cancels.wav").write_bytes(encoded(opposite))
    long = np.outer(tone(440.0, 9.0, 22050), [0.2, -0.9])
    long[:, 0] = -long[:, 1]
    (folder / "c_long_and_cancels.flac").write_bytes(encoded(long, format="FLAC"))
    (folder / "d_cut.flac").write_bytes(flac_cut_late())
    return folder


def by_workflow(
    tmp_path: Path, sounds: Path, tagger: Path, folds: int
) -> tuple[np.ndarray, list[str]]:
    """The probabilities of all clips by the scripts' main functions, and what is told of them."""
    described = Tagger.load(tagger).bundle
    names = sorted(path.name for path in sounds.iterdir())
    rows = "".join(f"{name},{name},,,1,\n" for name in names)
    (tmp_path / "index.csv").write_text(f"clip,file,start,end,bytes,hash\n{rows}")
    inspect_clips.main(
        index_table=str(tmp_path / "index.csv"), audio=[], table=str(tmp_path / "clips.csv"),
        cfg={
            "part": "test",
            "clips": {
                **default_config()["clips"], "longest_seconds": described.longest_seconds,
                "most_skipped_percent": 100.0,
            },
        },
        threads=1, folders={"test": str(sounds)},
    )  # fmt: skip
    members = []
    for name, system in described.systems.items():
        features = tmp_path / f"{name}.h5"
        extract_features.main(
            table=str(tmp_path / "clips.csv"), audio=[], feature_file=str(features),
            cfg={
                "part": "test",
                "feature": described.features[system.feature],
                "longest_seconds": described.longest_seconds,
            },
            threads=1, folders={"test": str(sounds)},
        )  # fmt: skip
        members.append(str(tmp_path / f"{name}_predictions.h5"))
        weights = [tagger.parent / "models" / file for file in system.weights]
        predict.main(
            table=str(tmp_path / "clips.csv"), feature_file=str(features), folds_table=[],
            weights=[str(path) for path in weights],
            metadata=[str(path.with_suffix(".json")) for path in weights],
            predicted=members[-1], cfg={"folds": list(range(folds))}, threads=1,
            hardware_settings=HARDWARE,
        )  # fmt: skip
    # As write_tags.py combines them.
    known = {
        name: calibration.Calibration(100, system.temperature, None)
        for name, system in described.systems.items()
    }
    by_system = combining.read_means(dict(zip(described.systems, members, strict=True)))
    settings = asdict(described.combination)
    combined = combining.combine("tiny", settings, by_system, known, calibrated=True)
    assert combined.classes == bundles.CLASSES
    facts = clips.read(tmp_path / "clips.csv").set_index("clip").loc[names]
    return combined.of(names), [*map(reason, facts["status"], facts["problem"])]


@pytest.mark.parametrize(
    ("kinds", "combination", "folds"),
    [
        (("stft",), "arithmetic", 1),
        (("log_mel",), "arithmetic", 2),
        (("mfcc",), "arithmetic", 1),
        (("raw",), "arithmetic", 1),
        (("stft", "log_mel", "mfcc", "raw"), "power", 2),
        (("log_mel", "stft"), "geometric", 1),
    ],
)
def test_numbers_are_those_of_the_workflow(
    tmp_path: Path, sounds: Path, kinds: tuple[str, ...], combination: str, folds: int
) -> None:
    folder = bundles.make(tmp_path, kinds, combination, folds, temperature=1.5)
    expected, problems = by_workflow(tmp_path, sounds, folder, folds)
    tagger = Tagger.load(folder, "cpu")
    files = sorted(sounds.iterdir())
    found = tagger([*map(str, files)])
    # The clips differ, and so do their numbers.
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(found.probabilities, expected, atol=5e-5)
    assert found.problems == problems
    told = {file.name for file, problem in zip(files, found.problems, strict=True) if problem}
    assert told == {"0.wav", "7.wav", "b_cancels.wav", "c_long_and_cancels.flac", "d_cut.flac"}
    # One at a time.
    for file, row in zip(files[3:6], expected[3:6], strict=True):
        np.testing.assert_allclose(tagger(file).probabilities, [row], atol=5e-5)
    # And as samples, of those that lose nothing by decoding them in one piece.
    for number in [1, 2, 3, 7, 8]:
        file = next(sounds.glob(f"{number}.*"))
        samples, rate = soundfile.read(file, dtype="float32")
        before = samples.copy()
        probabilities = tagger([samples, samples.astype(float)], rate).probabilities
        np.testing.assert_allclose(probabilities, [expected[files.index(file)]] * 2, atol=5e-5)
        assert np.array_equal(samples, before)
    for name in ("a_loud.wav", "b_cancels.wav", "c_long_and_cancels.flac"):
        samples, rate = soundfile.read(sounds / name, dtype="float32")
        before = samples.copy()
        row = expected[files.index(sounds / name)]
        np.testing.assert_allclose(tagger(samples, rate).probabilities, [row], atol=5e-5)
        assert np.array_equal(samples, before)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_logits_are_divided_by_the_temperature(
    tmp_path: Path, sounds: Path, temperature: float
) -> None:
    file = sounds / "2.wav"
    plain = Tagger.load(bundles.make(tmp_path / "a", ("stft",)), "cpu")(file).probabilities
    made = bundles.make(tmp_path / "b", ("stft",), temperature=temperature)
    powers = plain ** (1 / temperature)
    found = Tagger.load(made, "cpu")(file).probabilities
    np.testing.assert_allclose(found, powers / powers.sum(), rtol=1e-4)


def test_a_weighted_mean_uses_the_scores(tmp_path: Path, sounds: Path) -> None:
    file = sounds / "3.flac"
    both = Tagger.load(bundles.make(tmp_path / "a", ("stft", "raw"), "weighted"), "cpu")
    one, other = (
        Tagger.load(bundles.make(tmp_path / kind, (kind,)), "cpu")(file).probabilities
        for kind in ("stft", "raw")
    )
    expected = (0.5 * one + 0.6 * other) / 1.1
    np.testing.assert_allclose(both(file).probabilities, expected, atol=1e-6)


def test_what_cannot_be_heard_is_told(tmp_path: Path, sounds: Path) -> None:
    tagger = Tagger.load(bundles.make(tmp_path), "cpu")
    (tmp_path / "text.wav").write_text("no sound")
    files = [tmp_path / "text.wav", sounds / "2.wav", tmp_path / "absent.wav"]
    tags = tagger(files)
    assert np.isnan(tags.probabilities).all(axis=1).tolist() == [True, False, True]
    assert [text.split(":")[0] for text in tags.problems] == ["not_audio", "", "absent"]
    assert [len(best) for best in tags.best(top=2)] == [0, 2, 0]
    cases = {
        "silent": np.zeros(999),
        "empty": np.zeros((0, 2)),
        "non_finite": np.array([0.1, np.nan, 0.3]),
    }
    assert [text.split(":")[0] for text in tagger([*cases.values()], 8000).problems] == [*cases]
    assert tagger([]).probabilities.shape == (0, len(tagger.classes))


def test_tags_come_best_first() -> None:
    values = np.array([[0.2, 0.5, 0.05, 0.25], [0.3, 0.1, 0.3, 0.3]])
    tags = Tags([*"abcd"], values, ["", ""])
    assert tags.best(2) == [[("b", 0.5), ("d", 0.25)], [("a", 0.3), ("c", 0.3)]]
    assert [[tag.label for tag in row] for row in tags.best(9, 0.25)] == [["b", "d"], [*"acd"]]


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros(8000), None, "None"),
        (np.zeros(8000), 0, " 0"),
        (np.zeros(8000), 8000.5, "8000.5"),
        (np.zeros(8000, np.int16), 8000, "int16.*32768"),
        (np.zeros((2, 8000)), 8000, r"\(2, 8000\).*samples.T"),
        (np.zeros((2, 3, 4)), 8000, r"\(2, 3, 4\)"),
        (np.zeros(()), 8000, r"\(\)"),
        (np.zeros((5, 0)), 8000, r"\(5, 0\)"),
        (np.zeros(8000), "8000", "8000"),
        (np.zeros(8000), [8000], "8000"),
        (np.zeros(8000), float("nan"), "nan"),
        (np.zeros(8000), 8000j, "8000j"),
        (np.asmatrix(np.zeros(8000)), 8000, r"\(1, 8000\).*samples.T"),
        (torch.zeros(8000), 8000, "type Tensor.*asarray"),
        ([0.0] * 9, 8000, "type list.*asarray"),
        (b"a.wav", None, "type bytes"),
        (0.5, 8000, "type float"),
        (None, 8000, "type NoneType"),
    ],
)
def test_arrays_that_are_no_samples(tagger: Tagger, samples: Any, rate: Any, words: str) -> None:
    with pytest.raises(EarmarkError, match=words):
        tagger([samples], rate)
    with pytest.raises(EarmarkError):
        tagger(samples, rate)


def test_a_matrix_and_a_rate_of_numpy_are_samples(tagger: Tagger) -> None:
    samples = tone(440.0, 1.0, 8000)
    expected = tagger(samples, 8000).probabilities
    for given, rate in ((np.asmatrix(samples).T, np.int64(8000)), (samples, np.float32(8000))):
        assert np.array_equal(tagger(given, rate).probabilities, expected)  # type: ignore[arg-type]


def test_a_path_that_can_be_none_is_told(tagger: Tagger) -> None:
    (problem,) = tagger("a\0b.wav").problems
    assert problem.startswith("absent")


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    return Tagger.load(bundles.make(tmp_path_factory.mktemp("bundle")), "cpu")


def test_the_example_in_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (REPO / "docs/tagging.md").read_text(encoding="utf-8")
    code, *_ = re.findall(r"```python\n(.*?)```", text, re.S)
    made = bundles.make(tmp_path / "made")
    (tmp_path / "results/demo").mkdir(parents=True)
    made.rename(tmp_path / "results/demo/tagger")
    soundfile.write(tmp_path / "bird.wav", tone(3000.0, 2.0, 22050), 22050)
    monkeypatch.chdir(tmp_path)
    exec(code, {"soundfile": soundfile})
    *lines, shape = capsys.readouterr().out.splitlines()
    assert shape == "True"
    labels = [line.rpartition(" ")[0] for line in lines]
    assert len(set(labels)) == 3
    assert set(labels) <= set(bundles.CLASSES)
