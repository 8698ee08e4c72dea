"""On a GPU: batches, training and compiled steps agree with the processor's."""

import signal

import numpy as np
import pytest
import torch
from torch import nn

from earmark.features import store
from earmark.inference import batches, gpu_store
from earmark.inference.batches import Augmentation, Examples
from earmark.inference.hardware import choose_hardware
from earmark.networks.build import build
from earmark.runtime.interruption import InterruptedJobError
from earmark.training import classifier, loop, recipes
from earmark.training.checkpoints import Checkpoint
from earmark.training.compiling import compiled
from earmark.training.training_job import TrainingJob

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

CPU = torch.device("cpu")
CLIPS, CLASSES = 90, 3
NAMES = [f"{number}.wav" for number in range(CLIPS)]


@pytest.fixture(params=["pictures", "crops"])
def features(tmp_path, request):
    """Clips whose level tells their class."""
    rng = np.random.default_rng(0)
    fixed = request.param == "pictures"
    lengths = [40 if fixed else 20 + 7 * number % 40 for number in range(CLIPS)]
    rows = [
        (rng.integers(0, 60, (16, length)) + 60 * (number % CLASSES)).astype(np.uint8)
        for number, length in enumerate(lengths)
    ]
    rows = rows if fixed else [row.T for row in rows]
    path = tmp_path / "features.h5"
    store.write_features(path, NAMES, rows, (16, 40 if fixed else 0), fixed, settings={})
    with store.FeatureStore(path) as opened:
        yield opened


def examples(rows):
    rows = np.asarray(rows)
    weights = np.linspace(0.5, 1, len(rows)).astype(np.float32)
    return Examples(rows, rows % CLASSES, weights, [NAMES[row] for row in rows])


def data():
    rows = np.arange(CLIPS)
    classes = [str(number) for number in range(CLASSES)]
    return classifier.Data(examples(rows[:70]), examples(rows[70:]), classes)


def recipe(epochs=4):
    return recipes.from_settings(
        {"epochs": epochs, "batch_clips": 16, "learning_rate": 1e-3, "keep": "last",
         "crop_frames": 32, "test_crops": 2, "mixup_alpha": 0.4, "mask_bands": 3, "mask_frames": 5}
    )  # fmt: skip


def network():
    torch.manual_seed(0)
    return build("cnn_logmel", (16, 32), CLASSES, width=8, depth=2, dropout=0.0)


def hardware_of(device, compile_=False, precision="float32"):
    settings = {"device": device, "precision": precision, "memory_format": "channels_last"}
    return choose_hardware(2, 1, {**settings, "compile": compile_, "compile_from_clips": 1})


def train(features, hardware, checkpoint):
    job = TrainingJob("gpu", 1, recipe(), hardware, features, checkpoint)
    return classifier.train(job, network(), data()).history


@pytest.mark.parametrize("is_copied", [True, False], ids=["in its memory", "read ahead"])
@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(0.4, 3, 5)])
def test_batches_are_those_of_the_processor(features, is_copied, augmentation):
    gpu = torch.device("cuda")
    source = gpu_store.on_gpu_if_it_fits(features, gpu) if is_copied else features
    assert isinstance(source, gpu_store.GpuFeatureStore) == is_copied
    settings = (examples(range(CLIPS)), CLASSES, 16, 32, augmentation)
    found = batches.training_batches(source, *settings, gpu, 5)
    wanted = batches.training_batches(features, *settings, CPU, 5)
    for one, other in zip(found, wanted, strict=True):
        for name in ("inputs", "targets", "weights"):
            tensor, expected = getattr(one, name), getattr(other, name)
            assert tensor.is_cuda
            torch.testing.assert_close(tensor.cpu(), expected, rtol=0, atol=1e-6)
        assert one.clips == other.clips


def test_batches_stay_what_they_are_while_others_are_made(features):
    """The reader's memory is not used again before the steps have read it."""
    gpu = torch.device("cuda")
    source = gpu_store.on_gpu_if_it_fits(features, gpu)
    settings = (examples(range(CLIPS)), CLASSES, 4, 32, Augmentation())
    wanted = [
        batch.inputs.sum().item() for batch in batches.training_batches(features, *settings, CPU, 3)
    ]
    found = []
    busy = torch.rand(4096, 4096, device=gpu)
    for batch in batches.training_batches(source, *settings, gpu, 3):
        for _ in range(5):  # so that the sum comes long after the next batches are made
            busy = busy @ busy / 4096
        found.append(batch.inputs.double().sum())
        del batch
    torch.testing.assert_close(
        torch.stack(found).float().cpu(), torch.tensor(wanted), rtol=1e-4, atol=0
    )


@pytest.mark.parametrize("compile_", [False, True], ids=["as it is", "compiled"])
def test_training_goes_as_on_the_processor(features, tmp_path, compile_):
    histories = []
    for device in ("cpu", "cuda"):
        hardware = hardware_of(device, compile_ and device == "cuda")
        histories.append(train(features, hardware, Checkpoint(tmp_path / f"{device}.pt", "same")))
    for column in ("train_loss", "validation_loss"):
        np.testing.assert_allclose(
            histories[1][column], histories[0][column], rtol=0.02, atol=1e-3, err_msg=column
        )


@pytest.mark.parametrize("compile_", [False, True], ids=["as it is", "compiled"])
def test_a_stopped_training_goes_on(features, tmp_path, compile_, monkeypatch):
    hardware = hardware_of("cuda", compile_)
    whole = train(features, hardware, Checkpoint(tmp_path / "whole.pt", "same"))
    stopped, steps = Checkpoint(tmp_path / "stopped.pt", "same"), []

    class StopsInAnEpoch(loop.TrainingState):
        def step_done(self, *result):
            super().step_done(*result)
            steps.append(result)
            if len(steps) == 8:
                signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "TrainingState", StopsInAnEpoch)
        with pytest.raises(InterruptedJobError):
            train(features, hardware, stopped)
    rest = train(features, hardware, stopped)
    np.testing.assert_allclose(rest["train_loss"], whole["train_loss"], rtol=0.02, atol=1e-3)


def test_compiled_gradients_in_bfloat16_are_the_plain_ones_step_after_step():
    """Also where the recorded graph runs again, with dropout that differs from step to step."""
    hardware = hardware_of("cuda", True, "bfloat16")
    torch.manual_seed(0)
    module = build("cnn_logmel", (16, 32), CLASSES, width=8, depth=2, dropout=0.0)
    module.to(hardware.device).train()
    forward, done = compiled(module, torch.rand(8, 16, 32, device=hardware.device), hardware, 1)
    assert done
    for seed in range(5):
        torch.manual_seed(seed)
        inputs = torch.rand(8, 16, 32, device=hardware.device)
        weights = torch.randn(8, CLASSES, device=hardware.device)
        gradients = []
        for form, precision in ((module, torch.float32), (module, None), (forward, None)):
            module.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16, enabled=precision is None):
                output = form(inputs)
            (output.float() * weights).sum().backward()
            gradients.append(
                torch.cat([part.grad.flatten().clone() for part in module.parameters()])
            )
        exact, plain, found = gradients
        # No further from the exact ones than rounding takes the plain ones, give or take.
        assert (found - exact).norm() < 2 * (plain - exact).norm() + 0.01 * exact.norm()


def test_dropout_of_recorded_steps_follows_the_seed_and_differs_from_step_to_step():
    hardware = hardware_of("cuda", True)
    module = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5)).to(hardware.device)
    inputs = torch.rand(4, 64, device=hardware.device)
    forward, done = compiled(module, inputs, hardware, 1)
    assert done
    drawn = []
    for _ in range(2):
        torch.manual_seed(7)
        for _ in range(4):
            output = forward(inputs)
            drawn.append((output == 0).cpu())
            output.sum().backward()
            module.zero_grad(set_to_none=True)
    assert all(torch.equal(one, other) for one, other in zip(drawn[:4], drawn[4:], strict=True))
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])
