"""Fixtures that several test files share."""

import logging
import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import tiny_run
from archive_server import Server, serving
from filelock import FileLock
from hypothesis import settings
from slurm_cluster import Cluster, UnavailableError

# Small tensors only: more threads than one make them slower, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Programs in the background ignore Ctrl-C; what the tests start must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, none stored, and no limit on an example's time.
settings.register_profile("earmark", derandomize=True, deadline=None)
settings.load_profile("earmark")

# What takes longest is begun first, so that no worker waits for the other one's last file. The
# second begins with a file that does not wait for the first one's finished run.
LONGEST = (
    "test_run_again",
    "test_training",
    "test_slurm",
    "test_kills",
    "test_faults",
    "test_unfinished",
    "test_reruns",
)

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


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


@pytest.fixture(scope="session")
def backbone() -> Path:
    """Folder with a small pretrained speech embedding, as two ONNX files."""
    return _folder("backbone", "EARMARK_BACKBONE")


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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tiny_run.Run:
    """The finished tiny run, made by the first worker that asks for it: to look at, or to copy."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which the workers share
    kept = base / "tiny_run.pickle"
    with FileLock(base / "tiny_run.lock"):
        if not kept.exists():
            made = tiny_run.make(base / "tiny_run")
            kept.write_bytes(pickle.dumps(made))
        return pickle.loads(kept.read_bytes())
