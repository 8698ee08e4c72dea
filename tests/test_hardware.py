"""Where and how jobs compute follows from the config and the machine, and from nothing else."""

import logging
import math

import pytest
import torch
from torch import nn

from earmark.inference import hardware
from earmark.inference.hardware import Hardware, choose_hardware
from earmark.runtime import processors
from earmark.runtime.errors import EarmarkError

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
        chosen = choose_hardware(1, 1, {**SETTINGS, "precision": precision}, is_predicting)
        for one in (chosen, chosen.for_predicting()) if is_predicting else (chosen,):
            assert one.numerics()["precision"] == expected
            with one.autocast():
                product = torch.rand(2, 2) @ torch.rand(2, 2)
            assert product.dtype == getattr(torch, expected)


@pytest.mark.parametrize(
    ("precision", "predicting", "used", "tf32"),
    [
        ("float32", False, "float32", False),
        ("float32", True, "float32", False),
        ("auto", False, "bfloat16", True),
        ("auto", True, "TF32", True),
        ("bfloat16", True, "bfloat16", True),
    ],
)
def test_float32_on_a_gpu_is_float32(monkeypatch, caplog, precision, predicting, used, tf32):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level("INFO", "earmark")
    for name, result in {
        "is_available": True,
        "device_count": 1,
        "set_device": None,
        "is_bf16_supported": True,
        "get_device_name": "Abacus",
        "manual_seed_all": None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, result=result, **__: result)
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = not tf32
        settings = {**SETTINGS, "device": "auto", "precision": precision}
        chosen = choose_hardware(1, 1, settings, predicting)
        assert [flag.allow_tf32 for flag in flags] == [tf32, tf32]
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.allow_tf32 = value
    assert chosen.numerics()["precision"] == used
    assert f"Computing on Abacus with 1 threads in {used}." in caplog.text


def test_devices_that_are_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("auto", "cpu", "cuda", "cuda:1"):
        hardware.check_device(device)
    with pytest.raises(EarmarkError, match="cuda, cuda:0, cuda:1"):
        hardware.check_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(EarmarkError, match="only auto, cpu"):
        choose_hardware(1, 1, {**SETTINGS, "device": "cuda"})


@pytest.mark.parametrize(("asked", "used"), [(2, 2), (8, 3), (0, 1)])
def test_no_more_threads_than_processors_that_may_be_used(monkeypatch, asked, used):
    monkeypatch.setattr(processors, "available_processors", lambda: 3)
    assert choose_hardware(asked, 1, SETTINGS).numerics()["threads"] == used
    assert torch.get_num_threads() == used


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
