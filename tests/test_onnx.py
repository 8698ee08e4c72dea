"""A bundle as an ONNX graph: the numbers of its networks, without torch and from JavaScript too."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import bundles
import numpy as np
import pytest
import soundfile
import torch
from tiny import REPO, tone

from earmark import Tagger
from earmark.runtime.errors import EarmarkError
from earmark.tagging import bundle, command_line, export, files
from earmark.tagging.torch_networks import TorchNetworks

BOTH = ("log_mel", "whole")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems, and beside the bundle what is exported of it."""
    folder = bundles.make(
        tmp_path_factory.mktemp("made"), BOTH, "power", longest_seconds=5.0, temperature=1.5
    )
    command_line.main(["export", str(folder), "--onnx"])
    return folder


@pytest.fixture(scope="module")
def graph(made: Path) -> Path:
    return made.with_name("tagger_onnx")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From 3 ms to 9 s long, between quiet ends or not, of several rates and channels."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    for number, seconds in enumerate([0.003, 0.2, 0.5, 0.7, 1.1, 1.9, 3.0, 4.7, 9.0]):
        rate, channels = ((44100, 1), (44100, 2), (16000, 1))[number % 3]
        time = np.arange(round(seconds * rate)) / rate
        sound = np.sin(2 * np.pi * rng.uniform(100, 4000) * time) + 0.1 * rng.normal(size=len(time))
        if number % 2:
            sound *= np.maximum(np.exp(-40 * np.abs(time - seconds / 2)), 3e-4)
        stereo = np.stack([0.4 * sound, 0.2 * sound], axis=1)
        soundfile.write(folder / f"{number}.wav", stereo[:, :channels], rate)
    return folder


def test_numbers_are_those_of_the_networks(made: Path, graph: Path, recordings: Path) -> None:
    files = sorted(recordings.iterdir())
    expected = Tagger.load(made, "cpu")(files)
    found = Tagger.load(graph)(files)
    assert np.ptp(expected.probabilities, axis=0).max() > 0.1
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=5e-4)
    assert found.problems == expected.problems
    assert [problem[:8] for problem in found.problems if problem] == ["too_shor", "too_long"]


@pytest.mark.parametrize("kind", ["arithmetic", "weighted", "geometric", "power"])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_what_is_exported_is_the_tagger(tmp_path: Path, kind: str, temperature: float) -> None:
    tagger = Tagger.load(bundles.make(tmp_path, BOTH, kind, 2, temperature=temperature), "cpu")
    assert isinstance(tagger.networks, TorchNetworks)
    module, rate = export._graph_of(tmp_path, tagger.networks)
    rng = np.random.default_rng(0)
    for count in (1, 500, 30_000, 99_999, 222_222):
        samples = rng.uniform(-1, 1, count).astype(np.float32)
        samples[: count // 3] *= 1e-5
        with torch.no_grad():
            found = module(torch.from_numpy(samples))
        expected = tagger(samples, rate).probabilities[0]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_a_graph_is_no_larger_than_what_it_has_and_tells_of_itself(made: Path, graph: Path) -> None:
    assert sorted(os.listdir(graph)) == ["README.md", "tagger.json", "tagger.onnx"]
    described = json.loads((graph / "tagger.json").read_text())
    # Earmark before graphs could not use it, and says so of a format that it does not know.
    assert (described["format"], json.loads((made / "tagger.json").read_text())["format"]) == (2, 1)
    assert bundle.read(graph).classes == bundles.CLASSES
    card = bundle.read_card(graph)
    assert card.startswith(bundle.read_card(made))
    assert "44100 Hz" in card


# What `pip install '.[onnx]'` does not bring.
WITHOUT = """
import sys

class Absent:
    names = {"torch", "torchaudio", "h5py", "safetensors", "pandas", "sklearn", "matplotlib"}

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
from earmark.tagging import command_line
command_line.main(sys.argv[1:])
"""


def without_torch(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_earmark_tag_needs_no_torch(
    tmp_path: Path, made: Path, graph: Path, recordings: Path
) -> None:
    table = tmp_path / "tags.csv"
    done = without_torch("tag", graph, recordings, "-o", table, "--window", 2, "--hop", 1.5)
    assert done.returncode == 0, done.stderr
    command = ["tag", made, recordings, "-o", tmp_path / "other.csv", "--window", 2, "--hop", 1.5]
    command_line.main([*map(str, command), "--threads", "1", "--device", "cpu"])
    tables = [list(csv.DictReader(path.open())) for path in (table, tmp_path / "other.csv")]
    assert len(tables[0]) > 40
    for one, other in zip(*tables, strict=True):
        assert abs(float(one.pop("probability")) - float(other.pop("probability"))) < 5e-4
        assert one == other
    done = without_torch("tag", made, recordings)
    assert done.returncode == 1
    assert re.search(r"torch.* is not installed.*pip install '.\[torch\]'", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_stopped_run_goes_on_with_as_many_threads(graph: Path, recordings: Path) -> None:
    tagger = Tagger.load(graph, threads=1)
    sounds, _ = files.find([recordings])
    digest = files._hash_of_run(tagger, sounds, files.Options()).digest()
    assert files._hash_of_run(tagger, sounds, files.Options()).digest() == digest
    other = Tagger.load(graph, threads=2)
    assert files._hash_of_run(other, sounds, files.Options()).digest() != digest


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "gpu", ""])
def test_a_graph_is_not_for_a_gpu(graph: Path, device: str) -> None:
    with pytest.raises(EarmarkError, match="processor"):
        Tagger.load(graph, device)


def test_a_graph_that_is_damaged(tmp_path: Path, graph: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(graph, copy)
    file = copy / "tagger.onnx"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(EarmarkError, match=r"tagger\.onnx is not as it was written"):
        Tagger.load(copy)
    bundle.write(copy, bundle.read(graph), {"tagger.onnx": Path(__file__)}, "# No graph\n")
    with pytest.raises(EarmarkError, match="damaged"):
        Tagger.load(copy)


@pytest.mark.parametrize("kinds", [("log_mel", "raw"), ("stft",), ("mfcc",)])
def test_other_kinds_of_features_are_refused(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    folder = bundles.make(tmp_path, kinds)
    with pytest.raises(EarmarkError, match=f"feature kind {kinds[-1]}; only log_mel"):
        export.export(folder)
    assert not (tmp_path / "tagger_onnx").exists()


def test_several_sample_rates_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slower = {**bundles.FEATURES["whole"], "sample_rate": 22050, "highest_hz": 8000.0}
    monkeypatch.setitem(bundles.FEATURES, "whole", slower)
    with pytest.raises(EarmarkError, match=r"\[22050, 44100\]"):
        export.export(bundles.make(tmp_path, BOTH))


def test_a_graph_that_gives_other_numbers_is_not_kept(
    tmp_path: Path, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bundles.make(tmp_path, BOTH, "power", longest_seconds=5.0, temperature=1.4)

    def write(module: torch.nn.Module, file: Path, *about: Any) -> None:
        shutil.copy(graph / "tagger.onnx", file)

    monkeypatch.setattr(export, "_write", write)
    with pytest.raises(EarmarkError, match=r"differ by up to 0\.0"):
        export.export(other)
    assert not (tmp_path / "tagger_onnx").exists()


class Odd(torch.nn.Module):
    """Its result depends on numbers in a way that no graph has."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :5, 0] if float(x.sum()) > 0.5 else x[:, :5, 1]


def test_a_network_that_torch_cannot_export_is_told(made: Path, tmp_path: Path) -> None:
    tagger = Tagger.load(made, "cpu")
    assert isinstance(tagger.networks, TorchNetworks)
    for name in BOTH:
        tagger.networks.networks[name] = [Odd()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tagger, "load", lambda *_, **__: tagger)
        with pytest.raises(EarmarkError, match="cannot export"):
            export.export(made, tmp_path / "graph")
    assert not (tmp_path / "graph").exists()


def test_nothing_else_is_overwritten(made: Path, graph: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "mine.txt", made):
        with pytest.raises(EarmarkError, match="already"):
            export.export(made, target)
    assert bundle.read(made).systems["whole"].weights
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with pytest.raises(EarmarkError, match="a graph already"):
        export.export(graph, tmp_path / "graph")
    shutil.copytree(graph, again := tmp_path / "again")
    (again / "notes.txt").write_text("mine")
    with pytest.raises(EarmarkError, match=r"notes\.txt"):
        export.export(made, again)
    assert (again / "notes.txt").read_text() == "mine"


@pytest.fixture
def example(tmp_path: Path, graph: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A folder as in the docs, and what the examples there are to print."""
    (tmp_path / "results/demo").mkdir(parents=True)
    (tmp_path / "results/demo/tagger_onnx").symlink_to(graph)
    samples = tone(3000.0, 2.0, 44100)
    soundfile.write(tmp_path / "bird.wav", samples, 44100)
    monkeypatch.chdir(tmp_path)
    (values,) = Tagger.load(graph)("bird.wav").probabilities
    return dict(zip(bundles.CLASSES, values, strict=True))


def check(printed: str, expected: dict[str, float]) -> None:
    lines = [line.rpartition(" ") for line in printed.splitlines()]
    found = {label: float(probability) for label, _, probability in lines}
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, abs=2e-4)


def code_in_docs(language: str) -> str:
    text = (REPO / "docs/tagging.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)[-1]


def test_the_example_in_python(
    example: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    exec(code_in_docs("python"), {})
    check(capsys.readouterr().out, example)


def test_the_example_in_javascript(tmp_path: Path, example: dict[str, float]) -> None:
    folders = (str(REPO / "node_modules"), os.environ.get("NODE_PATH", ""))
    environment = {**os.environ, "NODE_PATH": os.pathsep.join(filter(None, folders))}
    node = shutil.which("node")
    look = [str(node), "-e", "require.resolve('onnxruntime-node')"]
    if not node or subprocess.run(look, env=environment, capture_output=True).returncode:
        pytest.skip(
            "needs node, and `npm install --no-save --ignore-scripts onnxruntime-node` in the "
            "repository (or NODE_PATH)"
        )
    (tmp_path / "tag.js").write_text(code_in_docs("javascript"))
    done = subprocess.run([node, "tag.js"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check(done.stdout, example)
