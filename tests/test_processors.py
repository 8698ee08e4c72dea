"""How many processors a process may use, in made-up control groups."""

import os

import pytest

from earmark.runtime import processors

BOUND = 8


@pytest.fixture(autouse=True)
def affinity(monkeypatch):
    # As on Linux; what tests run on may have none.
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(BOUND)), raising=False)


def system(folder, group, quotas):
    """A root folder with this process in ``group``, and cpu.max of groups."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(group)
    for name, text in quotas.items():
        (folder / "sys/fs/cgroup" / name).mkdir(parents=True, exist_ok=True)
        (folder / "sys/fs/cgroup" / name / "cpu.max").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("group", "quotas", "count"),
    [
        ("0::/\n", {}, BOUND),
        ("0::/\n", {"": "max 100000\n"}, BOUND),
        # As a container sees its own group.
        ("0::/\n", {"": "200000 100000\n"}, 2),
        ("0::/\n", {"": "150000 100000\n"}, 2),
        ("0::/\n", {"": "5000 100000\n"}, 1),
        ("0::/\n", {"": "6400000 100000\n"}, BOUND),
        ("0::/job/step\n", {"job/step": "max 100000\n", "job": "30000 10000\n"}, 3),
        ("0::/job/step\n", {"job/step": "400000 100000\n", "job": "max 100000\n"}, 4),
        # Another's group, and groups of version 1.
        ("0::/job\n", {"other": "100000 100000\n"}, BOUND),
        ("3:cpu:/job\n", {"job": "100000 100000\n"}, BOUND),
        ("3:cpu:/other\n0::/job\n", {"other": "1 1\n", "job": "500000 100000\n"}, 5),
        ("0::/\n", {"": "\n"}, BOUND),
    ],
)
def test_quotas(tmp_path, group, quotas, count):
    assert processors.available_processors(system(tmp_path, group, quotas)) == count


def test_without_control_groups_the_affinity_counts(tmp_path):
    assert processors.available_processors(tmp_path) == BOUND


def test_a_process_bound_to_one_processor_may_use_one(monkeypatch):
    monkeypatch.undo()
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system binds no processes")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processors.available_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
