"""Label spreading against the closed form of Zhou et al. 2004, and the cases it must not decide."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse
from sklearn.semi_supervised import LabelSpreading

from earmark.labels import spreading


def spread(given, verified, vectors, gamma=1.0, alpha=0.2, tolerance=1e-12, **settings):
    names = [f"{i}.wav" for i in range(len(given))]
    settings = {
        "gamma": gamma,
        "alpha": alpha,
        "max_iterations": 100_000,
        "tolerance": tolerance,
        "isolated": "undecided",
        **settings,
    }
    vectors = np.asarray(vectors, dtype=float)
    return spreading.spread(names, given, np.array(verified, bool), vectors, settings)


def closed_form(labels, verified, vectors, gamma, alpha):
    """Rows of F = (1 - a) (I - a S)^-1 Y, S = D^-1/2 W D^-1/2, W without its diagonal."""
    pairs = list(zip(labels, verified, strict=True))
    classes = sorted({label for label, known in pairs if known})
    n = len(labels)
    W = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                W[i, j] = math.exp(-gamma * sum((vectors[i] - vectors[j]) ** 2))
    degree = W.sum(axis=1)
    S = W / np.sqrt(np.outer(degree, degree))
    Y = np.array([[float(known and label == c) for c in classes] for label, known in pairs])
    F = (1 - alpha) * np.linalg.inv(np.eye(n) - alpha * S) @ Y
    return classes, F / F.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("gamma", "alpha"), [(0.3, 0.2), (1.0, 0.2), (1.0, 0.8)])
def test_spread_agrees_with_the_closed_form(seed, gamma, alpha):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(10, 3))
    given = [["Bus", "Gong", "Oboe"][i % 3] for i in rng.permutation(10)]
    verified = np.arange(10) < 6
    found = spread(given, verified, vectors, gamma, alpha)
    classes, expected = closed_form(given, verified, vectors, gamma, alpha)
    assert found["spread"].tolist() == [classes[k] for k in expected.argmax(axis=1)]
    np.testing.assert_allclose(found["confidence"], expected.max(axis=1), atol=2e-6)
    for row, (label, best) in enumerate(zip(given, found["spread"], strict=True)):
        state = "promoted" if best == label else "rejected"
        assert found["state"][row] == ("verified" if verified[row] else state)


def test_clips_between_two_verified_ones_follow_the_nearer():
    #    verified b at 0, verified a at 10; unverified at 1 (b: agrees), 2 (a: does not), 9 (a)
    found = spread(["b", "a", "b", "a", "a"], [1, 1, 0, 0, 0], [[0], [10], [1], [2], [9]], 0.1)
    assert list(found.columns) == list(spreading.COLUMNS)
    assert found["clip"].tolist() == ["0.wav", "1.wav", "2.wav", "3.wav", "4.wav"]
    assert found["spread"].tolist() == ["b", "a", "b", "b", "a"]
    assert found["state"].tolist() == ["verified", "verified", "promoted", "rejected", "promoted"]
    assert found["confidence"].between(0.5, 1).all()


def test_a_label_flows_along_a_chain_of_unverified_clips():
    # The last clip is out of reach of the verified one (exp -160) but not of its neighbours.
    vectors = [[0.0], [1.0], [2.0], [3.0], [4.0], [50.0], [51.0]]
    given = ["b"] * 5 + ["a"] * 2
    found = spread(given, [1, 0, 0, 0, 0, 1, 0], vectors, 10.0, alpha=0.9, tolerance=1e-12)
    assert found["state"].tolist() == ["verified", *["promoted"] * 4, "verified", "promoted"]


def far_apart():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 4096))
    given = ["Bark", "Bus", "Gong", "Oboe"] * 3
    return given, np.arange(12) < 8, vectors


def test_gamma_20_on_far_apart_latents_decides_nothing():
    given, verified, vectors = far_apart()
    # scikit-learn alone gives each isolated clip class 0 and would so promote the fourth of them
    # that was given that class.
    number = {label: index for index, label in enumerate(sorted(set(given)))}
    start = [number[g] if v else -1 for g, v in zip(given, verified, strict=True)]
    plain = LabelSpreading(kernel="rbf", gamma=20, alpha=0.2, max_iter=100_000, tol=1e-3)
    with np.errstate(all="ignore"):
        plain.fit(vectors, start)
    assert plain.transduction_[8:].tolist() == [0, 0, 0, 0]
    found = spread(given, verified, vectors, gamma=20, tolerance=1e-3)
    assert found["state"].tolist() == ["verified"] * 8 + ["undecided"] * 4
    assert found["spread"][8:].tolist() == [""] * 4
    assert found["confidence"][8:].tolist() == [0.0] * 4


def test_isolated_clips_can_get_the_first_class_as_in_the_reports_code():
    given, verified, vectors = far_apart()
    found = spread(given, verified, vectors, gamma=20, tolerance=1e-3, isolated="first_class")
    first = sorted(set(given))[0]
    assert found["spread"][8:].tolist() == [first] * 4
    agrees = [label == first for label in given[8:]]
    assert any(agrees)
    assert not all(agrees)
    assert (found["state"][8:] == "promoted").tolist() == agrees


def test_only_the_isolated_clips_are_undecided():
    vectors = [[0.0], [1.0], [0.1], [0.9], [1000.0]]
    found = spread(["a", "b", "a", "b", "a"], [1, 1, 0, 0, 0], vectors, 20)
    assert found["state"].tolist() == ["verified"] * 2 + ["promoted"] * 2 + ["undecided"]


def test_unverified_clips_with_company_but_no_verified_clip_are_undecided():
    vectors = [[0.0], [1.0], [0.1], [1000.0], [1000.1]]
    found = spread(["a", "b", "a", "a", "a"], [1, 1, 0, 0, 0], vectors, 20)
    assert found["state"].tolist() == ["verified"] * 2 + ["promoted"] + ["undecided"] * 2


def test_gamma_on_divided_latents_is_gamma_by_the_square():
    given, verified, vectors = far_apart()
    divided = spread(given, verified, vectors / 80, gamma=20)
    scaled = spread(given, verified, vectors, gamma=20 / 6400)
    pd.testing.assert_frame_equal(divided, scaled)
    assert (divided["state"] != "undecided").all()


def test_group_of_one_class_is_undecided():
    found = spread(["a"] * 4, [1, 1, 0, 0], [[0.0], [1.0], [0.0], [1.0]])
    assert found["state"].tolist() == ["verified", "verified", "undecided", "undecided"]


def test_class_without_a_verified_clip_cannot_be_promoted():
    found = spread(["a", "b", "c", "c"], [1, 1, 0, 0], [[0.0], [1.0], [0.1], [0.9]])
    assert found["spread"].tolist() == ["a", "b", "a", "b"]
    assert found["state"].tolist() == ["verified", "verified", "rejected", "rejected"]


def test_all_verified_and_none_verified():
    vectors = [[0.0], [1.0], [2.0]]
    assert set(spread(["a", "b", "a"], [1, 1, 1], vectors)["state"]) == {"verified"}
    assert set(spread(["a", "b", "a"], [0, 0, 0], vectors)["state"]) == {"undecided"}
    assert spread(["a"], [0], [[0.0]], "auto")["state"].tolist() == ["undecided"]


def test_order_of_the_clips_does_not_matter():
    rng = np.random.default_rng(3)
    vectors, given = rng.normal(size=(20, 2)), rng.choice(["a", "b", "c"], 20).tolist()
    verified = np.arange(20) < 9
    order = rng.permutation(20)
    found = spread(given, verified, vectors)
    again = spread([given[i] for i in order], verified[order], vectors[order])
    columns = ["given", "spread", "confidence", "state"]
    expected = found.iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(again[columns], expected[columns], atol=2e-6)


@pytest.mark.parametrize(
    ("points", "gamma"),
    [
        ([0, 1, 3, 6], 1 / 2.5),  # nearest squared: 1 1 4 9, median 2.5
        ([0, 2, 10], 1 / 4),  # 4 4 64
        ([0, 0, 0, 2], 1 / 4),  # 0 0 0 4: the median is 0, the mean of the others 4
        ([0, 0, 0, 0, 0, 2, 6], 2 / 20),  # 0 five times, 4, 16: mean of the last two 10
        ([5, 5, 5], 1.0),  # nothing to measure
    ],
)
@pytest.mark.parametrize("neighbours", [0, 1])
def test_auto_gamma_by_hand(points, gamma, neighbours):
    vectors = np.array(points, dtype=float)[:, None]
    matrix = spreading.affinity(vectors, "auto", neighbours)
    for i, j in zip(*matrix.nonzero(), strict=True):
        expected = math.exp(-gamma * (points[i] - points[j]) ** 2)
        assert matrix[i, j] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("neighbours", [0, 3])
def test_the_width_is_the_same_far_from_the_origin_and_with_every_vector_twice(neighbours):
    # Of vectors that occur once and of pairs: what tells of a width are distances that are some.
    once = np.random.default_rng(0).normal(size=(41, 300))
    vectors = np.concatenate([once, once[:30]])
    near, far = (spreading.affinity(v, "auto", neighbours) for v in (vectors, vectors + 300))
    for i, j in ((0, 41), (40, 40)) if neighbours == 0 else ((0, 41),):
        assert near[i, j] == far[i, j] == 1.0
    rows, columns = near.nonzero()
    np.testing.assert_allclose(far[rows, columns], near[rows, columns], rtol=0.01)
    assert near[rows, columns].min() > 1e-6  # no width of rounding errors


def test_auto_gamma_follows_the_scale_of_the_vectors():
    vectors = np.random.default_rng(0).normal(size=(30, 5))
    given, verified = ["a", "b", "c"] * 10, np.arange(30) < 12
    pd.testing.assert_frame_equal(
        spread(given, verified, vectors * 80, "auto"), spread(given, verified, vectors, "auto")
    )


def test_auto_gamma_is_the_kernels_width_in_spread():
    vectors = np.random.default_rng(1).normal(size=(12, 4))
    given, verified = ["a", "b"] * 6, np.arange(12) < 5
    width = 1 / np.median(
        [
            min(sum((v - w) ** 2) for j, w in enumerate(vectors) if j != i)
            for i, v in enumerate(vectors)
        ]
    )
    _, expected = closed_form(given, verified, vectors, width, 0.2)
    found = spread(given, verified, vectors, "auto")
    np.testing.assert_allclose(found["confidence"], expected.max(axis=1), atol=2e-6)


def test_summary_row_counts():
    states = ["verified"] * 4 + ["promoted"] * 3 + ["rejected"] * 2 + ["undecided"]
    table = pd.DataFrame({"given": list("aabbccaabb"), "state": states})
    assert spreading.summary_row("latent", "music", table) == {
        "spreading": "latent",
        "group": "music",
        "classes": 3,
        "clips": 10,
        "verified": 4,
        "promoted": 3,
        "verified_after": 7,
        "percent_after": 70.0,
        "rejected": 2,
        "undecided": 1,
    }


def test_summary_row_of_the_reports_first_row():
    states = ["verified"] * 3710 + ["promoted"] * (5174 - 3710) + ["rejected"] * (9473 - 5174)
    row = spreading.summary_row("s", "all", pd.DataFrame({"given": "a", "state": states}))
    assert (row["clips"], row["verified"], row["verified_after"]) == (9473, 3710, 5174)
    assert row["percent_after"] == 54.62
    assert row["undecided"] == 0


def clusters(clips=300, size=20, spread_out=0.8):
    """Labels (n,) and vectors (n, 40) of six overlapping clusters."""
    rng = np.random.default_rng(3)
    label = rng.integers(0, 6, clips)
    vectors = rng.normal(size=(6, 40))[label] + rng.normal(0, spread_out, (clips, 40))
    return [f"c{number}" for number in label], vectors


def slow_sparse_affinity(vectors, gamma, count):
    """exp(-gamma d^2) between each vector and its nearest, and back."""
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    matrix = np.zeros_like(squares)
    for i, row in enumerate(squares):
        others = [j for j in np.argsort(row) if j != i][:count]
        matrix[i, others] = np.exp(-gamma * row[others])
    return np.maximum(matrix, matrix.T)


@pytest.mark.parametrize("count", [1, 5, 50])
def test_sparse_affinity_agrees_with_a_slow_one(count):
    _, vectors = clusters()
    found = spreading.affinity(vectors, 0.05, count)
    expected = slow_sparse_affinity(vectors, 0.05, count)
    assert found.nnz == np.count_nonzero(expected)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-4)


def test_all_neighbours_are_the_dense_kernel():
    _, vectors = clusters(60)
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    for neighbours in (0, 59, 1000, "auto"):
        found = spreading.affinity(vectors, 0.05, neighbours)
        np.testing.assert_allclose(found, np.exp(-0.05 * squares), rtol=1e-9)


def test_many_clips_get_the_sparse_kernel(monkeypatch):
    _, vectors = clusters()
    monkeypatch.setattr(spreading, "DENSE_CLIPS", 299)
    assert issparse(spreading.affinity(vectors))
    monkeypatch.setattr(spreading, "DENSE_CLIPS", 300)
    assert not issparse(spreading.affinity(vectors))


def test_sparse_spreading_agrees_with_dense_spreading():
    given, vectors = clusters()
    verified = np.arange(300) < 100
    dense, sparse = (spread(given, verified, vectors, "auto", neighbours=k) for k in (0, 30))
    assert (dense["spread"] == sparse["spread"]).mean() > 0.97


def test_what_no_label_reaches_through_sparse_connections_is_undecided():
    # Two pairs far apart; labels are known in the first only, and of one neighbour each.
    vectors = np.array([[0.0], [1.0], [1.5], [100.0], [101.0]])
    found = spread(list("abaab"), [1, 1, 0, 0, 0], vectors, neighbours=1)
    assert found["state"].tolist() == ["verified", "verified", "rejected", "undecided", "undecided"]
    assert found["spread"].tolist() == ["a", "b", "b", "", ""]
