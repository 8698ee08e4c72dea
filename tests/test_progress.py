"""How far trainings and loops over clips say they are, and how often."""

import logging
from types import SimpleNamespace

import pytest

from earmark.runtime import progress


@pytest.fixture(autouse=True)
def log_is_caught(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level(logging.INFO, "earmark")


def test_a_training_says_once_a_minute_how_long_it_will_take_at_most(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
    # Four epochs of an earlier run do not count as quick ones.
    training = progress.EpochLog("cnn, fold 0", 104, done=4)
    for epoch in range(5, 15):
        now += 25
        training.done(epoch)
    assert [message.split(" (")[0] for message in caplog.messages] == [
        "cnn, fold 0: epoch 7 of 104, at most 0:40:25 left",
        "cnn, fold 0: epoch 10 of 104, at most 0:39:10 left",
        "cnn, fold 0: epoch 13 of 104, at most 0:37:55 left",
    ]
    assert all(progress.is_for_terminal(record) for record in caplog.records)


def test_items_pass_and_are_logged_in_tenths(caplog: pytest.LogCaptureFixture) -> None:
    assert list(progress.track(iter(range(25)), 25, "clips seen")) == list(range(25))
    assert [line.split()[0] for line in caplog.messages] == [
        *(str(count) for count in range(2, 25, 2)),
        "25",
    ]
    assert not any(progress.is_for_terminal(record) for record in caplog.records)
