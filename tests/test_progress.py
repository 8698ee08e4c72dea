"""How far trainings say they are: which of them tells, how often, and what it leaves behind."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from earmark.runtime import progress

DAY = 86_400.0


class World:
    """A clock that stands still, and trainings that are each a process of their own."""

    def __init__(self, folder: Path) -> None:
        self.now = 1e6
        self.folder = folder
        self.lines: list[str] = []
        self._process = 100

    def time(self) -> float:
        return self.now

    def process(self) -> int:
        return self._process

    def training(self, name: str, total: int, done: int = 0) -> progress.Epochs:
        self._process += 1
        return progress.Epochs(name, total, done, self.folder)

    def epoch(self, seconds: float, *trainings: tuple[progress.Epochs, int]) -> list[str]:
        """Let an epoch of each training pass; return what was told."""
        self.now += seconds
        self.lines.clear()
        for training, epochs in trainings:
            training.done(epochs)
            # As the file system's clock would have it.
            os.utime(training._note, (self.now, self.now))
        return list(self.lines)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path / "not" / "there" / "yet")
    clock = SimpleNamespace(time=made.time, monotonic=made.time)
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "os", SimpleNamespace(getpid=made.process))
    handler = logging.Handler()
    handler.emit = lambda line: made.lines.append(line.getMessage())  # type: ignore[method-assign]
    handler.addFilter(progress.is_for_screen)
    log = logging.getLogger("earmark")
    monkeypatch.setattr(log, "level", logging.INFO)
    log.addHandler(handler)
    yield made
    log.removeHandler(handler)


def test_a_training_tells_once_a_minute_how_long_it_will_take_at_most(world: World) -> None:
    with world.training("cnn, fold 0", 10) as training:
        assert world.epoch(25, (training, 1)) == []
        assert world.epoch(25, (training, 2)) == []
        assert world.epoch(25, (training, 3)) == ["cnn, fold 0: epoch 3 of 10, at most 3 min left"]
        assert world.epoch(25, (training, 4)) == []
        assert world.epoch(35, (training, 5)) == ["cnn, fold 0: epoch 5 of 10, at most 2 min left"]


def test_epochs_of_an_earlier_run_do_not_count_as_quick(world: World) -> None:
    with world.training("cnn", 12, done=8) as training:
        # 100 s an epoch, and three are left.
        assert world.epoch(100, (training, 9)) == ["cnn: epoch 9 of 12, at most 5 min left"]


def test_only_the_one_that_will_take_longest_tells(world: World) -> None:
    with world.training("short", 5) as short, world.training("long", 50) as long:
        assert world.epoch(70, (long, 1), (short, 1)) == [
            "long: epoch 1 of 50, at most 57 min left"
        ]
        for epochs in (2, 3, 4):
            (line,) = world.epoch(70, (short, epochs), (long, epochs))
            assert line.startswith("long: ")
    # The long one has ended: it is the other's turn.
    assert world.epoch(1, (short, 4))[0].startswith("short: epoch 4 of 5")


def test_nothing_is_left_behind(world: World) -> None:
    with world.training("one", 5) as one, world.training("two", 5) as two:
        world.epoch(70, (one, 1), (two, 1))
        assert len(list(world.folder.iterdir())) == 2
    assert list(world.folder.iterdir()) == []

    def fail() -> None:
        with world.training("three", 5) as three:
            world.epoch(70, (three, 1))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(world.folder.iterdir()) == []


def test_who_was_killed_is_forgotten(world: World) -> None:
    killed = world.training("killed", 1000)
    world.epoch(70, (killed, 1))  # would take most of a day
    with world.training("other", 50) as other:
        for epochs in range(1, 24):
            assert world.epoch(70, (other, epochs)) == []
        told = [world.epoch(70, (other, epochs)) for epochs in range(24, 28)]
        assert told[-1] == ["other: epoch 27 of 50, at most 27 min left"]
    assert 24 * 70 < progress.SECONDS_TO_FORGET < 27 * 70


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: (folder / "7").write_text(""),
        lambda folder: (folder / "7").write_bytes(b"\xff"),
        lambda folder: (folder / "7").mkdir(),
        lambda folder: (folder / "7").symlink_to("nowhere"),
    ],
    ids=["empty", "no text", "a folder", "a link to nothing"],
)
def test_a_note_that_cannot_be_read_counts_as_none(
    world: World, write: Callable[[Path], None]
) -> None:
    world.folder.mkdir(parents=True)
    write(world.folder)
    with world.training("cnn", 10) as training:
        assert len(world.epoch(70, (training, 1))) == 1


def test_without_a_place_for_notes_each_one_tells(world: World) -> None:
    world.folder.parent.parent.mkdir(parents=True, exist_ok=True)
    world.folder.parent.write_text("a file")
    with world.training("cnn", 10) as one, world.training("vgg", 20) as two:
        world.now += 70
        one.done(1)
        two.done(1)
    assert [line.split(":")[0] for line in world.lines] == ["cnn", "vgg"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (40.4, "40 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (720, "12 min"),
        (99 * 60, "99 min"),
        (100 * 60, "1 h 40 min"),
        (3 * 3600 + 5 * 60, "3 h 5 min"),
        (DAY + 29, "24 h 0 min"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert progress.in_words(seconds) == words


def test_items_pass_and_are_logged_in_tenths(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    caplog.set_level(logging.INFO, "earmark")
    assert list(progress.track(iter(range(25)), 25, "clips seen")) == list(range(25))
    assert [line.split()[0] for line in caplog.messages] == [
        *(str(count) for count in range(2, 25, 2)),
        "25",
    ]
