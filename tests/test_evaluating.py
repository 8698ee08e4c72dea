"""The tables of an evaluation beside scikit-learn and by hand; remarks and the choice."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics
from tiny import read_rows

from earmark.evaluation import choosing, class_scores, evaluating, judging
from earmark.evaluation.evaluating import Judged
from earmark.evaluation.predictions import Predictions

CLASSES = [f"c{number}" for number in range(6)]


def random_case(seed: int, clips: int, digits: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Classes (the last one never the truth, the first never guessed) and probabilities; few
    ``digits`` give ties.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, clips)
    values = rng.random((clips, 6)) + 0.5 * np.eye(6)[truth]
    values[:, 0] = 0
    return truth, values.round(digits)


def judged_of(
    truth: np.ndarray, values: np.ndarray, seed: int = 1, system: str = "one", size: int = 1
) -> Judged:
    names = [f"{number}.wav" for number in range(len(truth))]
    clips = pd.DataFrame(
        {
            "clip": names,
            "label": [CLASSES[number] for number in truth],
            "recording": [f"r{number // size}" for number in range(len(truth))],
            "split": [f"fold {number % 2}" for number in range(len(truth))],
            "fold": [number % 2 for number in range(len(truth))],
        }
    )
    return Judged(system, seed, clips, CLASSES, values, values**2, 1.0)


@pytest.mark.parametrize(("clips", "digits"), [(7, 9), (60, 1), (500, 2), (500, 9)])
def test_classes_and_macro_f1_are_scikit_learns(clips: int, digits: int) -> None:
    truth, values = random_case(clips, clips, digits)
    guess = values.argmax(axis=1)
    found = class_scores.table(truth, values, np.arange(clips), CLASSES)
    names = ("precision", "recall", "f1")
    expected = sklearn_metrics.precision_recall_fscore_support(
        truth, guess, labels=range(6), zero_division=np.nan
    )
    for name, column in zip(names, expected, strict=False):
        np.testing.assert_allclose(found[name], column, err_msg=name)
    assert found["clips"].tolist() == expected[3].tolist()
    there = [number for number in range(6) if (truth == number).any()]
    precision = [
        sklearn_metrics.average_precision_score(truth == number, values[:, number])
        for number in there
    ]
    np.testing.assert_allclose(found["average_precision"][there], precision)
    assert found["average_precision"].isna().sum() == 6 - len(there)
    macro = class_scores.clip_values(truth, values)["macro_f1"].mean()
    assert macro == pytest.approx(sklearn_metrics.f1_score(truth, guess, average="macro"))
    for name in class_scores.SCORES:
        low, high = found[f"{name}_low"], found[f"{name}_high"]
        right = ((low <= found[name]) & (found[name] <= high)) | found[name].isna()
        assert right.all(), name


def test_what_a_clip_changes_of_macro_f1_is_its_influence() -> None:
    truth, values = random_case(3, 400)
    own = class_scores.clip_values(truth, values)["macro_f1"]
    for clip in (0, 7, 123):
        more = np.r_[np.arange(400), clip]
        moved = class_scores.clip_values(truth[more], values[more])["macro_f1"].mean()
        assert (moved - own.mean()) * 401 == pytest.approx(own[clip] - own.mean(), abs=0.01)


def test_scores_by_fold_seed_and_on_average() -> None:
    truth, values = random_case(1, 40)
    other = values[:, [0, 2, 1, 3, 4, 5]]
    judged = [judged_of(truth, values, 1, size=4), judged_of(truth, other, 2, size=4)]
    found = evaluating.scores(judged).set_index(["seed", "split"])
    assert list(found.index) == [
        (seed, split) for split in ("all", "fold 0", "fold 1") for seed in (1, 2, "mean")
    ]
    guess, odd = values.argmax(axis=1), np.arange(40) % 2 == 1
    row = found.loc[(1, "fold 1")]
    assert (row["clips"], row["recordings"]) == (20, 10)
    assert row["accuracy"] == pytest.approx((guess == truth)[odd].mean())
    macro = sklearn_metrics.f1_score(truth[odd], guess[odd], average="macro")
    assert row["macro_f1"] == pytest.approx(macro)
    of_all = found.xs("all", level="split")
    for name in ("accuracy", "map3", "macro_f1", "nll", "ece_before"):
        assert of_all.loc["mean", name] == pytest.approx(of_all.loc[[1, 2], name].mean())
    assert of_all.loc["mean", "accuracy_low"] < of_all.loc["mean", "accuracy"]
    logs = -np.log(values[np.arange(40), truth].clip(1e-12))
    assert of_all.loc[1, "nll_before"] == pytest.approx(logs.mean())


def test_classes_that_are_confused_are_neighbours() -> None:
    counts = np.diag([90] * 6)
    for pair in ((0, 4), (1, 3), (2, 5)):
        counts[pair] = 10
    order = evaluating.cluster(counts)
    assert sorted(order) == list(range(6))
    place = {number: order.index(number) for number in order}
    assert all(abs(place[a] - place[b]) == 1 for a, b in ((0, 4), (1, 3), (2, 5)))
    assert evaluating.cluster(counts[:2, :2]) == [0, 1]


def test_the_confusions_are_scikit_learns() -> None:
    truth, values = random_case(5, 300)
    found = evaluating.confusion([judged_of(truth, values)])
    matrix = np.zeros((6, 6))
    for row in found.itertuples():
        matrix[CLASSES.index(row.label), CLASSES.index(row.guess)] = row.clips
    expected = sklearn_metrics.confusion_matrix(truth, values.argmax(axis=1), labels=range(6))
    assert (matrix == expected).all()
    # Each class has its diagonal cell, one without clips too; no others are zero.
    diagonal = found[found["label"] == found["guess"]]
    assert sorted(diagonal["label"]) == CLASSES
    assert (found[found["label"] != found["guess"]]["clips"] > 0).all()
    assert diagonal["label"].tolist() == list(dict.fromkeys(found["label"]))
    shares = found.groupby("label")["share"].sum()
    assert shares.drop("c5").tolist() == pytest.approx([1] * 5)
    assert found.loc[found["label"] == "c5", "share"].isna().all()


def places(clips: int) -> pd.DataFrame:
    rows = [(f"{number}.wav", f"x/{number}.wav", "", "") for number in range(clips)]
    return pd.DataFrame(rows, columns=["clip", "file", "start", "end"])


def test_errors_are_the_most_confident_ones(tmp_path: Path) -> None:
    truth, values = random_case(2, 900)
    one = judged_of(truth, values)
    found = evaluating.errors(one, places(900))
    wrong = values.argmax(axis=1) != truth
    assert len(found) == 200 < wrong.sum()
    assert found["probability_1"].is_monotonic_decreasing
    assert found["probability_1"].iloc[0] == one.calibrated[wrong].max()
    row = found.iloc[7]
    clip = int(row["clip"].removesuffix(".wav"))
    assert row["file"] == f"x/{clip}.wav"
    best = np.argsort(-values[clip])[:3]
    assert [row[f"guess_{rank}"] for rank in (1, 2, 3)] == [CLASSES[place] for place in best]
    assert [row[f"probability_{rank}"] for rank in (1, 2, 3)] == (values[clip, best] ** 2).tolist()
    assert row["label_probability"] == values[clip, truth[clip]] ** 2
    folder = tmp_path / "validation"
    folder.mkdir()
    evaluating.write(folder, [one], "one", places(900), ["a, b"])
    assert {path.stem for path in folder.iterdir()} == {
        *("scores", "classes", "confusion", "reliability", "errors", "remarks")
    }
    assert read_rows(folder / "remarks.csv") == [{"remark": "a, b"}]
    bins = read_rows(folder / "reliability.csv")
    assert [row["clips"] for row in bins] == ["90"] * 10


SETTINGS = {"kind": "arithmetic", "exponent": 0.25}


def held_out(
    values: np.ndarray, truth: np.ndarray, verified: int
) -> tuple[list[Judged], pd.DataFrame]:
    names = [f"{number}.wav" for number in range(len(truth))]
    labels = pd.DataFrame({"clip": names, "label": [CLASSES[number] for number in truth]})
    labels["verified"] = (np.arange(len(truth)) < verified).astype(int)
    folds = pd.DataFrame({"clip": names, "recording": names, "fold": np.arange(len(truth)) % 3})
    one = Predictions(
        names, CLASSES, np.where(np.arange(len(truth))[:, None] % 3 == 2, np.nan, values)
    )
    two = Predictions(names, CLASSES, np.roll(values, 1, axis=1))
    entries = {
        "one": {**SETTINGS, "members": ["one"]},
        "two": {**SETTINGS, "members": ["two"]},
        "both": {**SETTINGS, "kind": "weighted", "members": ["one", "two"]},
    }
    return judging.held_out(entries, 1, {"one": one, "two": two}, labels, folds), labels


def test_verified_clips_of_trained_folds_judge_by_calibrated_members(caplog) -> None:
    truth, values = random_case(8, 450)
    values = values / values.sum(axis=1, keepdims=True)
    judged, labels = held_out(values, truth, 300)
    one, two, both = judged
    assert [len(each.clips) for each in judged] == [200, 300, 200]
    assert set(one.clips["fold"]) == {0, 1}
    assert (one.temperature == 1, two.temperature == 1, both.temperature) == (False, False, None)
    # Weights are scores out of fold, members are calibrated first.
    scores = [class_scores.clip_values(each.truth, each.raw)["map3"].mean() for each in (one, two)]
    rows = two.clips["clip"].isin(one.clips["clip"]).to_numpy()
    expected = (scores[0] * one.calibrated + scores[1] * two.calibrated[rows]) / sum(scores)
    np.testing.assert_allclose(both.calibrated, expected)
    told = {"has_truth": False, "stop": ["one"], "promoted": [], "weighted": ["both"]}
    with caplog.at_level(logging.WARNING, "earmark"):
        logging.getLogger("earmark").propagate = True
        remarks = judging.remarks(judged, labels, told)
    text = " ".join(remarks)
    assert text.startswith("300 of 300 train clips")
    assert "for one: their" in text
    assert "weights of both" in text
    # The rolled guesses are no better than always naming the most frequent classes.
    assert "two, seed 1, has learned nothing" in caplog.text
    assert "one, seed 1, has learned" not in text
    few, labels = held_out(values, truth, 99)
    remarks = judging.remarks(few, labels, {**told, "stop": [], "weighted": []})
    assert "one (66), two (99)" in " ".join(remarks)


def choice(values: dict[str, list[float]]) -> tuple[str, pd.DataFrame]:
    arrays = {name: np.array(own) for name, own in values.items()}
    found = choosing.choose(arrays, np.arange(len(next(iter(arrays.values())))))
    (taken,) = found.loc[found["chosen"] == 1, "system"]
    return taken, found


def test_the_best_is_chosen_if_it_is_better_by_a_standard_error(tmp_path: Path) -> None:
    first = [0.5, 0.5, 0.5, 0.5]
    # Differences .5, .5, 0, 0: mean .25, standard error sqrt(.25 / 3 / 4) = .144.
    taken, found = choice({"a": first, "b": [0.5, 0.5, 1, 0], "c": [1, 1, 0.5, 0.5]})
    assert taken == "c"
    assert found["difference"].tolist() == [0, 0, 0.25]
    assert found["standard_error"].iloc[2] == pytest.approx(np.sqrt(0.25 / 3 / 4))
    # Differences .5, .5, -.5, 0: mean .125, standard error .24.
    assert choice({"a": first, "b": [1, 1, 0, 0.5]})[0] == "a"
    assert choice({"a": [1, 1], "b": [0, 0]})[0] == "a"
    assert choice({"a": [], "b": []})[0] == "a"
    found.to_csv(tmp_path / "choice.csv", index=False)
    assert choosing.chosen([str(tmp_path / "choice.csv")], ["a", "b", "c"]) == "c"
    assert choosing.chosen([], ["a"]) == "a"
    assert "c has the highest" in choosing.sentence(found)
    assert "0.250 more than a" in choosing.sentence(found)
    assert "first listed" in choosing.sentence(choice({"a": [1, 1], "b": [0, 0]})[1])
    # Where recordings agree within themselves, they are fewer than clips.
    arrays = {"a": np.zeros(8), "b": np.array([1.0] * 4 + [-0.5] * 4)}
    alone = choosing.choose(arrays, np.arange(8))
    together = choosing.choose(arrays, np.arange(8) // 4)
    # The mean is .25; its standard error .28 of eight clips, but .75 of two recordings.
    assert alone["standard_error"].iloc[1] == pytest.approx(0.75 / 7**0.5)
    assert together["standard_error"].iloc[1] == pytest.approx(0.75)
