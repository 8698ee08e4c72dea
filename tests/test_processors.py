"""How many processors a process may use, with made-up quotas of a container."""

import os

import pytest

from earmark.runtime import processors

BOUND = 8


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        (None, BOUND),
        ("max 100000\n", BOUND),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("6400000 100000\n", BOUND),
        ("\n", BOUND),
    ],
)
def test_quotas(tmp_path, monkeypatch, quota, count):
    # As on Linux; what tests run on may have no affinity.
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(BOUND)), raising=False)
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota)
    assert processors.available_processors(tmp_path / "cpu.max") == count


def test_a_process_bound_to_one_processor_may_use_one():
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system binds no processes")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processors.available_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
