"""MAP@3 and standard errors, against brute force and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.inference import metrics


def slow_map_at_3(probabilities, truth):
    """Pick the best class, strike it out, pick again; lower numbers first among equals."""
    total = 0.0
    for row, right in zip(probabilities, truth, strict=True):
        left = dict(enumerate(row))
        for rank in (1, 2, 3):
            if not left:
                break
            best = min(number for number, p in left.items() if p == max(left.values()))
            if best == right:
                total += 1 / rank
                break
            del left[best]
    return total / len(truth)


@st.composite
def predictions(draw):
    clips, classes = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    # Few different values, so that ties are common.
    values = draw(st.lists(st.integers(0, 4), min_size=clips * classes, max_size=clips * classes))
    truth = draw(st.lists(st.integers(0, classes - 1), min_size=clips, max_size=clips))
    return np.array(values, dtype=float).reshape(clips, classes) / 4, truth


@given(predictions())
def test_map_at_3_agrees_with_brute_force(case):
    probabilities, truth = case
    found = metrics.map_at_3(probabilities, truth)
    assert found == pytest.approx(slow_map_at_3(probabilities, truth))


@given(predictions(), st.randoms(use_true_random=False))
def test_map_at_3_is_a_share_and_the_order_of_the_clips_does_not_matter(case, random):
    probabilities, truth = case
    found = metrics.map_at_3(probabilities, truth)
    assert 0 <= found <= 1
    order = list(range(len(truth)))
    random.shuffle(order)
    again = metrics.map_at_3(probabilities[order], [truth[place] for place in order])
    assert again == pytest.approx(found)


@given(predictions(), st.randoms(use_true_random=False))
def test_numbers_of_the_classes_do_not_matter_where_no_two_are_equal(case, random):
    probabilities, truth = case
    count = probabilities.shape[1]
    distinct = probabilities + 0.01 * np.arange(count)  # a step is 0.25
    order = list(range(count))
    random.shuffle(order)
    renumbered = [order.index(label) for label in truth]
    assert metrics.map_at_3(distinct[:, order], renumbered) == metrics.map_at_3(distinct, truth)


@given(predictions(), st.floats(0, 2))
def test_more_for_the_true_class_never_lowers_map_at_3(case, more):
    probabilities, truth = case
    raised = probabilities.copy()
    raised[np.arange(len(truth)), truth] += more
    assert metrics.map_at_3(raised, truth) >= metrics.map_at_3(probabilities, truth)
    raised[np.arange(len(truth)), truth] += 2
    assert metrics.map_at_3(raised, truth) == 1


def test_map_at_3_worked_example():
    probabilities = np.array(
        [
            [0.7, 0.1, 0.1, 0.1],  # truth 0: first, 1
            [0.4, 0.3, 0.2, 0.1],  # truth 1: second, 1/2
            [0.4, 0.3, 0.2, 0.1],  # truth 2: third, 1/3
            [0.4, 0.3, 0.2, 0.1],  # truth 3: not among the three, 0
        ]
    )
    assert metrics.map_at_3(probabilities, [0, 1, 2, 3]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 4)


def test_top_classes_are_best_first_and_ties_go_to_the_lower_number():
    probabilities = np.array([[0.1, 0.4, 0.1, 0.4], [0.25] * 4, [0.0, 0.0, 0.0, 1.0]])
    assert metrics.top_classes(probabilities).tolist() == [[1, 3, 0], [0, 1, 2], [3, 0, 1]]
    assert metrics.top_classes(probabilities, 2).tolist() == [[1, 3], [0, 1], [3, 0]]


def test_many_ties_keep_the_order():
    assert metrics.top_classes(np.zeros((1, 41))).tolist() == [[0, 1, 2]]


def test_fewer_than_three_classes():
    probabilities = np.array([[0.2, 0.8], [0.9, 0.1]])
    assert metrics.top_classes(probabilities).tolist() == [[1, 0], [0, 1]]
    assert metrics.map_at_3(probabilities, [0, 0]) == pytest.approx(0.75)
    assert metrics.map_at_3(np.ones((3, 1)), [0, 0, 0]) == 1.0


def test_average_precision_takes_names():
    guessed = np.array([["Bark", "Meow", "Bus"], ["Bark", "Meow", "Bus"], ["Gong", "Bus", "Oboe"]])
    found = metrics.average_precision(guessed, np.array(["Meow", "Cello", "Gong"]))
    assert found.tolist() == [0.5, 0.0, 1.0]


def test_no_clips_give_nan():
    assert math.isnan(metrics.map_at_3(np.zeros((0, 41)), []))
    assert all(map(math.isnan, metrics.mean_and_error(np.zeros(0))))


def test_mean_and_error_by_hand():
    # Mean 0.5; squared deviations 0.25 + 0 + 0.25 = 0.5, / (3 - 1) = 0.25, root 0.5; 0.5 / sqrt 3.
    mean, error = metrics.mean_and_error(np.array([1.0, 0.5, 0.0]))
    assert mean == 0.5
    assert error == pytest.approx(0.5 / math.sqrt(3))
    mean, error = metrics.mean_and_error(np.array([0.5]))
    assert mean == 0.5
    assert math.isnan(error)


def test_error_of_a_share_is_the_binomial_one():
    values = np.array([1.0] * 226 + [0.0] * 75)  # 301 clips, as in the public part
    _, error = metrics.mean_and_error(values)
    share = 226 / 301
    assert error == pytest.approx(math.sqrt(share * (1 - share) / 300))
