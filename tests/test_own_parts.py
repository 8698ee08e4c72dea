"""Networks, kinds of features and augmentations in users' own files: the docs' are trained."""

import importlib.util
import json
import os
import pickle
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
import yaml
from edited_run import Edited
from safetensors.torch import load_file
from tiny import RATE, REPO, default_config, merged, plan, snakemake
from tiny_run import Run

from earmark import Tagger
from earmark.features import settings as feature_settings
from earmark.inference import batches
from earmark.inference.batches import Augmentation, Batch
from earmark.networks import saved_models
from earmark.networks.build import build
from earmark.planning import code
from earmark.planning import config as settings
from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError
from earmark.runtime.own_parts import OwnPartError
from earmark.tagging import bundle, command_line
from earmark.tagging.bundle import Bundle, Combination, System

TEXT = (REPO / "docs" / "adding_parts.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.S))
CONFIG: dict[str, Any] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", TEXT, re.S)[0])
MODEL = "results/four/models/mine/seed1/fold0"
SCHEMA = yaml.safe_load((REPO / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8"))


def write_files(folder: Path) -> None:
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the files of the docs."""
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Trained:
    """The finished run, in which the docs' system was then trained, and what that printed."""

    def __init__(self, run: Run) -> None:
        self.run, self.directory = run, run.directory
        change = {name: CONFIG[name] for name in ("features", "recipes", "systems")}
        self.overlay = merged(run.overlay, change)
        self.overlay["features"]["levels"]["sample_rate"] = RATE
        self.overlay["recipes"]["mine"] |= {"epochs": 2, "crop_frames": 8}
        write_files(self.directory)
        code, self.printed = self.snakemake(f"{MODEL}/weights.safetensors")
        assert code == 0, self.printed

    def snakemake(self, *arguments: str) -> tuple[int, str]:
        return snakemake(self.directory, *arguments, overlay=self.overlay)

    def planned(self) -> dict[str, int]:
        targets = ("all", "tagger", f"{MODEL}/weights.safetensors")
        found = plan(self.directory, *targets, overlay=self.overlay)
        assert found.code == 0, found.text
        return {name: count for name, count in found.counts.items() if name != "all"}


@pytest.fixture(scope="module")
def trained(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(finished.copy(tmp_path_factory.mktemp("own")))


def test_only_the_new_system_is_trained(trained: Trained) -> None:
    rules = re.findall(r"^(?:local)?rule (\w+):$", trained.printed, re.M)
    assert sorted(rules) == ["extract_features", "train_model"]
    model = json.loads((trained.directory / MODEL / "model.json").read_text())
    assert model["network"] == "my_net.py:MyNet"
    assert model["feature"] == {"kind": "my_feature.py:Levels", "sample_rate": RATE, "bands": 16}
    weights = load_file(trained.directory / MODEL / "weights.safetensors")
    assert weights["convolution.weight"].shape == (8, 16, 3)
    assert trained.planned() == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        ("my_net.py", "x.mean(dim=2)", "x.amax(dim=2)", {"train_model": 1}),
        ("my_augment.py", "2 * drawn", "3 * drawn", {"train_model": 1}),
        ("my_feature.py", "1e-6", "1e-5", {"extract_features": 1, "train_model": 1}),
        ("my_net.py", "# (batch, classes)", "# logits", {}),
    ],
)
def test_an_edit_redoes_what_names_the_file(
    trained: Trained, file: str, old: str, new: str, rules: dict[str, int]
) -> None:
    path = trained.directory / file
    with Edited.edit(None, path, old, new):  # type: ignore[arg-type]
        assert trained.planned() == rules


def by_hand(trained: Trained, samples: np.ndarray) -> np.ndarray:
    """Probabilities of a short clip: one crop, the clip in its middle, between -60 dB."""
    parts = {}
    for name in ("my_net", "my_feature"):
        spec = importlib.util.spec_from_file_location(name, trained.directory / f"{name}.py")
        parts[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(parts[name])
    frames = parts["my_feature"].Levels(RATE, 16).compute(samples)
    assert len(frames) > 8
    net = parts["my_net"].MyNet((16, 8), 4, width=8).eval()
    net.load_state_dict(load_file(trained.directory / MODEL / "weights.safetensors"))
    begin = (len(frames) - 8) // 2
    inputs = torch.from_numpy(frames[begin : begin + 8].T[None].copy())
    with torch.no_grad():
        return net(inputs).softmax(1).numpy()[0]


def test_a_bundle_carries_the_files_and_runs_them_if_allowed(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(trained.directory)
    model = json.loads(Path(MODEL, "model.json").read_text())
    names = (model[key] for key in ("network", "network_options", "recipe"))
    described = Bundle(
        "four", model["classes"], Combination("arithmetic", 0.25, ["mine"]),
        {"levels": model["feature"]}, {"mine": System("levels", *names, ["a.safetensors"])}, 9.0,
    )  # fmt: skip
    made = tmp_path / "made"
    bundle.write(made, described, {"a.safetensors": f"{MODEL}/weights.safetensors"}, "# Card\n")
    copies = ["own-1-my_feature.py", "own-2-my_net.py"]
    assert sorted(path.name for path in made.glob("*.py")) == copies
    # Elsewhere, the files beside the run play no part.
    folder = Path(shutil.move(made, tmp_path / "bundle"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EarmarkError, match=r"own-1-my_feature.py, own-2-my_net.py.*--allow-code"):
        Tagger.load(folder, "cpu")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(0.4 * RATE)).astype(np.float32)
    found = Tagger.load(folder, "cpu", allow_code=True)(samples, RATE).probabilities[0]
    np.testing.assert_allclose(found, by_hand(trained, samples), atol=1e-5)

    for number in range(2):
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE, subtype="FLOAT")
    sounds = [str(tmp_path / "0.wav"), str(tmp_path / "1.wav")]
    with pytest.raises(SystemExit, match="--allow-code"):
        command_line.main(["tag", str(folder), *sounds])
    command_line.main(["tag", str(folder), *sounds, "--top", "1", "--allow-code"])
    row = capsys.readouterr().out.splitlines()[-1]
    assert model["classes"][found.argmax()] in row

    # An own kind of feature is in no graph, and a file that was changed is not run.
    with pytest.raises(SystemExit, match="only log_mel can be exported"):
        command_line.main(["export", str(folder), "--onnx", "--allow-code"])
    with (folder / "own-2-my_net.py").open("a") as file:
        file.write("\n")
    with pytest.raises(EarmarkError, match=r"own-2-my_net.py is not as it was written"):
        Tagger.load(folder, "cpu", allow_code=True)


def test_a_bundle_that_hides_its_files_is_refused(inside: Path, tmp_path: Path) -> None:
    made = bundles.make(tmp_path / "bundle", ("log_mel",))
    described = json.loads((made / "tagger.json").read_text())
    for name in ("my_net.py:MyNet", "../my_net.py:MyNet", f"{inside}/my_net.py:MyNet"):
        described["systems"]["log_mel"]["network"] = name
        described["checksums"]["tagger.json"] = bundle._checksum(described)
        (made / "tagger.json").write_text(json.dumps(described))
        with pytest.raises(EarmarkError, match="a Python file is missing"):
            Tagger.load(made, "cpu", allow_code=True)


def test_an_own_network_is_exported(
    inside: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = {**bundles.SYSTEMS["log_mel"], "network": "my_net.py:MyNet", "network_options": {}}
    monkeypatch.setitem(bundles.SYSTEMS, "log_mel", entry)
    made = bundles.make(tmp_path / "made")
    command_line.main(["export", str(made), "--onnx", "--allow-code"])
    graph = Tagger.load(made.with_name("tagger_onnx"))
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 30000)
    expected = Tagger.load(made, "cpu", allow_code=True)(sound, 16000)
    found = graph(sound, 16000)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=5e-4)


WITH_TABLE = """
from dataclasses import dataclass

import numpy as np

from earmark.features.settings import Feature


@dataclass(frozen=True)
class Scaled(Feature):
    sample_rate: int = 8000
    table: str = ""
    fixed, dtype, unit = False, np.float32, 1
    shape = (1, 0)

    def compute(self, samples):
        factor = np.loadtxt(self.table)
        return (factor * np.abs(samples).mean(keepdims=True)[None]).astype(np.float32)
"""
NET_WITH_TABLE = """
import numpy as np
from torch import nn


class Net(nn.Module):
    def __init__(self, input_shape, classes, table):
        super().__init__()
        self.linear = nn.Linear(1, classes)
        nn.init.constant_(self.linear.weight, float(np.loadtxt(table)))

    def forward(self, x):
        return self.linear(x.mean(dim=2))
"""


def test_files_that_options_name_are_tracked_and_carried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    monkeypatch.chdir(home)
    (home / "scaled.py").write_text(WITH_TABLE)
    (home / "net.py").write_text(NET_WITH_TABLE)
    (home / "models" / "table.txt").write_text("3.0")
    (home / "table.txt").write_text("2.0")
    kind = {"kind": "scaled.py:Scaled", "sample_rate": 8000, "table": "models/table.txt"}
    assert own_parts.data_files({**kind, "mode": "scaled", "long": "x. " * 100}) == [
        "models/table.txt"
    ]

    def hashed() -> str:
        data = own_parts.data_files(kind)
        return code.code_of_own(Path("scaled.py"), data, REPO / "workflow_scripts")

    before = hashed()
    os.utime("models/table.txt", (1, 1))
    assert hashed() == before
    Path("models/table.txt").write_text("4.0")
    assert hashed() != before

    options = {"table": str(home / "table.txt")}
    network = build("net.py:Net", (1, 4), 2, **options)
    saved_models.save("a.safetensors", "a.json", network)
    recipe = {"epochs": 1, "batch_clips": 2, "learning_rate": 0.1, "crop_frames": 4}
    described = Bundle(
        "tables", ["x", "y"], Combination("arithmetic", 0.25, ["net"]), {"scaled": kind},
        {"net": System("scaled", "net.py:Net", options, recipe, ["a.safetensors"])}, 9.0,
    )  # fmt: skip
    sound = np.tile(np.float32([0.5, -0.5]), 400)
    bundle.write(tmp_path / "made", described, {"a.safetensors": "a.safetensors"}, "# Card\n")
    monkeypatch.chdir(tmp_path)
    moved = Path(shutil.move(tmp_path / "made", tmp_path / "moved"))
    shutil.rmtree(home)
    found = Tagger.load(moved, "cpu", allow_code=True)(sound, 8000).probabilities[0]
    logits = network.linear(torch.tensor([4.0 * 0.5 / 4]))  # one frame, and three of padding
    np.testing.assert_allclose(found, logits.softmax(0).detach().numpy(), atol=1e-6)


def test_a_process_that_does_not_know_the_class_gets_the_feature(inside: Path) -> None:
    entry = {"kind": "my_feature.py:Levels", "sample_rate": 8000, "bands": 5}
    sent = pickle.dumps(feature_settings.parse(entry))
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).shape)"
    got = subprocess.run(
        [sys.executable, "-c", program],
        input=sent, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(REPO / "workflow_scripts")},
    )  # fmt: skip
    assert got.stdout == b"(5, 0)\n"


def test_an_augmentation_follows_from_the_seed(inside: Path) -> None:
    own = Augmentation(
        augmentation="my_augment.py:louder_or_quieter", augmentation_options={"most": 0.5}
    )
    inputs = torch.rand(64, 3, 5) + 0.1
    batch = Batch(inputs, torch.eye(64), torch.ones(64), list(map(str, range(64))))
    first, again, other = (batches.augment(batch, own, 0.0, seed).inputs for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    factors = first / inputs
    assert torch.allclose(factors, factors[:, :1, :1].expand_as(factors))
    assert 0.5 <= factors.min() < 0.6
    assert 1.4 < factors.max() <= 1.5


def checked(change: dict[str, Any]) -> None:
    settings.check(merged(merged(default_config(), CONFIG), change), SCHEMA)


def test_the_docs_config_is_right_and_text_is_read(inside: Path) -> None:
    checked({})
    texts = {
        "features": {"levels": {"bands": "12", "sample_rate": "8000"}},
        "systems": {"mine": {"network_options": {"width": "8"}}},
        "recipes": {"mine": {"augmentation_options": {"most": "0.3"}}},
    }
    checked(texts)
    checked({"features": {"levels": {"sample_rate": "auto"}}})
    network = {"feature": "log_mel", "recipe": "crops", "network": "my_net.py:MyNet"}
    checked({"systems": {"other": {**network, "labels": "everything"}}})


SYSTEM, RECIPE, FEATURE = ("systems", "mine"), ("recipes", "mine"), ("features", "levels")


@pytest.mark.parametrize(
    ("entry", "change", "words"),
    [
        (SYSTEM, {"network": "no_net.py:MyNet"}, "no_net.py .*cannot be read"),
        (SYSTEM, {"network": "my_net.py:MyNat"}, "no function or class 'MyNat'.*'MyNet'"),
        (SYSTEM, {"network": "bad.py:MyNet"}, "bad.py is not Python .*line 1"),
        (SYSTEM, {"network_options": {"depth": 3}}, "no option 'depth'. It has: width"),
        (SYSTEM, {"network_options": {"width": 1.5}}, "'width' .* is 1.5. Write a whole number"),
        (SYSTEM, {"network": "nets.py:needs"}, "needs the option 'kernel', which has no default"),
        (SYSTEM, {"network": "nets.py:few"}, "does not take input_shape and classes"),
        (SYSTEM, {"network": "nets.py:Bare"}, "has no __init__"),
        (SYSTEM, {"network": "my_net.py"}, "no network 'my_net.py'.*my_net.py:MyNet"),
        (RECIPE, {"augmentation": "my_augment.py:none"}, "no function or class 'none'"),
        (RECIPE, {"augmentation": "mixup"}, "Write a file and a name in it"),
        (RECIPE, {"augmentation_options": {"most": "much"}}, "'most' .* 'much'. Write a number"),
        (RECIPE, {"augmentation_options": {"least": 0.1}}, "no option 'least'. It has: most"),
        (FEATURE, {"kind": "my_feature.py:Level"}, "no function or class 'Level'"),
        (FEATURE, {"bins": 3}, "no option 'bins'. It has: sample_rate, bands"),
        (FEATURE, {"bands": True}, "'bands' .* is True. Write a whole number"),
        (FEATURE, {"sample_rate": -1}, "sample_rate is -1"),
        (FEATURE, {"kind": "nets.py:few"}, "is a function"),
        (FEATURE, {"kind": "nets.py:Half"}, "lacks compute and unit"),
        (FEATURE, {"kind": "nets.py:Half"}, "no dataclass"),
    ],
)
def test_mistakes_are_told_while_planning(
    inside: Path, entry: tuple[str, str], change: dict[str, Any], words: str
) -> None:
    (inside / "bad.py").write_text("def MyNet(:\n")
    (inside / "nets.py").write_text(
        "raise SystemExit('planning runs no file')\n"
        "def needs(input_shape, classes, kernel, width=3): ...\n"
        "def few(input_shape): ...\n"
        "class Bare(Module): ...\n"
        "class Derived(nn.Sequential): ...\n"
        "class Half(Feature):\n    fixed = True\n    dtype = int\n    def shape(self): ...\n"
    )
    with pytest.raises(EarmarkError, match=f"(?s){words}"):
        checked({entry[0]: {entry[1]: change}})
    options = {"network": "nets.py:Derived", "network_options": {}}
    checked({"systems": {"mine": options}})  # what another class takes is not known


def test_a_ragged_feature_needs_crops(inside: Path) -> None:
    config = merged(default_config(), CONFIG)
    del config["recipes"]["mine"]["crop_frames"]
    with pytest.raises(EarmarkError, match="crop_frames"):
        settings.check(config, SCHEMA)
    (inside / "my_feature.py").write_text(FILES["my_feature.py"].replace("False", "True"))
    settings.check(config, SCHEMA)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere", "line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("def f(shape, classes):\n    raise ValueError('why')", "line 2: ValueError: why"),
        ("def f(shape, classes):\n    return 3", "it gives int"),
        ("from torch.nn import *\ndef f(s, c):\n    return Flatten()", r"\(2, 12\), not \(2, 5"),
        ("g = 1", "AttributeError"),
        ("raise SystemExit('bye')", "line 1: SystemExit: bye"),
    ],
)  # fmt: skip
def test_a_network_that_fails_is_told(inside: Path, text: str, words: str) -> None:
    (inside / "net.py").write_text(f"{text}\n")
    with pytest.raises(OwnPartError, match=f"net.py:f failed.*{words}"):
        build("net.py:f", (3, 4), 5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("astype(np.float32)  #", "astype(np.float64)  #", "float64 .*, not float32"),
        ("return (10", "return (10 * 1e39", "NaN or infinite"),
        ("(10 * np.log10(bands + 1e-6))", "bands[0]", "not float32 of"),
        ("(Feature)", "", "Feature"),
    ],
)
def test_a_feature_that_fails_is_told(inside: Path, old: str, new: str, words: str) -> None:
    (inside / "my_feature.py").write_text(FILES["my_feature.py"].replace(old, new))
    with pytest.raises(OwnPartError, match=f"my_feature.py:Levels failed.*{words}"):
        feature_settings.parse({"kind": "my_feature.py:Levels"}).compute(np.ones(9999, np.float32))


def test_an_augmentation_that_fails_is_told(inside: Path) -> None:
    batch = Batch(torch.rand(4, 3, 5), torch.eye(4), torch.ones(4), list("abcd"))
    (inside / "aug.py").write_text("def f(inputs, generator):\n    return inputs[:, 1:]\n")
    with pytest.raises(OwnPartError, match=r"aug.py:f failed.*4, 2, 5.*4, 3, 5"):
        batches.augment(batch, Augmentation(augmentation="aug.py:f"), 0.0, 1)
