"""Where and how jobs compute follows from the config and the machine, and from nothing else."""

import json
import math

import pytest
import torch
from torch import nn

from earmark.inference import hardware
from earmark.inference.hardware import Hardware
from earmark.runtime import processors

CPU = torch.device("cpu")
SETTINGS = {
    "device": "cpu",
    "precision": "auto",
    "memory_format": "channels_last",
    "compile": "auto",
    "compile_from_clips": 1000,
}


@pytest.fixture(autouse=True)
def same_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("memory_format", "strides"),
    # Of a weight (4, 3, 3, 3), whose channels lie far apart or next to each other.
    [("contiguous", (27, 9, 3, 1)), ("channels_last", (27, 1, 9, 3))],
)
def test_weights_are_moved_in_the_memory_format_and_keep_their_values(memory_format, strides):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv1d(3, 4, 3), nn.Linear(2, 2))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    Hardware(CPU, None, memory_format).move(module)
    assert module[0].weight.stride() == strides
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("precision", "has_instructions", "training", "predicting"),
    [
        ("auto", True, "bfloat16", "float32"),
        ("auto", False, "float32", "float32"),
        ("bfloat16", True, "bfloat16", "bfloat16"),
        ("bfloat16", False, "bfloat16", "bfloat16"),
        ("float32", True, "float32", "float32"),
        ("float32", False, "float32", "float32"),
    ],
)
def test_precision(monkeypatch, precision, has_instructions, training, predicting):
    monkeypatch.setattr(hardware, "cpu_has_bfloat16", lambda: has_instructions)
    for expected, is_predicting in ((training, False), (predicting, True)):
        found = hardware.prepare(1, 1, {**SETTINGS, "precision": precision}, is_predicting)
        assert found.facts()["precision"] == expected
        with found.autocast():
            product = torch.rand(2, 2) @ torch.rand(2, 2)
        assert product.dtype == getattr(torch, expected)


@pytest.mark.parametrize(("asked", "used"), [(2, 2), (8, 3), (0, 1)])
def test_no_more_threads_than_processors_that_may_be_used(monkeypatch, asked, used):
    monkeypatch.setattr(processors, "available_processors", lambda: 3)
    assert hardware.prepare(asked, 1, SETTINGS).facts()["threads"] == used
    assert torch.get_num_threads() == used


def test_facts_are_plain_values(monkeypatch):
    monkeypatch.setattr(processors, "processor_name", lambda: "Abacus 2000")
    found = hardware.prepare(1, 1, {**SETTINGS, "precision": "float32"})
    assert json.loads(json.dumps(found.facts())) == {
        "device": "cpu",
        "device_name": "Abacus 2000",
        "threads": 1,
        "precision": "float32",
        "memory_format": "channels_last",
    }


@pytest.mark.parametrize(
    ("compile_", "on_gpu", "clips"),
    [
        ("auto", True, 1000),
        ("auto", False, math.inf),
        (True, True, 0),
        (True, False, 0),
        (False, True, math.inf),
        (False, False, math.inf),
    ],
)
def test_what_is_compiled(compile_, on_gpu, clips):
    assert hardware.compiled_from({**SETTINGS, "compile": compile_}, on_gpu) == clips
