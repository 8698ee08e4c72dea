"""Means of probabilities, by hand and by what must not change them."""

from functools import partial

import calibrate
import combine_predictions
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.dataset import tables
from earmark.evaluation import ensemble, predictions
from earmark.labels import label_table

combine = partial(ensemble.combine, exponent=0.25)
KINDS = ["arithmetic", "geometric", "power", "weighted"]
ONE = np.array([[0.81, 0.16, 0.03], [1.0, 0.0, 0.0]])
TWO = np.array([[0.16, 0.81, 0.03], [0.25, 0.75, 0.0]])


def test_arithmetic_by_hand():
    expected = [[0.485, 0.485, 0.03], [0.625, 0.375, 0.0]]
    np.testing.assert_allclose(combine("arithmetic", [ONE, TWO]), expected)


def test_geometric_by_hand():
    # sqrt(0.81 * 0.16) = 0.36 twice, 0.03; their sum is 0.75.
    found = combine("geometric", [ONE, TWO])
    np.testing.assert_allclose(found[0], [0.48, 0.48, 0.04])


def test_geometric_of_three_members_is_the_cube_root():
    members = [np.array([[0.8, 0.2]]), np.array([[0.1, 0.9]]), np.array([[0.5, 0.5]])]
    left, right = 0.04 ** (1 / 3), 0.09 ** (1 / 3)
    found = combine("geometric", members)
    np.testing.assert_allclose(found, [[left / (left + right), right / (left + right)]])


def test_geometric_with_zeros_is_finite_and_a_firm_no_weighs_much():
    found = combine("geometric", [ONE, TWO])[1]
    assert found.sum() == pytest.approx(1)
    # Class 1 is impossible for one member (taken as 1e-12), class 2 for both.
    assert found[0] > 0.999
    assert found[1] == pytest.approx(np.sqrt(0.75 * 1e-12) / 0.5, rel=1e-3)
    assert found[2] == pytest.approx(1e-12 / 0.5, rel=1e-3)


def test_geometric_when_members_exclude_each_other_is_even():
    apart = [np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])]
    np.testing.assert_allclose(combine("geometric", apart), [[0.5, 0.5]])


def test_power_is_the_scaled_sum_of_fourth_roots():
    # Fourth roots of 0.0625, 0.0081 and so on are whole tenths.
    one = np.array([[0.0625, 0.0081, 0.9294]])
    two = np.array([[0.4096, 0.0016, 0.5888]])
    sums = np.array([0.5 + 0.8, 0.3 + 0.2, 0.9294**0.25 + 0.5888**0.25])
    np.testing.assert_allclose(combine("power", [one, two])[0], sums / sums.sum())


def test_power_takes_zeros_and_other_exponents():
    np.testing.assert_allclose(
        combine("power", [ONE, TWO], exponent=1.0),
        combine("arithmetic", [ONE, TWO]),
    )
    found = combine("power", [ONE, TWO], exponent=2.0)[1]
    np.testing.assert_allclose(found, np.array([1.0625, 0.5625, 0]) / 1.625)
    roots = np.array([1 + 0.25**0.25, 0.75**0.25, 0.0])
    np.testing.assert_allclose(combine("power", [ONE, TWO])[1], roots / roots.sum())


def test_weighted_by_hand():
    found = combine("weighted", [ONE, TWO], [0.9, 0.3])
    np.testing.assert_allclose(found[0], [0.6475, 0.3225, 0.03])
    np.testing.assert_allclose(found[1], [0.8125, 0.1875, 0.0])


@pytest.mark.parametrize(
    ("scores", "weights"),
    [
        ([0.9, 0.3], [0.75, 0.25]),
        ([0.5], [1.0]),
        ([0.4, float("nan"), 0.4], [0.5, 0.0, 0.5]),
        ([float("nan"), float("nan")], [0.5, 0.5]),
        ([0.0, 0.0, 0.0, 0.0], [0.25] * 4),
    ],
)
def test_weights_from_scores(scores, weights):
    np.testing.assert_allclose(ensemble.weights_from(scores), weights)


def test_one_member_stays_as_it_is():
    for kind in ("arithmetic", "geometric", "weighted"):
        np.testing.assert_allclose(combine(kind, [ONE], [0.7]), ONE, atol=1e-11)


def test_single_precision_members_are_averaged_in_double():
    found = combine("arithmetic", [ONE.astype(np.float32), TWO.astype(np.float32)])
    assert found.dtype == np.float64


@st.composite
def members(draw):
    shape = draw(st.integers(2, 4)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    count = int(np.prod(shape))
    raw = np.array(draw(st.lists(st.integers(1, 100), min_size=count, max_size=count)), dtype=float)
    raw = raw.reshape(shape)
    return list(raw / raw.sum(axis=2, keepdims=True))


@given(members(), st.randoms(use_true_random=False), st.sampled_from(KINDS))
def test_order_of_members_does_not_matter(parts, random, kind):
    scores = [0.1 * (i + 1) for i in range(len(parts))]
    order = list(range(len(parts)))
    random.shuffle(order)
    found = combine(kind, parts, scores)
    again = combine(kind, [parts[i] for i in order], [scores[i] for i in order])
    np.testing.assert_allclose(again, found)


@given(members(), st.floats(0.01, 100), st.sampled_from(KINDS))
def test_means_are_probabilities_and_scale_of_the_scores_does_not_matter(parts, scale, kind):
    scores = [0.1 * (i + 1) for i in range(len(parts))]
    found = combine(kind, parts, scores)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    again = combine(kind, parts, [scale * score for score in scores])
    np.testing.assert_allclose(again, found)


@given(members(), st.floats(0.1, 10), st.sampled_from(["geometric", "power"]))
def test_scale_of_a_normalised_means_members_does_not_matter(parts, scale, kind):
    found = combine(kind, parts)
    again = combine(kind, [scale * part for part in parts])
    np.testing.assert_allclose(again, found, rtol=1e-6)


@given(members(), st.sampled_from(KINDS))
def test_members_that_agree_are_confirmed(parts, kind):
    best = combine(kind, [parts[0]] * 3, [0.5, 0.6, 0.7]).argmax(axis=1)
    np.testing.assert_array_equal(parts[0].max(axis=1), parts[0][np.arange(len(best)), best])


@given(members(), st.randoms(use_true_random=False), st.sampled_from(KINDS))
def test_order_of_the_classes_does_not_matter(parts, random, kind):
    scores = [0.1 * (i + 1) for i in range(len(parts))]
    order = list(range(parts[0].shape[1]))
    random.shuffle(order)
    found = combine(kind, parts, scores)
    again = combine(kind, [part[:, order] for part in parts], scores)
    np.testing.assert_allclose(again, found[:, order])


@given(members(), st.sampled_from(["arithmetic", "weighted"]))
def test_arithmetic_means_lie_between_their_members(parts, kind):
    found = combine(kind, parts, [0.1 * (i + 1) for i in range(len(parts))])
    assert (found >= np.min(parts, axis=0) - 1e-12).all()
    assert (found <= np.max(parts, axis=0) + 1e-12).all()


@given(members(), st.sampled_from(KINDS))
def test_a_class_that_all_members_rank_higher_stays_higher(parts, kind):
    found = combine(kind, parts, [0.1 * (i + 1) for i in range(len(parts))])
    for clip, values in enumerate(found):
        for one in range(len(values)):
            for two in range(len(values)):
                if all(part[clip, one] > part[clip, two] for part in parts):
                    assert values[one] > values[two]


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=6))
def test_weights_sum_to_one_and_follow_the_scores(scores):
    weights = ensemble.weights_from(scores)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    known = np.nan_to_num(np.array(scores))
    order = np.argsort(known, kind="stable")
    assert (np.diff(weights[order]) >= -1e-12).all()


@pytest.mark.parametrize(
    ("kind", "parts", "scores"),
    [
        ("arithmetic", [ONE, TWO[:1]], None),
        ("arithmetic", [ONE, TWO[:, :2]], None),
        ("weighted", [ONE, TWO], None),
        ("weighted", [ONE, TWO], [0.5]),
    ],
)
def test_what_does_not_fit_is_refused(kind, parts, scores):
    with pytest.raises(ValueError, match="shape"):
        combine(kind, parts, scores)


NAMES = ["p.wav", "q.wav"]
CLASSES = ["Bark", "Bus", "Cello", "Gong"]
# (folds, clips, classes) of test clips; the folds of each member are averaged first.
TESTS = {
    "one": [
        [[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]],
        [[0.7, 0.1, 0.2, 0.0], [0.1, 0.4, 0.1, 0.4]],
    ],
    "two": [[[0.0, 0.6, 0.1, 0.3], [0.7, 0.1, 0.1, 0.1]]],
}
MEANS = {
    "one": np.array([[0.6, 0.2, 0.2, 0.0], [0.1, 0.3, 0.2, 0.4]]),
    "two": np.array([[0.0, 0.6, 0.1, 0.3], [0.7, 0.1, 0.1, 0.1]]),
}


def calibrations(folder, held_out):
    """Files of what systems' guesses of one clip, Bark, say of them."""
    rows = pd.DataFrame([("a.wav", "Bark", 1, 1, "list")], columns=label_table.COLUMNS)
    tables.write_table(rows, folder / "labels.csv")
    for name, values in held_out.items():
        predicted = predictions.Predictions(["a.wav"], CLASSES, np.array([values]))
        predictions.write(folder / f"{name}_train.h5", predicted)
        calibrate.main(
            predicted=str(folder / f"{name}_train.h5"),
            labels_table=str(folder / "labels.csv"),
            calibrated=str(folder / f"{name}_calibration.json"),
            cfg={"system": name},
        )
    return [str(folder / f"{name}_calibration.json") for name in held_out]


def combined(folder, kind, members, held_out=None):
    """The script's probabilities and guesses; ``held_out`` are members' guesses of one clip."""
    paths, known = [], []
    for name in members:
        path = folder / f"{name}.h5"
        predictions.write(path, predictions.Predictions(NAMES, CLASSES, np.array(TESTS[name])))
        paths.append(str(path))
    if held_out:
        known = calibrations(folder, {name: held_out[name] for name in members})
    combine_predictions.main(
        members=paths,
        calibrations=known,
        combined=str(folder / "combined.h5"),
        guesses=str(folder / "guesses.csv"),
        cfg={"name": "mean", "kind": kind, "exponent": 0.25, "members": list(members)},
    )
    found = predictions.read(folder / "combined.h5")
    guesses = pd.read_csv(folder / "guesses.csv")
    assert found.clips == guesses["fname"].tolist() == NAMES
    assert found.classes == CLASSES
    return found.probabilities, guesses["label"].tolist()


def test_the_folds_of_a_system_are_averaged(tmp_path):
    found, guesses = combined(tmp_path, "arithmetic", ["one"])
    np.testing.assert_allclose(found, MEANS["one"], atol=1e-6)
    assert guesses == ["Bark Bus Cello", "Gong Bus Cello"]


def test_members_count_alike_however_many_folds_they_have(tmp_path):
    found, guesses = combined(tmp_path, "arithmetic", ["one", "two"])
    np.testing.assert_allclose(found, (MEANS["one"] + MEANS["two"]) / 2, atol=1e-6)
    # The third guess of the first is a tie: .15 and .15.
    assert [guess.split()[:2] for guess in guesses] == [["Bus", "Bark"], ["Bark", "Gong"]]


def test_a_weighted_mean_weighs_by_the_scores_of_clips_held_out(tmp_path):
    # Bark is the first guess of two and the third of one: 1 against 1/3.
    held_out = {"one": [0.2, 0.5, 0.3, 0.0], "two": [0.9, 0.1, 0.0, 0.0]}
    found, guesses = combined(tmp_path, "weighted", ["one", "two"], held_out)
    np.testing.assert_allclose(found, MEANS["one"] / 4 + MEANS["two"] * 3 / 4, atol=1e-6)
    assert guesses == ["Bus Gong Bark", "Bark Gong Bus"]
