"""The training loop that every network goes through: epochs, early stop, best weights, resume.

What one epoch does and how a model is judged is handed in as functions, so that classifiers,
self-training rounds and the autoencoder share this loop.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from earmark import job
from earmark.checkpoints import Checkpoint
from earmark.errors import EarmarkError

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
            module.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
    return torch.optim.Adam(module.parameters(), lr=plan.learning_rate)


def fit(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Plan,
    train_one_epoch: Callable[[int], Figures],
    evaluate: Callable[[], Figures],
    score: Callable[[Figures], tuple[float, ...]],
    checkpoint: Checkpoint,
    seed: int,
) -> pd.DataFrame:
    """Train ``module`` in place and return its history, one row per epoch.

    ``train_one_epoch(epoch)`` runs one pass; ``evaluate()`` judges the module after it; ``score``
    turns both figures into a tuple of which higher is better. All randomness of an epoch follows
    from ``seed`` and its number, so that a run resumed after any epoch goes on exactly as if it
    had never stopped. Raises EarmarkError when a figure is not finite.
    """
    history: list[Figures] = []
    best: dict[str, Any] = {"score": None, "epoch": 0, "weights": None}
    state = checkpoint.load()
    if state is not None:
        module.load_state_dict(state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        history, best = state["history"], state["best"]
        best["score"] = tuple(best["score"])
        log.info("Resuming after epoch %d.", len(history))
    while len(history) < plan.epochs and not _patience_is_over(plan, history, best):
        epoch = len(history) + 1
        begin = time.perf_counter()
        torch.manual_seed(job.derive_seed(seed, "epoch", epoch))
        figures = {"epoch": epoch, "learning_rate": plan.rate(epoch - 1)}
        figures |= train_one_epoch(epoch)
        figures |= evaluate()
        for name, value in figures.items():
            if not math.isfinite(value):
                raise EarmarkError(
                    f"The {name.replace('_', ' ')} of epoch {epoch} is {value}. Lower the recipe's "
                    f"learning_rate ({plan.learning_rate:g})."
                )
        history.append(figures)
        reached = score(figures)
        if best["score"] is None or reached > best["score"]:
            best = {"score": reached, "epoch": epoch, "weights": _copy_of(module)}
        log.info("%s (%.1f s)", _in_words(figures), time.perf_counter() - begin)
        checkpoint.save(
            {
                "weights": module.state_dict(),
                "optimizer": optimizer.state_dict(),
                "history": history,
                "best": {**best, "score": list(best["score"])},
            }
        )
    if plan.keep == "best" and best["weights"] is not None:
        module.load_state_dict(best["weights"])
        log.info("Kept the weights of epoch %d.", best["epoch"])
    return pd.DataFrame(history)


def _patience_is_over(plan: Plan, history: list[Figures], best: dict[str, Any]) -> bool:
    return 0 < plan.patience <= len(history) - best["epoch"]


def _copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone().cpu() for name, value in module.state_dict().items()}


def _in_words(figures: Figures) -> str:
    words = [f"epoch {figures['epoch']:.0f}"]
    words += [f"{name} {value:.4g}" for name, value in figures.items() if name != "epoch"]
    return ", ".join(words)
