"""Compiled networks: the same steps, untouched state, and a plain fall-back."""

import json
import logging
import shutil

import pytest
import torch
from torch import nn

from earmark import compiling, probes
from earmark.compiling import compiled
from earmark.hardware import Hardware
from earmark.networks.build import build

CPU = torch.device("cpu")
needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())


def test_not_asked_for_nothing_is_compiled():
    module = network()
    assert compiled(module, torch.rand(2, 1, 8, 8), Hardware(CPU, None), 10**6) is module


@needs_compiler
def test_compiled_steps_agree_and_leave_no_trace():
    module, plain = network(), network()
    inputs = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    probe, random = torch.rand(5, 1, 8, 8), torch.get_rng_state()
    forward = compiled(module, probe, Hardware(CPU, None, compile_networks=True), 1)
    assert forward is not module
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(a, b) for a, b in zip(module.buffers(), plain.buffers(), strict=True))
    assert all(parameter.grad is None for parameter in module.parameters())
    for batch in (inputs, inputs[:3]):  # the second is of another shape
        found, expected = forward(batch), plain(batch)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        found.square().mean().backward()
        expected.square().mean().backward()
    for one, other in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)
    for one, other in zip(module.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@needs_compiler
def test_gradients_of_cnn_logmel_compiled_in_bfloat16():
    # With `amax` in place of `max` over the frames, torch 2.11 compiles it to gradients of NaN.
    torch.manual_seed(0)
    module = build("cnn_logmel", (16, 32), 5, width=4, depth=2, dropout=0.0)
    inputs, weights = torch.rand(4, 16, 32), torch.randn(4, 5)
    machine = Hardware(CPU, torch.bfloat16, compile_networks=True)
    forward = compiled(module, inputs, machine, 1)
    assert forward is not module
    gradients = []
    for form in (module, forward):
        with machine.autocast():
            output = form(inputs)
        (output.float() * weights).sum().backward()
        gradients.append(torch.cat([part.grad.flatten() for part in module.parameters()]))
        module.zero_grad()
    plain, found = gradients
    assert (found - plain).norm() < 0.05 * plain.norm()


def failing(module, **settings):
    def call(batch):
        raise RuntimeError("no compiler\nfound")

    return call


class Wrong(nn.Module):
    def __init__(self, module, factor):
        super().__init__()
        self.module, self.factor = module, factor

    def forward(self, inputs):
        return self.module(inputs) * self.factor


@pytest.mark.parametrize(
    ("compile_", "told"),
    [
        (failing, "cannot be compiled here (no compiler found)"),
        (lambda module, **settings: Wrong(module, 0.0), "The compiled network is wrong"),
        (lambda module, **settings: Wrong(module, 10.0), "The compiled network is wrong"),
        (lambda module, **settings: Wrong(module, float("nan")), "The compiled network is wrong"),
    ],
    ids=["no compiler", "no gradients", "large gradients", "no numbers"],
)
def test_what_cannot_be_compiled_rightly_is_used_as_it_is(monkeypatch, caplog, compile_, told):
    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    module = network()
    machine = Hardware(CPU, None, compile_networks=True)
    assert compiled(module, torch.rand(2, 1, 8, 8), machine, 1) is module
    assert told in caplog.text


@pytest.mark.parametrize(
    ("device", "clips", "tried"),
    [("cuda", 99_999, 0), ("cuda", 100_000, 1), ("cpu", 99_999, 0), ("cpu", 100_000, 2)],
)
def test_auto_compiles_long_trainings_and_does_not_warn_without_a_compiler(
    monkeypatch, caplog, cache, device, clips, tried
):
    calls = []

    def compile_(module, **settings):
        calls.append(module)
        return failing(module)

    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level(logging.INFO, "earmark")
    machine = Hardware(torch.device(device), None, compile_networks="auto")
    # A compiler may be there the next time: that there was none is not kept.
    for _ in range(2 if tried == 2 else 1):
        module = network()
        assert compiled(module, torch.rand(2, 1, 8, 8), machine, clips) is module
    assert len(calls) == tried
    told = [record.levelname for record in caplog.records if "cannot be comp" in record.message]
    assert told == ["INFO"] * tried
    assert not list(cache.rglob("*.json"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


AUTO = Hardware(CPU, None, compile_networks="auto")


@pytest.mark.parametrize(
    ("milliseconds", "form"), [((100, 94), "compiled"), ((100, 97), "plain"), ((9, 100), "plain")]
)
def test_on_a_processor_what_is_faster_is_used_and_kept(monkeypatch, cache, milliseconds, form):
    monkeypatch.setattr(torch, "compile", lambda module, **settings: Wrong(module, 1.0))
    times = dict(zip(("plain", "compiled"), map(float, milliseconds), strict=True))
    monkeypatch.setattr(probes, "milliseconds_of", lambda steps, hardware: times)
    batch = torch.rand(2, 1, 8, 8)
    for _ in range(2):
        module = network()
        assert (compiled(module, batch, AUTO, 10**6) is module) == (form == "plain")
        # The second time the timer is not asked.
        monkeypatch.setattr(probes, "milliseconds_of", failing(module))
    (kept,) = cache.rglob("forms/*.json")
    assert json.loads(kept.read_text())["form"] == form


def test_on_a_processor_a_wrong_compiler_is_remembered(monkeypatch, cache, caplog):
    calls = []
    monkeypatch.setattr(
        torch, "compile", lambda module, **settings: calls.append(1) or Wrong(module, 0.0)
    )
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level(logging.INFO, "earmark")
    for _ in range(2):
        module = network()
        assert compiled(module, torch.rand(2, 1, 8, 8), AUTO, 10**6) is module
    assert calls == [1]
    assert "compiled network is wrong" in caplog.text
    assert "Form: plain, as probed before" in caplog.text


def test_timing_the_forms_leaves_the_network_as_it_was():
    module, plain = network(), network()
    batch, random = torch.rand(2, 1, 8, 8), torch.get_rng_state()
    name, times = compiling._faster(module, module, batch, AUTO)
    assert name in times
    assert sorted(times) == ["compiled", "plain"]
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(a, b) for a, b in zip(module.buffers(), plain.buffers(), strict=True))
    assert all(parameter.grad is None for parameter in module.parameters())
