"""The training loop, its checkpoints, and resuming."""

import logging
import math
import signal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from earmark.features import finite
from earmark.inference.batches import Batch
from earmark.runtime.errors import EarmarkError
from earmark.runtime.interruption import InterruptedJobError
from earmark.training import loop
from earmark.training.checkpoints import Checkpoint
from earmark.training.loop import TrainingSettings, TrainingTask


def by_score(figures):
    return (figures["score"],)


def one_batch(tag):
    return Batch(torch.full((1, 1, 1), float(tag)), torch.ones(1, 1), torch.ones(1), [f"{tag}.wav"])


def fit_to_script(settings, scores, checkpoint, losses=None):
    """Fit a module whose one weight is the epoch's number; its scores are given."""
    module = nn.Linear(1, 1, bias=False)
    given = losses or [0.5] * len(scores)

    def losses_of(batch):
        epoch = int(batch.inputs.item())
        nn.init.constant_(module.weight, epoch)
        loss = 0.0 * module.weight.sum() + given[epoch - 1]  # no gradient: the weight stays
        return loss, {"loss": loss}

    def validate():
        return {"score": scores[int(module.weight.item()) - 1]}

    task = TrainingTask("toy", lambda epoch: [one_batch(epoch)], 1, losses_of, validate, by_score)
    optimizer = loop.make_optimizer(module, settings)
    trained = loop.fit(module, optimizer, settings, task, checkpoint, seed=1)
    assert trained.kept_epoch == module.weight.item()
    return trained.kept_epoch, trained.history


@pytest.mark.parametrize(("keep", "weight"), [("best", 2), ("last", 4)])
def test_best_or_last_weights_are_kept(checkpoint, keep, weight):
    kept, history = fit_to_script(TrainingSettings(4, 0.1, keep=keep), [1, 3, 2, 2.5], checkpoint)
    assert kept == weight
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["score"].tolist() == [1, 3, 2, 2.5]


def test_of_equal_scores_the_first_is_best(checkpoint):
    assert fit_to_script(TrainingSettings(4, 0.1), [1, 3, 3, 3], checkpoint)[0] == 2


@pytest.mark.parametrize(
    ("patience", "scores", "epochs", "best"),
    [
        (2, [1, 3, 2, 2, 9, 9], 4, 2),
        (3, [1, 3, 2, 2, 9, 9], 6, 5),
        (1, [1, 2, 3, 3, 9, 9], 4, 3),
        (0, [9, 1, 1, 1, 1, 1], 6, 1),
    ],
)
def test_patience_is_the_number_of_epochs_without_a_better_score(
    checkpoint, patience, scores, epochs, best
):
    kept, history = fit_to_script(TrainingSettings(6, 0.1, patience=patience), scores, checkpoint)
    assert len(history) == epochs
    assert kept == best


@pytest.mark.parametrize(
    ("epochs", "every", "patience", "evaluated", "best"),
    [
        (6, 1, 0, [1, 2, 3, 4, 5, 6], 4),
        (6, 2, 0, [2, 4, 6], 4),
        (6, 4, 0, [4, 6], 4),
        (5, 3, 0, [3, 5], 5),
        (6, 2, 1, [2, 4, 6], 4),  # what was not evaluated is no reason to stop
        (8, 3, 2, [3, 6], 3),
    ],
)
def test_epochs_are_evaluated_as_often_as_asked_and_at_the_end(
    checkpoint, epochs, every, patience, evaluated, best
):
    settings = TrainingSettings(epochs, 0.1, patience=patience, evaluate_every=every)
    kept, history = fit_to_script(settings, [0, 2, 3, 8, 5, 1, 1, 1], checkpoint)
    assert history.loc[history["score"].notna(), "epoch"].tolist() == evaluated
    assert kept == best


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_loss_that_is_not_finite_is_explained(checkpoint, loss):
    words = r"loss of epoch 3, step 1 is (nan|inf)\. Its clips are 3\.wav:.*learning_rate \(0\.1\)"
    with pytest.raises(EarmarkError, match=words):
        fit_to_script(
            TrainingSettings(4, 0.1), [1, 2, 3, 4], checkpoint, losses=[0.5, 0.5, loss, 0.5]
        )
    # What was learned before is still there.
    assert len(checkpoint.load()["history"]) == 2


@pytest.mark.parametrize("score", [math.nan, -math.inf])
def test_figure_that_is_not_finite_is_explained(checkpoint, score):
    with pytest.raises(EarmarkError, match=r"score of epoch 2 is .*learning_rate \(0\.1\)"):
        fit_to_script(TrainingSettings(4, 0.1), [1, score, 3, 4], checkpoint)


def test_cosine_rate_by_formula():
    settings = TrainingSettings(epochs=20, learning_rate=0.4, schedule="cosine")
    for epoch in (0, 0.5, 5, 10, 19, 20):
        expected = 0.2 * (1 + math.cos(math.pi * epoch / 20))
        assert settings.rate(epoch) == pytest.approx(expected, abs=1e-12)
    assert settings.rate(0) == 0.4
    assert settings.rate(10) == pytest.approx(0.2)
    assert settings.rate(20) == pytest.approx(0)


def test_cosine_rate_after_a_linear_rise():
    settings = TrainingSettings(epochs=22, learning_rate=0.4, schedule="cosine", warmup_epochs=2.0)
    assert 0 < settings.rate(0) < 0.001
    for epoch in (0.5, 1.0, 1.5):
        assert settings.rate(epoch) == pytest.approx(0.4 * epoch / 2, abs=0.001)
    for epoch in (2, 7, 12, 22):
        expected = 0.2 * (1 + math.cos(math.pi * (epoch - 2) / 20))
        assert settings.rate(epoch) == pytest.approx(expected, abs=1e-12)


@given(
    st.integers(1, 100),
    st.floats(1e-6, 1.0),
    st.floats(0, 10),
    st.lists(st.floats(0, 1), min_size=2, max_size=30),
)
def test_cosine_rate_rises_to_its_peak_and_falls_to_nothing(epochs, peak, warmup, shares):
    settings = TrainingSettings(epochs, peak, schedule="cosine", warmup_epochs=warmup)
    moments = sorted(share * epochs for share in shares)
    rates = [settings.rate(moment) for moment in moments]
    assert all(0 <= rate <= peak for rate in rates)
    for (early, before), (late, after) in pairwise(zip(moments, rates, strict=True)):
        if late < warmup:
            assert after >= before
        elif early >= warmup:
            assert after <= before + 1e-12
    if warmup < epochs:
        assert settings.rate(warmup) == pytest.approx(peak)
        assert settings.rate(epochs) == pytest.approx(0, abs=1e-9)


def test_constant_rate():
    settings = TrainingSettings(epochs=5, learning_rate=0.3, warmup_epochs=2.0)
    assert [settings.rate(epoch) for epoch in (0, 1, 2.5, 5)] == [0.3] * 4


def test_weight_decay_makes_it_adamw():
    module = nn.Linear(2, 1)
    plain = loop.make_optimizer(module, TrainingSettings(1, 0.3))
    assert type(plain) is torch.optim.Adam
    assert plain.param_groups[0]["lr"] == 0.3
    decaying = loop.make_optimizer(module, TrainingSettings(1, 0.3, weight_decay=0.01))
    assert type(decaying) is torch.optim.AdamW
    assert decaying.param_groups[0]["weight_decay"] == 0.01


class StopHereError(Exception):
    pass


STEPS = 3


def fit_at_random(checkpoint, stop_in=None, settings=None, start=0, at_step=None, spoil=None):
    """Fit a module with dropout, batch norm and drawn data, and fail on the way.

    ``stop_in``: the epoch that fails after its training; ``at_step(epoch, step)`` is called before
    the loss of each step is taken, and that is multiplied by ``spoil(epoch, step)``.
    """
    settings = settings or TrainingSettings(5, 0.05, patience=3)
    torch.manual_seed(start)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = loop.make_optimizer(module, settings)
    epochs = []

    def batches_of(epoch):
        epochs.append(epoch)
        for step in range(STEPS):
            # Drawn apart from torch's own stream, as the product's batches are.
            generator = torch.Generator().manual_seed(100 * epoch + step)
            inputs = torch.randn(6, 1, 4, generator=generator)
            yield Batch(inputs, torch.full((6, 1), float(step)), torch.ones(6), list("abcdef"))

    def losses_of(batch):
        if at_step:
            at_step(epochs[-1], int(batch.targets[0, 0]))
        inputs = batch.inputs[:, 0]
        each = (module(inputs)[:, 0] - inputs.sum(dim=1)).square()
        if spoil:
            each = each * spoil(epochs[-1], int(batch.targets[0, 0]))
        return each.mean(), {"loss": each.sum(), "beyond": (each > 1).sum()}

    def validate():
        if epochs[-1] == stop_in:
            raise StopHereError
        module.eval()
        with torch.no_grad():
            return {"score": -(module(torch.ones(1, 4)) - 4).square().item()}

    task = TrainingTask("toy", batches_of, STEPS, losses_of, validate, by_score)
    try:
        history = loop.fit(module, optimizer, settings, task, checkpoint, seed=7).history
    except StopHereError:
        return None
    return module.state_dict(), optimizer.state_dict(), history, epochs


def everything_in(state):
    if isinstance(state, torch.Tensor):
        yield state.double()
    elif isinstance(state, dict | list | tuple):
        for part in state.values() if isinstance(state, dict) else state:
            yield from everything_in(part)
    elif isinstance(state, float):
        yield torch.tensor(state)


@pytest.mark.parametrize("step", [1, 2, STEPS])
@pytest.mark.parametrize("stopped", [False, True])
def test_bad_step_ends_training_before_anything_is_saved(tmp_path, step, stopped):
    weights, _, history, _ = fit_at_random(Checkpoint(tmp_path / "one.pt", "f"))
    checkpoint = Checkpoint(tmp_path / "two.pt", "f")

    def spoil(epoch, now):
        if epoch == 3 and now == step - 1:
            if stopped:
                signal.raise_signal(signal.SIGTERM)  # asks for a checkpoint after this step
            return math.nan
        return 1.0

    with pytest.raises(
        EarmarkError, match=f"loss of epoch 3, step {step} is nan. Its clips are a, b"
    ):
        fit_at_random(checkpoint, spoil=spoil)
    state = checkpoint.load()
    assert len(state["history"]) == 2
    assert all(bool(tensor.isfinite().all()) for tensor in everything_in(state))
    # What was wrong is repaired: training goes on from there as if nothing had been.
    again, _, history_again, epochs = fit_at_random(checkpoint, start=99)
    assert epochs == [3, 4, 5]
    assert_same_states(again, weights)
    pd.testing.assert_frame_equal(history_again, history, check_exact=True)


@pytest.mark.parametrize("size", [math.inf, 1e30])
def test_finite_loss_with_a_gradient_beyond_bounds_is_not_saved(tmp_path, size):
    # A gradient of 1e30 leaves the weights as they are, but its square, which Adam keeps, is
    # infinite: nothing would ever be learned again.
    checkpoint = Checkpoint(tmp_path / "c.pt", "f")
    module = nn.Linear(1, 1, bias=False)
    module.weight.register_hook(lambda gradient: gradient * 0 + size)

    def losses_of(batch):
        return module.weight.sum(), {"loss": torch.tensor(1.0)}

    settings = TrainingSettings(2, 0.1)
    task = TrainingTask(
        "toy", lambda epoch: [one_batch(epoch)], 1, losses_of, dict, lambda figures: (0,)
    )
    optimizer = loop.make_optimizer(module, settings)
    with pytest.raises(EarmarkError, match=r"weights after epoch 1, step 1 .* clips are 1\.wav"):
        loop.fit(module, optimizer, settings, task, checkpoint, seed=1)
    assert checkpoint.load() is None


def test_of_many_clips_the_log_names_all(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    names = [f"{number}.wav" for number in range(30)]
    values = np.ones((40, 2))
    values[:30, 1] = math.nan
    with (
        caplog.at_level("INFO", "earmark"),
        pytest.raises(EarmarkError, match="30 of 40 clips are NaN or infinite") as caught,
    ):
        finite.check_clips("latents", [*names, *"abcdefghij"], values, "Do so.")
    assert "0.wav, 1.wav" in str(caught.value)
    assert "9.wav and 20 more (all are in the log). Do so." in str(caught.value)
    assert "29.wav" in caplog.text
    finite.check_clips("latents", [], np.zeros((0, 3)), "")


def assert_same_states(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("stop_in", [1, 2, 3, 5])
def test_interrupted_training_goes_on_as_if_it_had_not_stopped(tmp_path, stop_in, keep):
    settings = TrainingSettings(5, 0.05, patience=3, keep=keep)
    weights, optimizer, history, _ = fit_at_random(
        Checkpoint(tmp_path / "one.pt", "f"), None, settings
    )
    stopped = Checkpoint(tmp_path / "two.pt", "f")
    assert fit_at_random(stopped, stop_in, settings) is None
    # Other weights at the start: what goes on comes from the checkpoint alone.
    start = 0 if stop_in == 1 else 99
    again, optimizer_again, history_again, epochs = fit_at_random(stopped, None, settings, start)
    assert epochs == list(range(stop_in, len(history) + 1))
    assert_same_states(again, weights)
    pd.testing.assert_frame_equal(history_again, history, check_exact=True)
    for key, state in optimizer["state"].items():
        assert_same_states(optimizer_again["state"][key], state)


def test_finished_training_is_not_repeated(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c.pt", "f")
    weights, _, history, _ = fit_at_random(checkpoint)
    again, _, history_again, epochs = fit_at_random(checkpoint, start=99)
    assert epochs == []
    assert_same_states(again, weights)
    pd.testing.assert_frame_equal(history_again, history, check_exact=True)


def test_training_that_ran_out_of_patience_stays_stopped(checkpoint):
    settings = TrainingSettings(6, 0.1, patience=2)
    fit_to_script(settings, [1, 3, 2, 2, 9, 9], checkpoint)
    kept, history = fit_to_script(settings, [1, 3, 2, 2, 9, 9], checkpoint)
    assert (kept, len(history)) == (2, 4)


def test_checkpoint_of_other_settings_is_not_used(tmp_path):
    path = tmp_path / "c.pt"
    fit_at_random(Checkpoint(path, "old"), stop_in=4)
    assert Checkpoint(path, "old").load() is not None
    assert Checkpoint(path, "new").load() is None
    *_, epochs = fit_at_random(Checkpoint(path, "new"))
    assert epochs[0] == 1


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_checkpoint_starts_over(tmp_path, damage):
    checkpoint = Checkpoint(tmp_path / "c.pt", "f")
    expected, _, _, _ = fit_at_random(Checkpoint(tmp_path / "whole.pt", "f"))
    fit_at_random(checkpoint, stop_in=4)
    content = checkpoint.path.read_bytes()
    damaged = {"cut": content[: len(content) // 2], "text": b"not a checkpoint", "empty": b""}
    checkpoint.path.write_bytes(damaged[damage])
    found, _, _, epochs = fit_at_random(checkpoint)
    assert epochs[0] == 1
    assert_same_states(found, expected)


def test_checkpoint_that_holds_code_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    checkpoint = Checkpoint(tmp_path / "c.pt", "f")
    torch.save({"fingerprint": "f", "trap": Trap()}, checkpoint.path)
    assert checkpoint.load() is None
    assert not (tmp_path / "sprung").exists()


def test_no_checkpoint_is_none(checkpoint):
    assert checkpoint.load() is None


def test_failed_save_keeps_the_checkpoint_before(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c.pt", "f")
    checkpoint.save({"epoch": 1})
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save({"epoch": lambda: 2})
    assert checkpoint.load() == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("epoch", "step"), [(1, 0), (2, 1), (5, STEPS - 1)])
def test_signal_within_an_epoch_loses_no_step(tmp_path, number, epoch, step):
    weights, optimizer, history, _ = fit_at_random(Checkpoint(tmp_path / "one.pt", "f"))
    steps = []

    def send(*now):
        steps.append(now)
        if now == (epoch, step):
            signal.raise_signal(number)

    stopped = Checkpoint(tmp_path / "two.pt", "f")
    before = signal.getsignal(number)
    with pytest.raises(InterruptedJobError, match=f"Stopped by {number.name}"):
        fit_at_random(stopped, at_step=send)
    assert steps[-1] == (epoch, step)  # the step in hand was the last
    assert signal.getsignal(number) is before
    again, optimizer_again, history_again, _ = fit_at_random(
        stopped, start=99, at_step=lambda *now: steps.append(now)
    )
    assert steps == [(e, s) for e in range(1, 6) for s in range(STEPS)]  # each step once
    assert_same_states(again, weights)
    pd.testing.assert_frame_equal(history_again, history, check_exact=True)
    for key, state in optimizer["state"].items():
        assert_same_states(optimizer_again["state"][key], state)


def test_means_of_an_epoch_are_over_its_clips(checkpoint):
    module = nn.Linear(1, 1)
    batches = [
        Batch(torch.zeros(n, 1, 1), torch.ones(n, 1), torch.ones(n), list("abc"[:n]))
        for n in (3, 1)
    ]
    losses = iter([(2.0, 6.0), (4.0, 4.0)])

    def losses_of(batch):
        loss, total = next(losses)
        return 0.0 * module.weight.sum() + loss, {"loss": torch.tensor(total)}

    task = TrainingTask("toy", lambda epoch: batches, 2, losses_of, dict, lambda figures: (0,))
    optimizer = loop.make_optimizer(module, TrainingSettings(1, 0.1))
    trained = loop.fit(module, optimizer, TrainingSettings(1, 0.1), task, checkpoint, seed=1)
    assert trained.history["train_loss"].tolist() == [(6 + 4) / 4]


def test_rate_follows_the_plan_at_each_step(checkpoint):
    settings = TrainingSettings(2, 0.4, schedule="cosine")
    module = nn.Linear(1, 1)
    optimizer, rates = loop.make_optimizer(module, settings), []

    def losses_of(batch):
        rates.append(optimizer.param_groups[0]["lr"])
        loss = module.weight.sum()
        return loss, {"loss": loss}

    task = TrainingTask(
        "toy", lambda epoch: [one_batch(1), one_batch(2)], 2, losses_of, dict, lambda figures: (0,)
    )
    loop.fit(module, optimizer, settings, task, checkpoint, seed=1)
    # A half cosine over four steps, by hand.
    expected = [0.2 * (1 + math.cos(math.pi * done / 4)) for done in range(4)]
    assert rates == pytest.approx(expected)
