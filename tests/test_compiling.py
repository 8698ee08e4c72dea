"""Compiled networks: the same steps, untouched state, and a plain fall-back."""

import logging
import shutil

import pytest
import torch
from torch import nn

from earmark.inference.hardware import Hardware
from earmark.networks.build import build
from earmark.training.compiling import compiled

CPU = torch.device("cpu")
ALWAYS = Hardware(CPU, None, compile_from_clips=0)
needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())


def test_not_asked_for_nothing_is_compiled():
    module = network()
    assert compiled(module, torch.rand(2, 1, 8, 8), Hardware(CPU, None), 10**6) == (module, False)


@needs_compiler
def test_compiled_steps_agree_and_leave_no_trace():
    module, plain = network(), network()
    inputs = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    example, random = torch.rand(5, 1, 8, 8), torch.get_rng_state()
    forward, done = compiled(module, example, ALWAYS, 1)
    assert done
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
    machine = Hardware(CPU, torch.bfloat16, compile_from_clips=0)
    forward, done = compiled(module, inputs, machine, 1)
    assert done
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
    ("compile_", "words"),
    [
        (failing, "Compiling failed (no compiler found)"),
        (lambda module, **settings: Wrong(module, 0.0), "wrong gradients in float32"),
        (lambda module, **settings: Wrong(module, 10.0), "wrong gradients in float32"),
        (lambda module, **settings: Wrong(module, float("nan")), "wrong gradients in float32"),
    ],
    ids=["no compiler", "no gradients", "large gradients", "NaN"],
)
def test_what_cannot_be_compiled_rightly_is_used_as_it_is(monkeypatch, caplog, compile_, words):
    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    module = network()
    assert compiled(module, torch.rand(2, 1, 8, 8), ALWAYS, 1) == (module, False)
    assert words in caplog.text


@pytest.mark.parametrize(("clips", "tried"), [(99, 0), (100, 1)])
def test_only_long_trainings_are_compiled(monkeypatch, clips, tried):
    calls = []
    monkeypatch.setattr(torch, "compile", lambda module, **settings: calls.append(1) or module)
    module = network()
    machine = Hardware(CPU, None, compile_from_clips=100)
    _, done = compiled(module, torch.rand(2, 1, 8, 8), machine, clips)
    assert (len(calls), done) == (tried, bool(tried))
