"""Files that pretend to be Earmark's own: none is run, all end in a sentence or a new start."""

import json
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_classifier import recipe, toy_examples, toy_module, toy_store, train
from test_training import assert_same_states

from earmark.networks import saved_models
from earmark.runtime.errors import EarmarkError
from earmark.training.checkpoints import Checkpoint
from earmark.training.classifier import Data


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.sprung}",)


def traps(sprung):
    """Hostile checkpoints: bare pickles, and such as torch itself would write."""
    yield "pickle", lambda path: path.write_bytes(pickle.dumps(Trap(sprung)))
    yield "old pickle", lambda path: path.write_bytes(pickle.dumps({"a": Trap(sprung)}, 0))
    state = {"fingerprint": "f", "weights": {"a": torch.ones(1)}, "trap": Trap(sprung)}
    yield "zip", lambda path: torch.save(state, path)
    yield (
        "old torch",
        lambda path: torch.save(state, path, _use_new_zipfile_serialization=False),
    )


def test_the_trap_is_a_trap(tmp_path):
    sprung = tmp_path / "sprung"
    subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"],
        input=pickle.dumps(Trap(sprung)),
        check=True,
    )
    assert sprung.exists()


@pytest.mark.parametrize("kind", ["pickle", "old pickle", "zip", "old torch"])
def test_checkpoint_with_a_command_in_it_is_not_run_and_training_starts_over(tmp_path, kind):
    sprung = tmp_path / "sprung"
    data = Data(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    with toy_store(tmp_path / "toy.h5") as toy:
        expected, found = toy_module(), toy_module()
        history = train(expected, toy, data, recipe(epochs=2), Checkpoint(tmp_path / "c.pt", "f"))
        hostile = Checkpoint(tmp_path / "model" / "checkpoint.pt", "f")
        hostile.path.parent.mkdir()
        dict(traps(sprung))[kind](hostile.path)
        with hostile.locked():
            again = train(found, toy, data, recipe(epochs=2), hostile)
    assert not sprung.exists()
    assert again["epoch"].tolist() == history["epoch"].tolist() == [1, 2]
    assert_same_states(found.state_dict(), expected.state_dict())
    (event_file,) = hostile.path.parent.iterdir()
    assert "tfevents" in event_file.name


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


ENTRY = {"dtype": "F32", "shape": [3, 16], "data_offsets": [0, 192]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        pickle.dumps({"weight": np.ones(3)}),
        safetensors({}, length=2**63),
        safetensors({}, length=2**40),
        safetensors(b"{" * 1000),
        safetensors(b"[" * 100_000),
        safetensors(b"\xff\xfe not json"),
        safetensors({"4.weight": ENTRY}),
        safetensors({"4.weight": ENTRY}, b"\0" * 192),
        safetensors({"4.weight": {**ENTRY, "shape": [2**40, 2**40]}}, b"\0" * 192),
        safetensors({"4.weight": {**ENTRY, "data_offsets": [0, 2**62]}}, b"\0" * 192),
        safetensors({"4.weight": {**ENTRY, "data_offsets": [192, 0]}}, b"\0" * 192),
        safetensors({"4.weight": {**ENTRY, "dtype": "../../etc"}}, b"\0" * 192),
        safetensors({"__reduce__": ENTRY, "4.weight": ENTRY}, b"\0" * 192),
    ],
    ids=[
        "empty",
        "seven bytes",
        "a pickle",
        "header of 2^63 bytes",
        "header of 2^40 bytes",
        "no JSON",
        "deep JSON",
        "no text",
        "no data",
        "layers missing",
        "shape beyond memory",
        "data beyond the file",
        "data backwards",
        "unknown type",
        "two names for one place",
    ],
)
def test_weights_that_are_none_are_explained(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(EarmarkError, match=r"(?s)weights .*Delete them"):
        saved_models.load(toy_module(), path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"classes": ["a"]}',
        b'{"network": "vgg", "classes": "abc"}',
        b'{"network": {"__class__": "os"}, "classes": ["a"]}',
    ],
)
def test_damaged_metadata_is_explained(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(EarmarkError, match=r"(?s)metadata .*damaged.*Delete them"):
        saved_models.read_metadata(path, {"network": str, "classes": list})
    with pytest.raises(EarmarkError, match=r"metadata .*No such file"):
        saved_models.read_metadata(tmp_path / "absent.json", {})


def test_metadata_comes_back(tmp_path):
    saved_models.save(tmp_path / "w", tmp_path / "f", toy_module(), network="vgg", classes=["a"])
    found = saved_models.read_metadata(tmp_path / "f", {"network": str, "classes": list})
    assert (found["network"], found["classes"]) == ("vgg", ["a"])
