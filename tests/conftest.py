"""Fixtures that several test files share."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from archive_server import Server, serving
from hypothesis import settings
from slurm_cluster import Cluster, UnavailableError

# Small tensors only: more threads than one make them slower, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, none stored, and no limit on an example's time.
settings.register_profile("earmark", derandomize=True, deadline=None)
settings.load_profile("earmark")

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


def _folder(name: str, variable: str) -> Path:
    folder = Path(os.environ.get(variable) or BESIDE_THE_REPOSITORY / name)
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: name the data's folder in {variable}")
    return folder


@pytest.fixture(scope="session")
def official() -> Path:
    """Folder of the official lists of FSDKaggle2018, without audio."""
    return _folder("official", "EARMARK_OFFICIAL")


@pytest.fixture(scope="session")
def esc50() -> Path:
    """ESC-50's list, with its official folds."""
    return _folder("esc50", "EARMARK_ESC50")


@pytest.fixture(scope="session")
def fsd10() -> Path:
    """Folder of 243 real clips of ten classes, in the Kaggle layout."""
    return _folder("fsd10", "EARMARK_FSD10")


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """What jobs do to the log ends with their test."""
    log = logging.getLogger("earmark")
    before = (log.level, log.propagate, log.handlers[:])
    yield
    log.setLevel(before[0])
    log.propagate, log.handlers[:] = before[1:]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives come in pieces of 1,000 bytes, and failures are tried again at once."""
    from earmark.dataset import fetching

    monkeypatch.setattr(fetching, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(fetching, "RETRIES", fetching.RETRIES.new(backoff_factor=0))
    monkeypatch.setattr(fetching.os, "sync", lambda: None)  # waits for other programs' files


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of good archives."""
    with serving() as running:
        yield running


@pytest.fixture
def checkpoint(tmp_path):
    """A resume point in a folder that is not there yet."""
    from earmark.training.checkpoints import Checkpoint

    return Checkpoint(tmp_path / "model" / "checkpoint.pt", "fingerprint")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Slurm cluster that is this machine, for the tests of one file or folder."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(Cluster())
        except UnavailableError as reason:
            pytest.skip(str(reason))
        yield running
