"""The training loop of every network: epochs, early stopping, best weights, resuming.

What is learned, and how it is validated, is passed as functions (``TrainingTask``), so that
classifiers, rounds of self-training and the autoencoder share this loop.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from earmark.features.finite import name_list
from earmark.inference.batches import Batch
from earmark.runtime import events, interruption, progress
from earmark.runtime.errors import EarmarkError
from earmark.training import seeds
from earmark.training.checkpoints import Checkpoint

log = logging.getLogger("earmark")

Metrics = dict[str, float]


@dataclass(frozen=True)
class TrainingSettings:
    """How long to train and which weights to keep.

    ``patience``: stop after so many epochs without a better score (0: never). ``keep``: "best"
    epoch's weights or the "last" one's. ``schedule``: "constant" or "cosine" learning rate, the
    latter with a linear rise over the first ``warmup_epochs``. Validation clips are predicted after
    every ``evaluate_every`` epochs, and after the last one.
    """

    epochs: int
    learning_rate: float
    patience: int = 0
    keep: str = "best"
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    evaluate_every: int = 1

    def evaluates(self, epoch: int) -> bool:
        """Whether the network is evaluated after ``epoch``, counted from 1."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs

    def rate(self, epoch: float) -> float:
        """Learning rate at ``epoch``, which may be fractional; epoch 0.0 is the start."""
        if self.schedule == "constant":
            return self.learning_rate
        if epoch < self.warmup_epochs:
            # Never zero, so that the first step counts.
            return self.learning_rate * max(epoch / self.warmup_epochs, 1e-3)
        done = (epoch - self.warmup_epochs) / max(1e-9, self.epochs - self.warmup_epochs)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def make_optimizer(module: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Adam, or AdamW with weight decay."""
    kind = torch.optim.AdamW if settings.weight_decay > 0 else torch.optim.Adam
    return kind(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


@dataclass(frozen=True)
class TrainingTask:
    """What is learned and how it is validated, as functions.

    ``name`` is its name in the log. ``batches(epoch)`` yields the ``steps`` batches of an epoch,
    the same ones each time. ``losses(batch)`` returns the loss to minimise, and sums over clips by
    name, for the epoch's means. ``validate()`` returns the module's metrics (none without
    validation clips); ``score`` turns metrics into a tuple of which higher is better.
    """

    name: str
    batches: Callable[[int], Iterable[Batch]]
    steps: int
    losses: Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]
    validate: Callable[[], Metrics]
    score: Callable[[Metrics], tuple[float, ...]]


@dataclass(frozen=True)
class Trained:
    """The result of a training: its ``history``, a row per epoch, and whose weights were kept.

    ``compiled`` says whether the network was compiled for it.
    """

    history: pd.DataFrame
    kept_epoch: int
    compiled: bool = False

    def kept_metrics(self) -> Metrics:
        """The history's row of the epoch that was kept."""
        row = self.history.iloc[self.kept_epoch - 1]
        return {str(name): float(value) for name, value in row.items()}


class TrainingState:
    """The state of a training: all that it takes to resume it here.

    ``step`` batches of the epoch after the last one in ``history`` are done, and ``sums`` are their
    sums. ``unchecked`` has the steps since the last ``check_finite``: number, clips and loss, which
    a GPU may still be computing.
    """

    def __init__(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.module = module
        self.optimizer = optimizer
        self.history: list[Metrics] = []
        self.best: dict[str, Any] = {"score": None, "epoch": 0, "weights": None}
        self.step = 0
        self.sums: dict[str, Tensor] = {}
        self.unchecked: list[tuple[int, Sequence[str], Tensor]] = []

    @property
    def clips(self) -> float:
        """Clips of the epoch's steps so far."""
        return float(self.sums.get("clips", 0))

    def saved(self) -> dict[str, Any]:
        """Tensors and plain values for a checkpoint."""
        return {
            "weights": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "best": self.best,
            "step": self.step,
            "sums": self.sums,
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        }

    def step_done(self, batch: Batch, loss: Tensor, sums: dict[str, Tensor]) -> None:
        """Count a step, and add its sums to those of the epoch."""
        self.step += 1
        self.unchecked.append((self.step, batch.clips, loss.detach()))
        for name, value in {"clips": torch.tensor(len(batch.weights)), **sums}.items():
            before = self.sums.get(name, torch.zeros(()))
            value = value.detach()
            if value.device.type == "mps":  # which has no float64
                value = value.cpu()
            self.sums[name] = before.to(value.device).double() + value.double()

    def check_finite(self, settings: TrainingSettings) -> None:
        """Raise EarmarkError, with the clips of the step, for a loss or weight that is not finite.

        Training cannot recover from NaN, and a checkpoint with it would spoil every later run. A
        step with a finite loss can still have infinite gradients.
        """
        steps, self.unchecked = self.unchecked, []
        if not steps:
            return
        losses = torch.stack([loss for *_, loss in steps]).tolist()
        # Not other buffers: a user's own network may keep infinities in one.
        tensors: list[Tensor] = [*self.module.parameters()]
        tensors += [value for name, value in self.module.named_buffers() if "running_" in name]
        tensors += [value for state in self.optimizer.state.values() for value in state.values()]
        at = f"epoch {len(self.history) + 1}, step"
        bad = next((index for index, loss in enumerate(losses) if not math.isfinite(loss)), None)
        if bad is not None:
            step, clips, _ = steps[bad]
            what = f"The loss of {at} {step} is {losses[bad]}"
        elif not all(tensor.isfinite().all() for tensor in tensors):
            step, clips, _ = steps[-1]
            what = f"The weights after {at} {step} are NaN or infinite"
        else:
            return
        raise EarmarkError(
            f"{what}. Its clips are {name_list(clips)}: check them in clips/train.csv, or lower "
            f"the recipe's learning_rate ({settings.learning_rate:g})."
        )

    def epoch_done(self, metrics: Metrics, score: tuple[float, ...] | None) -> None:
        """Keep an epoch's metrics, and its weights if it has a score that is the best so far."""
        self.history.append(metrics)
        self.step, self.sums = 0, {}
        if score is not None and (self.best["score"] is None or score > self.best["score"]):
            state = self.module.state_dict()
            weights = {name: value.detach().clone().cpu() for name, value in state.items()}
            self.best = {"score": score, "epoch": len(self.history), "weights": weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a state that ``saved`` returned."""
        self.module.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history, self.best = state["history"], state["best"]
        self.step, self.sums = state["step"], state["sums"]
        torch.set_rng_state(state["random"])
        if state["random_gpu"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_gpu"])


def fit(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    settings: TrainingSettings,
    task: TrainingTask,
    checkpoint: Checkpoint,
    seed: int,
) -> Trained:
    """Train ``module`` in place, from its checkpoint if there is one.

    A checkpoint is saved after each epoch and, on a request to stop (SIGTERM, Ctrl-C), after the
    current batch; InterruptedJobError is raised then. Training resumes bit for bit: all randomness
    of an epoch follows from ``seed`` and the epoch's number, and within an epoch from the saved
    state. Raises EarmarkError, with the clips of the batch, when a loss or weight is not finite;
    none gets into a checkpoint.
    """
    state = TrainingState(module, optimizer)
    saved = checkpoint.load()
    if saved is not None:
        state.restore(saved)
        log.info("Resuming from epoch %d, step %d.", len(state.history) + 1, state.step)
    epoch_log = progress.EpochLog(task.name, settings.epochs, len(state.history))
    event_file = events.EventFile(checkpoint.path.parent, len(state.history))
    with interruption.StopRequests() as requests, event_file:

        def stop_if_asked() -> None:
            if requests.reason:
                state.check_finite(settings)
                checkpoint.save(state.saved())
                raise interruption.InterruptedJobError(
                    f"Stopped by {requests.reason} in epoch {len(state.history) + 1} after "
                    f"{state.step} steps; progress is saved, the next run resumes here."
                )

        while not _is_over(settings, state):
            begin, clips = time.perf_counter(), state.clips
            metrics = train_one_epoch(state, task, settings, seed, stop_if_asked)
            state.check_finite(settings)
            measured = {"clips_per_second": (state.clips - clips) / (time.perf_counter() - begin)}
            if torch.cuda.is_initialized():
                measured["memory/GPU_MiB"] = torch.cuda.max_memory_allocated() / 2**20
            score = None
            if settings.evaluates(len(state.history) + 1):
                validation = evaluate(task, settings, len(state.history) + 1)
                metrics |= validation
                # Without validation clips the latest epoch counts as the best.
                score = task.score(metrics) if validation else (metrics["epoch"],)
            state.epoch_done(metrics, score)
            event_file.epoch_done(len(state.history), {**metrics, **measured})
            checkpoint.save(state.saved())
            epoch, seconds = len(state.history), time.perf_counter() - begin
            words = [f"{name} {value:.4g}" for name, value in metrics.items() if name != "epoch"]
            log.info("epoch %d/%d: %s (%.1f s)", epoch, settings.epochs, ", ".join(words), seconds)
            epoch_log.done(epoch)
        stop_if_asked()
    kept = len(state.history)
    if settings.keep == "best" and state.best["weights"] is not None:
        module.load_state_dict(state.best["weights"])
        kept = state.best["epoch"]
        log.info("Kept the weights of epoch %d.", kept)
    return Trained(pd.DataFrame(state.history), kept)


def train_one_epoch(
    state: TrainingState,
    task: TrainingTask,
    settings: TrainingSettings,
    seed: int,
    stop_if_asked: Callable[[], None],
) -> Metrics:
    """Train for the rest of an epoch and return its metrics, means over its clips.

    ``stop_if_asked`` is called before each step and may raise.
    """
    module, optimizer = state.module, state.optimizer
    epoch = len(state.history) + 1
    module.train()
    if state.step == 0:
        torch.manual_seed(seeds.derive_seed(seed, "epoch", epoch))
    done = state.step
    for step, batch in enumerate(task.batches(epoch)):
        if step < done:
            continue
        stop_if_asked()
        for group in optimizer.param_groups:
            group["lr"] = settings.rate(epoch - 1 + step / task.steps)
        # Before the step: code compiled for a GPU reuses the memory of earlier gradients.
        optimizer.zero_grad(set_to_none=True)
        loss, sums = task.losses(batch)
        loss.backward()
        optimizer.step()
        state.step_done(batch, loss, sums)
    total = {name: value.item() for name, value in state.sums.items()}
    clips = total.pop("clips", 1.0)
    means = {f"train_{name}": value / clips for name, value in total.items()}
    return {"epoch": epoch, "learning_rate": settings.rate(epoch - 1), **means}


def evaluate(task: TrainingTask, settings: TrainingSettings, epoch: int) -> Metrics:
    """Metrics of the module on the validation clips. Raises EarmarkError if one is not finite."""
    metrics = task.validate()
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise EarmarkError(
                f"The {name.replace('_', ' ')} of epoch {epoch} is {value}. Lower the recipe's "
                f"learning_rate ({settings.learning_rate:g})."
            )
    return metrics


def _is_over(settings: TrainingSettings, state: TrainingState) -> bool:
    """Whether all epochs are done, or so many without a better score that patience is over."""
    done = len(state.history)
    if done < settings.epochs and not settings.evaluates(done):
        return False
    return done >= settings.epochs or 0 < settings.patience <= done - state.best["epoch"]
