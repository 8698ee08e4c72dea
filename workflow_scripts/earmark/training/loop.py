"""The training loop that every network goes through: epochs, early stop, best weights, resume.

What is learned and how a model is judged is handed in as functions (``TrainingTask``), so that
classifiers, self-training rounds and the autoencoder share this loop.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from earmark.inference.batches import Batch
from earmark.runtime import interruption, progress
from earmark.runtime.errors import EarmarkError
from earmark.training import seeds
from earmark.training.checkpoints import Checkpoint
from earmark.training.loss_watch import LossWatch

log = logging.getLogger("earmark")

Figures = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How long to train and which weights to keep.

    ``patience``: stop after so many epochs without a better score (0: never). ``keep``: "best"
    epoch's weights or the "last" one's. ``schedule``: "constant" or "cosine" learning rate, the
    latter with a linear rise over the first ``warmup_epochs``.
    """

    epochs: int
    learning_rate: float
    patience: int = 0
    keep: str = "best"
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0

    def rate(self, epoch: float) -> float:
        """Learning rate at ``epoch``, which may be fractional; epoch 0.0 is the start."""
        if self.schedule == "constant":
            return self.learning_rate
        if epoch < self.warmup_epochs:
            # Never zero, so that the first step counts.
            return self.learning_rate * max(epoch / self.warmup_epochs, 1e-3)
        done = (epoch - self.warmup_epochs) / max(1e-9, self.epochs - self.warmup_epochs)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def make_optimizer(module: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """Adam, or AdamW when the plan has weight decay."""
    if plan.weight_decay > 0:
        return torch.optim.AdamW(
            module.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
    return torch.optim.Adam(module.parameters(), lr=plan.learning_rate, fused=True)


@dataclass(frozen=True)
class TrainingTask:
    """What there is to learn and how it is judged, as functions.

    ``name`` says whose training it is. ``batches(epoch)`` yields the batches of an epoch, the same
    ones each time it is called, and there are ``steps`` of them. ``losses(batch)`` returns the loss
    to lower and sums over the batch's clips by name, from which the epoch's means are made.
    ``validate()`` gives figures of the module as it is, and ``score`` turns an epoch's figures into
    a tuple of which higher is better.
    """

    name: str
    batches: Callable[[int], Iterable[Batch]]
    steps: int
    losses: Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]
    validate: Callable[[], Figures]
    score: Callable[[Figures], tuple[float, ...]]


@dataclass(frozen=True)
class Trained:
    """``history`` has a row per epoch; the module has the weights of ``kept_epoch``.

    ``compiled`` says whether the network was compiled for it.
    """

    history: pd.DataFrame
    kept_epoch: int
    compiled: bool = False

    def kept_figures(self) -> Figures:
        """The history's row of the epoch that was kept."""
        row = self.history.iloc[self.kept_epoch - 1]
        return {str(name): float(value) for name, value in row.items()}


class TrainingState:
    """Where a training is: all that it takes to go on from here as if it had never stopped.

    ``step`` batches of the epoch after the last one in ``history`` are done, and ``sums`` has what
    they added up to.
    """

    def __init__(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.module = module
        self.optimizer = optimizer
        self.history: list[Figures] = []
        self.best: dict[str, Any] = {"score": None, "epoch": 0, "weights": None}
        self.step = 0
        self.sums: dict[str, Tensor] = {}

    def saved(self) -> dict[str, Any]:
        """Tensors and plain values for a checkpoint."""
        score = self.best["score"]
        return {
            "weights": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "best": {**self.best, "score": score and list(score)},
            "step": self.step,
            "sums": self.sums,
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        }

    def epoch_done(self, figures: Figures, score: tuple[float, ...]) -> None:
        """Note an epoch's figures, and its weights if its score is the best so far."""
        self.history.append(figures)
        self.step, self.sums = 0, {}
        if self.best["score"] is None or score > self.best["score"]:
            epoch, weights = len(self.history), _copy_of(self.module)
            self.best = {"score": score, "epoch": epoch, "weights": weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where ``state`` was taken."""
        self.module.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        score = state["best"]["score"]
        self.history = state["history"]
        self.best = {**state["best"], "score": score and tuple(score)}
        self.step, self.sums = state["step"], state["sums"]
        torch.set_rng_state(state["random"])
        if state["random_gpu"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_gpu"])


def fit(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Plan,
    task: TrainingTask,
    checkpoint: Checkpoint,
    seed: int,
    compiled: bool = False,
) -> Trained:
    """Train ``module`` in place and return its history, one row per epoch, and the epoch kept.

    Each epoch ends with a checkpoint. So does a request to stop (SIGTERM, Ctrl-C, another process
    that wants the checkpoint), after the batch in hand; InterruptedJobError is raised then. What
    resumes goes on bit by bit as if it had never stopped: all randomness of an epoch follows from
    ``seed`` and its number, and within an epoch from the state that was saved. Raises EarmarkError,
    with the clips of the batch, when a loss or weight is not finite; none gets into a checkpoint.
    """
    state = TrainingState(module, optimizer)
    watch = LossWatch(plan.learning_rate)
    saved = checkpoint.load()
    if saved is not None:
        state.restore(saved)
        log.info("Resuming after epoch %d and %d steps.", len(state.history), state.step)
    epoch_log = progress.EpochLog(task.name, plan.epochs, len(state.history))
    with interruption.Requests() as requests:
        stop = partial(_stop_if_asked, state, checkpoint, requests, watch)
        while not _is_over(plan, state):
            begin = time.perf_counter()
            figures = train_one_epoch(state, task, plan, watch, stop, seed)
            watch.settle(state.saved())
            figures |= evaluate(task, plan, len(state.history) + 1)
            state.epoch_done(figures, task.score(figures))
            checkpoint.save(state.saved())
            log.info("%s (%.1f s)", _in_words(figures), time.perf_counter() - begin)
            epoch_log.done(len(state.history))
        stop()
    kept = len(state.history)
    if plan.keep == "best" and state.best["weights"] is not None:
        module.load_state_dict(state.best["weights"])
        kept = state.best["epoch"]
        log.info("Kept the weights of epoch %d.", kept)
    return Trained(pd.DataFrame(state.history), kept, compiled)


def train_one_epoch(
    state: TrainingState,
    task: TrainingTask,
    plan: Plan,
    watch: LossWatch,
    stop: Callable[[], None],
    seed: int,
) -> Figures:
    """Train for the rest of an epoch and return its figures: means over its clips.

    ``watch`` sees each step's loss; ``stop`` is called before each step and may raise.
    """
    module, optimizer = state.module, state.optimizer
    epoch = len(state.history) + 1
    module.train()
    if state.step == 0:
        torch.manual_seed(seeds.derive_seed(seed, "epoch", epoch))
    for step, batch in enumerate(task.batches(epoch)):
        if step < state.step:
            continue
        stop()
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(epoch - 1 + step / task.steps)
        # Before the step: compiled for a GPU, it writes where the gradients before lay.
        optimizer.zero_grad(set_to_none=True)
        loss, sums = task.losses(batch)
        loss.backward()
        optimizer.step()
        sums = {"clips": torch.tensor(len(batch.weights)), **sums}
        for name, value in sums.items():
            before = state.sums.get(name, torch.zeros(()))
            state.sums[name] = before.to(value.device).double() + value.detach().double()
        state.step = step + 1
        watch.see(epoch, state.step, batch.clips, loss)
    total = {name: value.item() for name, value in state.sums.items()}
    clips = total.pop("clips", 1.0)
    means = {f"train_{name}": value / clips for name, value in total.items()}
    return {"epoch": epoch, "learning_rate": plan.rate(epoch - 1), **means}


def evaluate(task: TrainingTask, plan: Plan, epoch: int) -> Figures:
    """Figures of the module on what validates. Raises EarmarkError if one is not finite."""
    figures = task.validate()
    for name, value in figures.items():
        if not math.isfinite(value):
            raise EarmarkError(
                f"The {name.replace('_', ' ')} of epoch {epoch} is {value}. Lower the recipe's "
                f"learning_rate ({plan.learning_rate:g})."
            )
    return figures


def _stop_if_asked(
    state: TrainingState,
    checkpoint: Checkpoint,
    requests: interruption.Requests,
    watch: LossWatch,
) -> None:
    reason = requests.reason or ("another process" if checkpoint.wanted() else None)
    if reason:
        watch.settle(state.saved())
        checkpoint.save(state.saved())
        raise interruption.InterruptedJobError(
            f"Stopped by {reason} after epoch {len(state.history)} and {state.step} steps. "
            f"All of it is saved: the next run goes on from there."
        )


def _is_over(plan: Plan, state: TrainingState) -> bool:
    """Whether all epochs are done, or so many without a better score that patience is over."""
    done = len(state.history)
    return done >= plan.epochs or 0 < plan.patience <= done - state.best["epoch"]


def _copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone().cpu() for name, value in module.state_dict().items()}


def _in_words(figures: Figures) -> str:
    words = [f"epoch {figures['epoch']:.0f}"]
    words += [f"{name} {value:.4g}" for name, value in figures.items() if name != "epoch"]
    return ", ".join(words)
