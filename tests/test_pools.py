"""Pools of processes: order, arrays, errors, deaths, bounded work ahead."""

import os
import signal
from functools import partial

import numpy as np
import psutil
import pytest

from earmark.runtime import pools
from earmark.runtime.errors import EarmarkError


def square(number):
    return number**2


def array(number):
    """Arrays of several shapes and types, some large."""
    size = 100_000 if number % 7 == 6 else number
    return np.full((size, 1 + number % 3), number, [np.uint8, np.int16, np.float32][number % 3])


def refuse(number, refused):
    if number == refused:
        raise EarmarkError(f"{number} is refused")
    return number


def die(number, last):
    if number == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def note(number, folder):
    (folder / str(number)).touch()
    return number


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 500])
def test_results_come_in_order(processes, count):
    found = list(pools.parallel_map(square, list(range(count)), processes))
    assert found == [number**2 for number in range(count)]


@pytest.mark.parametrize("processes", [1, 2])
def test_arrays_arrive_as_they_were(processes):
    for number, found in enumerate(pools.parallel_map(array, range(100), processes)):
        expected = array(number)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("processes", [1, 2])
def test_errors_pass_after_the_results_before_them(processes):
    found = []
    with pytest.raises(EarmarkError, match=r"^37 is refused$"):
        found.extend(pools.parallel_map(partial(refuse, refused=37), range(100), processes))
    # A task of several items fails as a whole.
    assert found == list(range(len(found)))
    assert 37 - pools.ITEMS_PER_TASK < len(found) <= 37 or processes == 1


def test_a_process_that_dies_is_an_error_that_names_its_items():
    names = [f"clip{number}.wav" for number in range(100)]
    with pytest.raises(EarmarkError, match=r"ended abruptly .* from clip\d+.wav to clip\d+.wav"):
        list(pools.parallel_map(partial(die, last="clip50.wav"), names, 2))


def test_few_items_are_begun_ahead_of_the_reader(tmp_path):
    results = pools.parallel_map(partial(note, folder=tmp_path), range(1000), 2)
    for _ in range(5):
        next(results)
    results.close()
    assert len(os.listdir(tmp_path)) <= 2 * 2 * pools.TASKS_PER_PROCESS * pools.ITEMS_PER_TASK


@pytest.mark.parametrize("processes", [1, 2])
def test_items_are_made_as_they_are_needed(processes):
    made = []
    items = (made.append(number) or number for number in range(1000))
    results = pools.parallel_map(square, items, processes, 3)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(made) <= 5 + 3 * 2 * pools.TASKS_PER_PROCESS * processes
    assert list(results) == [number**2 for number in range(5, 1000)]
    assert made == list(range(1000))


def test_work_left_early_leaves_no_process_behind(tmp_path):
    # Other tests may have left a process that serves them.
    before = psutil.Process().children()
    results = pools.parallel_map(os.path.exists, [str(tmp_path)] * 100, 2)
    next(results)
    results.close()
    assert psutil.Process().children() == before
