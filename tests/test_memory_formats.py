"""The choice of a memory format: made once per machine and task, and kept."""

import json

import pytest
import torch
from torch import nn

from earmark import memory_formats, probes
from earmark.hardware import Hardware

MACHINE = Hardware(torch.device("cpu"), None)
OTHER = {"contiguous": "channels_last", "channels_last": "contiguous"}


def network(channels=4):
    return nn.Sequential(nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels))


def format_of(module):
    # Told apart by strides: a weight (4, 3, 3, 3) has its channels next to each other, or far.
    strides = module[0].weight.stride()
    return {(27, 9, 3, 1): "contiguous", (27, 1, 9, 3): "channels_last"}[strides]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "earmark" / "memory_formats"


@pytest.mark.parametrize("wanted", ["contiguous", "channels_last"])
def test_named_format_is_taken_without_a_probe(cache, wanted):
    module = network()
    memory_formats.arrange(module, torch.rand(2, 3, 8, 8), MACHINE, wanted)
    assert format_of(module) == wanted
    assert not cache.exists()


def test_the_first_choice_on_a_machine_stays_whatever_the_timer_says(cache):
    batch = torch.rand(2, 3, 8, 8)
    first = network()
    memory_formats.arrange(first, batch, MACHINE)
    (kept,) = cache.glob("*.json")
    chosen = json.loads(kept.read_text())["memory_format"]
    assert format_of(first) == chosen
    kept.write_text(json.dumps({"memory_format": OTHER[chosen]}))
    again = network()
    memory_formats.arrange(again, batch, MACHINE)
    assert format_of(again) == OTHER[chosen]


@pytest.mark.parametrize(
    ("channels", "size", "dtype"), [(5, 8, None), (4, 9, None), (4, 8, torch.bfloat16)]
)
def test_other_networks_batches_and_precisions_are_probed_anew(cache, channels, size, dtype):
    memory_formats.arrange(network(), torch.rand(2, 3, 8, 8), MACHINE)
    machine = Hardware(torch.device("cpu"), dtype)
    memory_formats.arrange(network(channels), torch.rand(2, 3, size, size), machine)
    assert len(list(cache.glob("*.json"))) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"memory_format": "diagonal"}', "\x00"])
def test_damaged_note_is_replaced(cache, text):
    memory_formats.arrange(network(), torch.rand(2, 3, 8, 8), MACHINE)
    (kept,) = cache.glob("*.json")
    kept.write_text(text)
    memory_formats.arrange(network(), torch.rand(2, 3, 8, 8), MACHINE)
    assert json.loads(kept.read_text())["memory_format"] in OTHER


def test_cache_that_cannot_be_written_only_warns(tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    module = network()
    memory_formats.arrange(module, torch.rand(2, 3, 8, 8), MACHINE)
    assert format_of(module) in OTHER
    assert "memory_format: channels_last" in caplog.text


def test_note_that_cannot_be_written_does_not_cost_a_second_probe(cache, monkeypatch, caplog):
    probed = []

    def full(place):
        raise OSError(28, "No space left on device")

    def probe(*given):
        probed.append(given)
        return "channels_last", {}

    monkeypatch.setattr(probes, "whole_file", full)
    monkeypatch.setattr(memory_formats, "_probe", probe)
    module = network()
    memory_formats.arrange(module, torch.rand(2, 3, 8, 8), MACHINE)
    assert format_of(module) == "channels_last"
    assert len(probed) == 1
    assert "No space left" in caplog.text


def test_fault_of_the_probe_itself_is_told_as_it_is(cache, monkeypatch, caplog):
    def probe(*given):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(memory_formats, "_probe", probe)
    with pytest.raises(RuntimeError, match="out of memory"):
        memory_formats.arrange(network(), torch.rand(2, 3, 8, 8), MACHINE)
    assert "cannot be kept" not in caplog.text


def test_probe_leaves_weights_and_random_state(cache):
    torch.manual_seed(5)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    memory_formats.arrange(module, torch.zeros(2, 3, 8, 8), MACHINE)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
