"""The training loop that every network goes through: epochs, early stop, best weights, resume.

What is learned and how a model is judged is handed in as functions (``Lessons``), so that
classifiers, self-training rounds and the autoencoder share this loop.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from earmark import seeds
from earmark.batches import Batch
from earmark.checkpoints import Checkpoint
from earmark.loss_watch import LossWatch
from earmark.runtime import interruption
from earmark.runtime.errors import EarmarkError

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
class Lessons:
    """What there is to learn and how it is judged, as functions.

    ``batches(epoch)`` yields the batches of an epoch, the same ones each time it is called, and
    there are ``steps`` of them. ``losses(batch)`` returns the loss to lower and sums over the
    batch's clips by name, from which the epoch's means are made. ``evaluate()`` gives figures of
    the module as it is, and ``score`` turns an epoch's figures into a tuple of which higher is
    better.
    """

    batches: Callable[[int], Iterable[Batch]]
    steps: int
    losses: Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]
    evaluate: Callable[[], Figures]
    score: Callable[[Figures], tuple[float, ...]]


class Progress:
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

    def state(self) -> dict[str, Any]:
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
    lessons: Lessons,
    checkpoint: Checkpoint,
    seed: int,
) -> pd.DataFrame:
    """Train ``module`` in place and return its history, one row per epoch.

    Each epoch ends with a checkpoint. So does a request to stop (SIGTERM, Ctrl-C, another process
    that wants the checkpoint), after the batch in hand; InterruptedJobError is raised then. What
    resumes goes on bit by bit as if it had never stopped: all randomness of an epoch follows from
    ``seed`` and its number, and within an epoch from the state that was saved. Raises EarmarkError,
    with the clips of the batch, when a loss or weight is not finite; none gets into a checkpoint.
    """
    progress = Progress(module, optimizer)
    watch = LossWatch(plan.learning_rate)
    state = checkpoint.load()
    if state is not None:
        progress.restore(state)
        log.info("Resuming after epoch %d and %d steps.", len(progress.history), progress.step)
    with interruption.Requests() as requests:
        while not _is_over(plan, progress):
            begin = time.perf_counter()
            stream = Waited(lessons.batches(len(progress.history) + 1))
            figures = _train_one_epoch(
                progress, stream, plan, lessons, checkpoint, requests, watch, seed
            )
            trained = time.perf_counter() - begin
            watch.settle(progress.state())
            figures |= lessons.evaluate()
            _check(figures, plan)
            progress.history.append(figures)
            progress.step, progress.sums = 0, {}
            reached = lessons.score(figures)
            if progress.best["score"] is None or reached > progress.best["score"]:
                epoch = len(progress.history)
                progress.best = {"score": reached, "epoch": epoch, "weights": _copy_of(module)}
            checkpoint.save(progress.state())
            log.info(
                "%s (%.1f s, %.1f %% of the training waiting for clips)",
                _in_words(figures),
                time.perf_counter() - begin,
                100 * stream.seconds / trained,
            )
        _stop_if_asked(progress, checkpoint, requests, watch)
    best = progress.best
    if plan.keep == "best" and best["weights"] is not None:
        module.load_state_dict(best["weights"])
        log.info("Kept the weights of epoch %d.", best["epoch"])
    return pd.DataFrame(progress.history)


class Waited:
    """Passes batches on and adds up the seconds that it waits for them."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self.seconds = 0.0
        self._batches = iter(batches)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        begin = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.perf_counter() - begin


def _train_one_epoch(
    progress: Progress,
    batches: Iterable[Batch],
    plan: Plan,
    lessons: Lessons,
    checkpoint: Checkpoint,
    requests: interruption.Requests,
    watch: LossWatch,
    seed: int,
) -> Figures:
    """Train for the rest of an epoch and return its figures: means over its clips."""
    module, optimizer = progress.module, progress.optimizer
    epoch = len(progress.history) + 1
    module.train()
    if progress.step == 0:
        torch.manual_seed(seeds.derive_seed(seed, "epoch", epoch))
    for step, batch in enumerate(batches):
        if step < progress.step:
            continue
        _stop_if_asked(progress, checkpoint, requests, watch)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(epoch - 1 + step / lessons.steps)
        # Before the step: compiled for a GPU, it writes where the gradients before lay.
        optimizer.zero_grad(set_to_none=True)
        loss, sums = lessons.losses(batch)
        loss.backward()
        optimizer.step()
        sums = {"clips": torch.tensor(len(batch.weights)), **sums}
        for name, value in sums.items():
            before = progress.sums.get(name, torch.zeros(()))
            progress.sums[name] = before.to(value.device).double() + value.detach().double()
        progress.step = step + 1
        watch.see(epoch, progress.step, batch.fnames, loss)
    total = {name: value.item() for name, value in progress.sums.items()}
    clips = total.pop("clips", 1.0)
    means = {f"train_{name}": value / clips for name, value in total.items()}
    return {"epoch": epoch, "learning_rate": plan.rate(epoch - 1), **means}


def _stop_if_asked(
    progress: Progress,
    checkpoint: Checkpoint,
    requests: interruption.Requests,
    watch: LossWatch,
) -> None:
    reason = requests.reason or ("another process" if checkpoint.wanted() else None)
    if reason:
        watch.settle(progress.state())
        checkpoint.save(progress.state())
        raise interruption.InterruptedJobError(
            f"Stopped by {reason} after epoch {len(progress.history)} and {progress.step} steps. "
            f"All of it is saved: the next run goes on from there."
        )


def _check(figures: Figures, plan: Plan) -> None:
    for name, value in figures.items():
        if not math.isfinite(value):
            raise EarmarkError(
                f"The {name.replace('_', ' ')} of epoch {figures['epoch']:.0f} is {value}. Lower "
                f"the recipe's learning_rate ({plan.learning_rate:g})."
            )


def _is_over(plan: Plan, progress: Progress) -> bool:
    """Whether all epochs are done, or so many without a better score that patience is over."""
    done = len(progress.history)
    return done >= plan.epochs or 0 < plan.patience <= done - progress.best["epoch"]


def _copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone().cpu() for name, value in module.state_dict().items()}


def _in_words(figures: Figures) -> str:
    words = [f"epoch {figures['epoch']:.0f}"]
    words += [f"{name} {value:.4g}" for name, value in figures.items() if name != "epoch"]
    return ", ".join(words)
