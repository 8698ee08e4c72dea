"""Nearest neighbours against all distances worked out one by one."""

import numpy as np
import pytest

from earmark.labels import neighbours


def all_squares(vectors):
    return ((vectors[:, None].astype(float) - vectors[None].astype(float)) ** 2).sum(axis=2)


def flat(clips, dimensions, seed=0):
    """Points near a plane of 20 directions, as latents are, far from the origin."""
    rng = np.random.default_rng(seed)
    within = rng.normal(size=(clips, 20)) @ rng.normal(size=(20, dimensions))
    return (within + 0.1 * rng.normal(size=(clips, dimensions)) + 50).astype(np.float32)


@pytest.mark.parametrize("dimensions", [3, 60, 500])
@pytest.mark.parametrize("count", [1, 7])
def test_neighbours_are_the_nearest_others_in_order(monkeypatch, dimensions, count):
    # Small blocks and few directions: several of the one, and not all of the other.
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", 200 * 37)
    monkeypatch.setattr(neighbours, "GATHERED_VALUES", 5 * 3 * count * dimensions)
    monkeypatch.setattr(neighbours, "DIRECTIONS", 25)
    vectors = flat(200, dimensions)
    indices, squares = neighbours.nearest(vectors, count)
    truth = all_squares(vectors)
    np.fill_diagonal(truth, np.inf)
    np.testing.assert_array_equal(indices, truth.argsort(axis=1)[:, :count])
    np.testing.assert_allclose(squares, np.sort(truth, axis=1)[:, :count], rtol=1e-3)


def test_equal_points_are_each_others_neighbours():
    vectors = np.repeat(flat(40, 30), 2, axis=0)
    indices, squares = neighbours.nearest(vectors, 1)
    assert indices[:, 0].tolist() == [number ^ 1 for number in range(80)]
    assert squares.max() < 1e-2


def test_without_any_structure_nearly_all_neighbours_are_found():
    # The worst case: no direction tells more than another, and only 256 of 600 are looked at.
    vectors = np.random.default_rng(1).normal(size=(2000, 600)).astype(np.float32)
    indices, _ = neighbours.nearest(vectors, 20)
    truth = all_squares_in_blocks(vectors)
    found = [len(set(mine) & set(right)) / 20 for mine, right in zip(indices, truth, strict=True)]
    assert np.mean(found) > 0.6


def all_squares_in_blocks(vectors):
    """Indices (n, 20) of the nearest by double precision."""
    points = vectors.astype(float)
    norms = (points**2).sum(axis=1)
    squares = norms[:, None] + norms - 2 * points @ points.T
    np.fill_diagonal(squares, np.inf)
    return squares.argsort(axis=1)[:, :20]


def test_the_same_vectors_give_the_same_neighbours():
    vectors = flat(300, 100)
    first, second = neighbours.nearest(vectors, 5), neighbours.nearest(vectors, 5)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
