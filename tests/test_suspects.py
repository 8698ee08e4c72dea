"""How probably labels are wrong: known truth, closed forms, and hand-worked tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import fft, special
from sklearn.ensemble import ExtraTreesClassifier

from earmark.features import clip_statistics, store
from earmark.labels import suspect_table, suspects
from earmark.labels.suspects import Labels

CLASSES = 12


def simulated(clips: int, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities by a model that is well calibrated, given labels, and true ones."""
    random = np.random.default_rng(seed)
    probabilities = special.softmax(random.normal(0, 3, (clips, CLASSES)), axis=1)
    draw = random.random((clips, 1))
    true = (probabilities.cumsum(axis=1) < draw).sum(axis=1).clip(max=CLASSES - 1)
    other = (true + random.integers(1, CLASSES, clips)) % CLASSES
    return probabilities, np.where(random.random(clips) < rate, other, true), true


def nobody_checked(given: np.ndarray) -> Labels:
    return Labels(given, np.full(len(given), -1), np.zeros(len(given), dtype=bool))


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_the_share_of_wrong_labels_is_found(rate: float) -> None:
    probabilities, given, true = simulated(4000, rate, 1)
    found = suspects.fit([probabilities], nobody_checked(given))
    wrong = given != true
    expected, low, high = found.counts(np.ones((1, len(given))), 1)[:, 0]
    assert low <= wrong.sum() <= high
    assert expected == pytest.approx(wrong.sum(), rel=0.1, abs=25)
    # Of suspects with a probability of about p, a share of about p is wrong.
    order = np.argsort(found.probability)
    for part in np.array_split(order, 8):
        assert found.probability[part].mean() == pytest.approx(wrong[part].mean(), abs=0.06)


def test_intervals_cover_the_true_number() -> None:
    inside = []
    for seed in range(40):
        probabilities, given, true = simulated(500, 0.15, seed)
        found = suspects.fit([probabilities], nobody_checked(given))
        _, low, high = found.counts(np.ones((1, len(given))), 1)[:, 0]
        inside.append(low <= (given != true).sum() <= high)
    assert np.mean(inside) >= 0.85


def test_the_weight_undoes_wrong_confidence() -> None:
    probabilities, given, _ = simulated(4000, 0.2, 2)
    timid = special.softmax(np.log(probabilities) / 4, axis=1)
    found = suspects.fit([timid], nobody_checked(given))
    assert np.exp(found.parameters[0]) == pytest.approx(4, rel=0.1)
    np.testing.assert_allclose(found.classes, probabilities, atol=0.05)


def test_useless_evidence_gets_no_weight_beside_good_one() -> None:
    probabilities, given, _ = simulated(4000, 0.2, 3)
    noise = simulated(4000, 0.2, 4)[0]
    alone = suspects.fit([probabilities], nobody_checked(given))
    both = suspects.fit([probabilities, noise], nobody_checked(given))
    assert np.exp(both.parameters[1]) < 0.1
    np.testing.assert_allclose(both.probability, alone.probability, atol=0.1)


def test_one_probability_by_hand() -> None:
    logs = np.log(np.array([[[0.6, 0.3, 0.1]]]))
    parameters = np.array([0.0, special.logit(0.2)])
    found = suspects.Suspicion(logs, nobody_checked(np.array([1])), parameters, np.eye(2))
    # Right: 0.8 * 0.3; wrong: 0.2 * (0.6 + 0.1) / 2.
    assert found.probability[0] == pytest.approx(0.07 / (0.24 + 0.07))


def test_evidence_that_says_nothing_of_the_labels_is_known_for_it() -> None:
    for share in (0.0, 0.3):
        probabilities, given, _ = simulated(400, 0.2, 7)
        noise = simulated(400, 0.2, 8)[0]
        seen = np.arange(400) < 400 * share
        labels = Labels(given, np.where(seen, given, -1), np.zeros(400, dtype=bool))
        assert not suspects.fit([noise], labels).is_informed
        assert suspects.fit([probabilities], labels).is_informed


def test_checks_show_where_labels_are_wrong_in_the_same_way_throughout() -> None:
    probabilities, given, true = simulated(2000, 0.2, 10)
    # The next class is given for a fifth of each, and the model has learned that.
    alike = np.where(given == true, true, (true + 1) % CLASSES)
    learned = 0.8 * probabilities + 0.2 * np.roll(probabilities, 1, axis=1)
    for evidence, labels, is_more in ((probabilities, given, False), (learned, alike, True)):
        first = suspects.fit([evidence], nobody_checked(labels))
        seen = np.isin(np.arange(2000), np.argsort(-first.probability)[:150])
        known = Labels(labels, np.where(seen, true, -1), seen)
        wrong, expected, deviation = suspects.fit([evidence], known).checks
        assert wrong == (labels != true)[seen].sum()
        assert (wrong > expected + 2 * deviation) == is_more


def test_checks_by_hand() -> None:
    logs = np.log([[[0.3, 0.6, 0.1], [0.3, 0.6, 0.1], [0.8, 0.1, 0.1]]])
    labels = Labels(np.array([1, 1, 0]), np.array([1, 2, -1]), np.array([True, True, False]))
    parameters = np.array([0.0, special.logit(0.2)])
    wrong, expected, deviation = suspects.Suspicion(logs, labels, parameters, np.eye(2)).checks
    # Right: 0.8 * 0.6; wrong: 0.2 * (0.3 + 0.1) / 2.
    each = 0.04 / (0.48 + 0.04)
    assert (wrong, expected) == (1, pytest.approx(2 * each))
    assert deviation == pytest.approx(np.sqrt(2 * each * (1 - each)))


@pytest.mark.filterwarnings("error")
def test_the_same_evidence_twice_has_an_interval() -> None:
    probabilities, given, true = simulated(4000, 0.2, 9)
    timid = special.softmax(np.log(probabilities) / 12, axis=1)
    found = suspects.fit([timid, timid], nobody_checked(given))
    assert (np.linalg.eigvalsh(found.covariance) > 0).all()
    _, low, high = found.counts(np.ones((1, len(given))), 1)[:, 0]
    assert low <= (given != true).sum() <= high


def test_checked_labels_count_as_known() -> None:
    probabilities, given, true = simulated(3000, 0.3, 5)
    seen = np.arange(len(given)) % 3 == 0
    labels = Labels(given, np.where(seen, true, -1), seen)
    found = suspects.fit([probabilities], labels)
    assert (found.probability[seen] == (given != true)[seen]).all()
    assert found.rate == pytest.approx(0.3, abs=0.05)
    trusted = Labels(np.where(seen, true, given), np.where(seen, true, -1), np.zeros_like(seen))
    assert suspects.fit([probabilities], trusted).rate == pytest.approx(0.3, abs=0.05)


def test_trees_predict_a_clip_without_its_own_label() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 30)
    points = random.normal(0, 1, (90, 4)) + labels[:, None]
    found = suspects.by_trees(points, labels, 4, 1)
    assert found.shape == (90, 4)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == labels).mean() > 0.6
    changed = labels.copy()
    changed[7] = 2
    again = suspects.by_trees(points, changed, 4, 1)
    np.testing.assert_array_equal(again[7], found[7])
    assert (again != found).any()


def test_trees_predict_as_a_forest_of_scikit_learn_without_its_memory() -> None:
    random = np.random.default_rng(1)
    # The class 2 has no clip.
    labels = random.integers(0, 2, 200) * 3
    points = random.normal(0, 1, (200, 4)) + labels[:, None]
    forest = ExtraTreesClassifier(
        suspects.TREES, bootstrap=True, oob_score=True, min_samples_leaf=2, random_state=7
    )
    votes = forest.fit(points, labels).oob_decision_function_
    expected = np.full((200, 4), 1 / suspects.TREES)
    expected[:, [0, 3]] += votes
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(suspects.by_trees(points, labels, 4, 7), expected, atol=1e-9)


def test_trees_of_very_few_clips_say_nothing() -> None:
    found = suspects.by_trees(np.eye(1), np.array([1]), 3, 1)
    np.testing.assert_allclose(found, 1 / 3)


def slow_description(frames: np.ndarray) -> np.ndarray:
    cepstrum = np.array([fft.dct(frame.astype(float), norm="ortho")[:20] for frame in frames])
    changes = cepstrum[1:] - cepstrum[:-1]
    return np.array([*cepstrum.mean(0), *cepstrum.std(0), *changes.std(0)])


@pytest.mark.parametrize("fixed", [True, False])
def test_clips_are_described_by_their_cepstrum(tmp_path: Path, fixed: bool) -> None:
    random = np.random.default_rng(1)
    lengths = [6] * 5 if fixed else [6, 9, 2, 30, 7]
    clips = [f"{number}.wav" for number in range(5)]
    features = [random.integers(0, 255, (24, length)).astype(np.uint8) for length in lengths]
    path = tmp_path / "train.h5"
    rows = iter(features if fixed else [one.T for one in features])
    settings = {"kind": "log_mel"}
    store.write_features(path, clips, rows, (24, 6 if fixed else 0), fixed, settings=settings)
    slow = np.stack([slow_description(one.T) for one in features])
    expected = (slow - slow.mean(axis=0)) / slow.std(axis=0)
    order = [3, 1, 4, 0, 2]
    found = clip_statistics.describe(path, [clips[place] for place in order])
    np.testing.assert_allclose(found, expected[order], atol=1e-9)


def test_own_features_are_described_as_they_are(tmp_path: Path) -> None:
    clips = [
        np.array([[1.0, 2], [3, 2], [8, 5]]),
        np.array([[2.0, 0]]),
        np.array([[0.0, 3], [4, 9]]),
    ]
    path = tmp_path / "train.h5"
    settings = {"kind": "mine.py:Mine"}
    store.write_features(path, [*"abc"], clips, (2, 0), False, np.float32, 1, settings=settings)
    # Means, standard deviations, and those of changes.
    slow = np.array(
        [
            [4, 3, (26 / 3) ** 0.5, 2**0.5, 1.5, 1.5],
            [2, 0, 0, 0, 0, 0],
            [2, 6, 2, 3, 0, 0],
        ]
    )
    expected = (slow - slow.mean(axis=0)) / slow.std(axis=0)
    np.testing.assert_allclose(clip_statistics.describe(path, [*"abc"]), expected, atol=1e-6)


NAMES = ["Bark", "Cello", "Gong"]
ROWS = pd.DataFrame(
    {
        "clip": ["a", "b", "c", "d", "e", "f"],
        "label": ["Bark", "Bark", "Cello", "Cello", "Gong", "Gong"],
        "verified": [1, 0, 1, 0, 1, 0],
        "origin": "list",
    }
)
# Probabilities of the classes; b is a near-copy of c, f of nothing.
VALUES = np.array(
    [
        [0.9, 0.05, 0.05],
        [0.1, 0.85, 0.05],
        [0.05, 0.9, 0.05],
        [0.05, 0.5, 0.45],
        [0.05, 0.05, 0.9],
        [0.34, 0.28, 0.38],
    ]
)
POINTS = np.array([[0.0, 0], [9, 0], [9, 0.01], [5, 9], [0, 30], [0, 20]])


def table_of(rows: pd.DataFrame = ROWS, values: np.ndarray = VALUES) -> pd.DataFrame:
    known = suspect_table.known_labels(rows, rows, NAMES)
    found = suspects.Suspicion(
        np.log(values)[None], known, np.array([0.0, special.logit(0.2)]), np.eye(2) / 100
    )
    silent = pd.DataFrame({"clip": ["s"], "label": ["Bark"], "verified": [0]})
    unheard = silent.assign(problem="silent: all samples are 0")
    return suspect_table.make(rows, NAMES, found, POINTS, unheard).set_index("clip")


def test_the_table_of_suspects_by_hand(tmp_path: Path) -> None:
    table = table_of()
    # Right: 0.8 q; wrong: 0.2 (1 - q) / 2.
    wrong = {"b": 0.09 / (0.08 + 0.09), "f": 0.062 / (0.304 + 0.062), "d": 0.05 / (0.4 + 0.05)}
    assert table.index.tolist() == ["b", "f", "d", "a", "c", "e", "s"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    for clip, probability in wrong.items():
        assert table.loc[clip, "wrong"] == pytest.approx(probability, abs=1e-6)
    assert (table.loc[["a", "c", "e"], "wrong"] == 0).all()
    assert table["suggestion"].to_dict() | {"s": ""} == {
        **{"a": "Cello", "b": "Cello", "c": "Bark", "d": "Gong", "e": "Bark", "f": "Bark"},
        "s": "",
    }
    assert table["reason"].to_dict() == {
        "a": "",
        "b": "near-copy of c, which is labelled Cello; sounds like Cello",
        "c": "near-copy of b, which is labelled Bark",
        "d": "sounds like Cello and Gong",
        "e": "",
        "f": "sounds like Gong and Bark",
        "s": "silent: all samples are 0",
    }
    assert table.loc["b", ["guess_1", "probability_1", "guess_3"]].tolist() == [
        "Cello",
        0.85,
        "Gong",
    ]
    # Of checked clips only, and never the clip itself.
    assert table.loc["b", ["like_label", "like_suggestion"]].tolist() == ["a", "c"]
    assert table.loc["a", ["like_label", "like_suggestion"]].tolist() == ["", "c"]
    table.reset_index()[list(suspect_table.COLUMNS)].to_csv(tmp_path / "s.csv", index=False)
    again = suspect_table.read(tmp_path / "s.csv").set_index("clip")
    assert np.isnan(again.loc["s", "wrong"])
    assert again.loc["b", "wrong"] == table.loc["b", "wrong"]


def test_a_clip_that_sounds_like_nothing_is_told() -> None:
    values = np.full((6, 4), 0.25)
    found = suspect_table._reasons(
        ROWS, np.zeros(6, dtype=int), values, [*NAMES, "Hi-hat"], np.eye(6)
    )
    assert found == ["sounds like none of the classes"] * 6


def test_labels_that_the_list_calls_verified_throughout_are_not_taken_for_checked() -> None:
    rows = ROWS.assign(verified=1)
    assert (suspect_table.known_labels(rows, rows, NAMES).true == -1).all()
    listed = rows.copy()
    rows.loc[1, ["label", "origin"]] = ["Cello", "correction"]
    rows.loc[2, "origin"] = "correction"
    known = suspect_table.known_labels(rows, listed, NAMES)
    assert known.given.tolist() == [0, 0, 1, 1, 2, 2]
    assert known.true.tolist() == [-1, 1, 1, -1, -1, -1]
    assert known.checked.tolist() == [False, True, True, False, False, False]
    # The list's flags go on to count when the last label is verified here.
    flagged = ROWS.assign(origin="correction", verified=1)
    assert (suspect_table.known_labels(flagged, ROWS, NAMES).true >= 0).all()


def test_wrong_labels_are_counted_by_class_and_among_the_first() -> None:
    probabilities, given, true = simulated(1000, 0.3, 6)
    names = np.array([f"class {number:02}" for number in range(CLASSES)])
    seen = np.arange(len(given)) < 100
    labels = Labels(given, np.where(seen, true, -1), seen)
    found = suspects.fit([probabilities], labels)
    table = suspect_table.count(names[given].tolist(), found, 1).set_index(["among", "of"])
    unknown = found.probability[~seen]
    assert table.loc[("all", ""), "wrong"] == pytest.approx(unknown.sum(), abs=0.06)
    assert table.loc[("all", ""), ["clips", "checked"]].tolist() == [1000, 100]
    top = np.sort(unknown)[::-1][:50].sum()
    assert table.loc[("top", "50"), "wrong"] == pytest.approx(top, abs=0.06)
    assert table.loc["class", "wrong"].sum() == pytest.approx(unknown.sum(), abs=1)
    assert (table["wrong_low"] <= table["wrong"] + 0.5).all()
    assert (table["wrong"] <= table["wrong_high"] + 0.5).all()
