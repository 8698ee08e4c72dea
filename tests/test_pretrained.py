"""The docs' pretrained features and their probe (docs/pretrained.md)."""

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from onnx import TensorProto, helper
from tiny import REPO

from earmark.features import settings
from earmark.features.settings import Feature
from earmark.networks.build import build

TEXT = (REPO / "docs" / "pretrained.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n# pretrained.py\n(.*?)```", TEXT, re.S)[0]
CONFIG = yaml.safe_load(re.findall(r"```yaml\n# pretrained.yaml\n(.*?)```", TEXT, re.S)[0])


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the file of the docs."""
    (tmp_path / "pretrained.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def speech(backbone: Path) -> Feature:
    return settings.parse(
        {
            "kind": CONFIG["features"]["speech"]["kind"],
            "spectrogram": str(backbone / "melspectrogram.onnx"),
            "model": str(backbone / "embedding_model.onnx"),
        }
    )


@pytest.mark.parametrize("count", [40_000, 12_640, 12_639, 300, 0])
def test_each_vector_is_of_its_own_window(inside: Path, backbone: Path, count: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)
    found = speech(backbone).compute(samples)
    padded = np.pad(samples, (0, max(0, 12_640 - count))) * 32767
    run = {name: onnxruntime.InferenceSession(str(backbone / f"{name}.onnx")).run
           for name in ("melspectrogram", "embedding_model")}  # fmt: skip
    frames = run["melspectrogram"](None, {"input": padded[None]})[0][0, 0] / 10 + 2
    expected = []
    while len(frames) >= 76:
        expected.append(run["embedding_model"](None, {"input_1": frames[None, :76, :, None]})[0])
        frames = frames[8:]
    np.testing.assert_allclose(found, np.concatenate(expected).reshape(-1, 96), atol=1e-4)
    assert len(found) == (22 if count == 40_000 else 1)


@pytest.mark.parametrize("shape", [["n"], ["batch", "n"]])
def test_samples_go_into_networks_with_and_without_a_batch(inside: Path, shape: list[str]) -> None:
    # Sums of squares and of absolute values, of the second output.
    source = helper.make_tensor_value_info("sound", TensorProto.FLOAT, shape)
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [len(shape) - 1])
    nodes = [
        helper.make_node("Identity", ["sound"], ["other"]),
        helper.make_node("ReduceSumSquare", ["sound", "axes"], ["square"], keepdims=1),
        helper.make_node("ReduceL1", ["sound", "axes"], ["size"], keepdims=1),
        helper.make_node("Concat", ["square", "size"], ["vectors"], axis=-1),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in ("other", "vectors")
    ]
    graph = helper.make_graph(nodes, "sums", [source], outputs, [axes])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), "sums.onnx")
    feature = settings.parse(
        {
            "kind": "pretrained.py:Pretrained", "model": "sums.onnx", "output": "vectors",
            "sample_rate": 100, "dimensions": 2, "window": 0.2, "hop": 0.1,
        }
    )  # fmt: skip
    samples = np.random.default_rng(0).normal(size=47).astype(np.float32)
    found = feature.compute(samples)
    windows = [samples[start : start + 20] for start in (0, 10, 20, 30)]  # the last has 17
    expected = [[(one**2).sum(), np.abs(one).sum()] for one in windows]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_padding_changes_nothing_that_the_probe_says(inside: Path) -> None:
    torch.manual_seed(0)
    probe = build("pretrained.py:Probe", (6, 20), 3).eval()
    vectors = torch.randn(2, 6, 5)
    padded = torch.zeros(2, 6, 20)
    padded[:, :, 8:13] = vectors
    with torch.no_grad():
        torch.testing.assert_close(probe(padded), probe(vectors))
        assert probe(torch.zeros(1, 6, 20)).isfinite().all()
        both = torch.cat([vectors.mean(dim=2), vectors.amax(dim=2)], dim=1)
        torch.testing.assert_close(probe(vectors), probe.linear(probe.norm(both)))
