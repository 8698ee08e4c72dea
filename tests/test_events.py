"""Event files as TensorBoard's own reader sees them: each epoch once, whatever happened."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_run import Run
from torch import nn

from earmark.inference.batches import Batch
from earmark.runtime import events
from earmark.runtime.events import EventFile
from earmark.training import loop
from earmark.training.checkpoints import Checkpoint


def read(folder: Path) -> dict[str, dict[int, list[float]]]:
    """Tag -> epoch -> the values there."""
    found: dict[str, dict[int, list[float]]] = {}
    reader = EventAccumulator(str(folder))
    reader.Reload()
    for tag in reader.Tags()["scalars"]:
        for event in reader.Scalars(tag):
            found.setdefault(tag, {}).setdefault(event.step, []).append(event.value)
    return found


def write(folder: Path, done: int, losses: dict[int, float]) -> None:
    with EventFile(folder, done) as file:
        for epoch, loss in losses.items():
            file.epoch_done(epoch, {"epoch": epoch, "train_loss": loss, "learning_rate": 0.5})


def test_what_a_resumed_training_did_again_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write(folder, 0, {1: 3.0, 2: 2.5, 3: 2.25})
    # Stopped after the third epoch was written and before its checkpoint was.
    write(folder, 2, {3: 2.0, 4: 1.5})
    found = read(folder)
    assert found["loss/train"] == {1: [3.0], 2: [2.5], 3: [2.0], 4: [1.5]}
    assert found["learning_rate"] == {epoch: [0.5] for epoch in range(1, 5)}
    assert set(found) == {"loss/train", "learning_rate", "memory/process_MiB"}
    # This process holds torch.
    assert 50 < found["memory/process_MiB"][1][0] < 20_000


def test_a_training_from_the_start_removes_the_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("kept")
    write(tmp_path, 0, {1: 3.0, 2: 2.5})
    write(tmp_path, 2, {3: 2.0})
    write(tmp_path, 0, {1: 5.0})
    assert read(tmp_path)["loss/train"] == {1: [5.0]}
    assert len(list(tmp_path.glob(events.PATTERN))) == 1
    assert (tmp_path / "history.csv").read_text() == "kept"


def test_epochs_can_be_watched(tmp_path: Path) -> None:
    with EventFile(tmp_path, 0) as file:
        file.epoch_done(1, {"validation_map3": 0.25})
        assert read(tmp_path)["map3/validation"] == {1: [0.25]}


def test_a_training_writes_its_history_and_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])
    module = nn.Linear(1, 1)

    def batches_of(epoch: int) -> list[Batch]:
        now[0] += 2.0  # seconds, in which two batches of three clips are learned from
        return 2 * [Batch(torch.ones(3, 1), torch.ones(3, 1), torch.ones(3), list("abc"))]

    def losses_of(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = module(batch.inputs).square().mean()
        return loss, {"loss": loss.detach() * 3}

    def validate() -> loop.Metrics:
        now[0] += 100.0
        return {"validation_loss": float(module.bias.item() ** 2)}

    settings = loop.TrainingSettings(3, 0.1)
    task = loop.TrainingTask("toy", batches_of, 2, losses_of, validate, lambda one: (one["epoch"],))
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "f")
    optimizer = loop.make_optimizer(module, settings)
    history = loop.fit(module, optimizer, settings, task, checkpoint, seed=1).history
    assert list(history) == ["epoch", "learning_rate", "train_loss", "validation_loss"]
    found = read(tmp_path)
    for tag, column in {"loss/train": "train_loss", "loss/validation": "validation_loss"}.items():
        values = [value for epoch in (1, 2, 3) for value in found[tag][epoch]]
        assert values == pytest.approx(history[column].tolist())
    assert found["clips_per_second"] == {epoch: [3.0] for epoch in (1, 2, 3)}


@pytest.mark.parametrize(
    "folder",
    [
        "models/cnn_logmel/seed1/fold0",
        "selftraining/vgg_fewer_semi/seed1/fold0/round2",
        "autoencoders/stft",
    ],
)
def test_trainings_of_every_kind_can_be_watched(finished: Run, folder: str) -> None:
    history = pd.read_csv(finished.results / folder / "history.csv")
    found = read(finished.results / folder)
    assert [value for (value,) in found["loss/train"].values()] == pytest.approx(
        history["train_loss"].tolist()
    )
    assert list(found["clips_per_second"]) == history["epoch"].tolist()
    assert not {"clips_per_second", "memory/process_MiB"} & set(history)
