"""Whether a model that learned nothing is told from one that learned something."""

import json
import logging
import math

import numpy as np
import pandas as pd
import pytest
import torch
import train_autoencoder

from earmark.features import store
from earmark.inference.batches import Examples
from earmark.inference.hardware import Hardware
from earmark.training import learned, recipes

CLASSES = ["Bark", "Cello", "Gong"]


@pytest.fixture(autouse=True)
def heard(monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


def examples(rows, labels):
    weights = np.ones(len(rows), np.float32)
    return Examples(np.array(rows), np.array(labels), weights, [f"{row}.wav" for row in rows])


def judge(train_labels, held_out_labels, guesses):
    """Rows 0, 1, ... are learned from, rows 100, 101, ... are held out.

    ``guesses`` maps rows to class numbers; the other rows are guessed 0.
    """
    train = examples(range(len(train_labels)), train_labels)
    validation = examples(range(100, 100 + len(held_out_labels)), held_out_labels)
    judging, held_out = learned.examples_to_judge_by(train, validation)
    probabilities = np.full((len(judging), 3), 0.1)
    for place, row in enumerate(judging.rows.tolist()):
        probabilities[place, guesses.get(row, 0)] = 0.8
    return learned.of_classifier("vgg, fold 0,", judging, held_out, CLASSES, probabilities)


HALF = [0] * 10 + [1] * 6 + [2] * 4


def test_better_than_the_commonest_class_is_not_told(heard):
    # 11 of 20 right; Bark for all would be 10 of 20.
    found = judge([0, 1, 2], HALF, {110: 1})
    assert found == {"clips": 20, "held_out": True, "accuracy": 0.55, "commonest_class": 0.5}
    assert heard.text == ""
    json.dumps(found, allow_nan=False)


def test_one_class_for_everything_is_told(heard):
    found = judge([0, 1, 2], HALF, {})
    assert (found["accuracy"], found["commonest_class"]) == (0.5, 0.5)
    assert (
        "vgg, fold 0, learned nothing: it is right for 50.0 % of 20 clips that were held out (its "
        "guess is Bark for each). To guess Bark for each of them is right for 50.0 %." in heard.text
    )
    assert "more epochs or another learning_rate" in heard.text
    assert "labels" in heard.text


def test_worse_than_the_commonest_class_is_told(heard):
    found = judge([0, 1, 2], HALF, {100: 1, 101: 2})
    assert found["accuracy"] == 0.4
    assert "right for 40.0 % of 20" in heard.text
    assert "its guess is" not in heard.text


@pytest.mark.parametrize("judges", [[], [0], [1] * 30, [0, 1, 2] * 6])
def test_few_judges_or_of_one_class_leave_it_to_the_clips_that_were_learned_from(heard, judges):
    # All that is held out is guessed wrong, or right without any merit; the rest is right.
    train = [0, 1, 2, 0, 1, 2]
    right = dict(enumerate(train))
    wrong = {100 + place: (label + 1) % 3 for place, label in enumerate(judges)}
    found = judge(train, judges, right | wrong)
    assert found == {
        "clips": 6,
        "held_out": False,
        "accuracy": 1.0,
        "commonest_class": pytest.approx(1 / 3, abs=1e-6),
    }
    assert heard.text == ""
    judge(train, judges, wrong)
    assert "right for 33.3 % of 6 clips that it learned from" in heard.text


@pytest.mark.parametrize(
    ("keep", "spread", "told"),
    [("best", 0.3, False), ("best", 0.2, True), ("last", 0.3, True), ("last", 0.5, False)],
)
def test_an_autoencoder_must_beat_the_mean_picture(heard, keep, spread, told):
    history = pd.DataFrame({"train_loss": [0.1, 0.1, 0.1], "validation_loss": [0.9, 0.2, 0.4]})
    found = learned.of_autoencoder(history, keep, spread)
    assert found == {
        "error": 0.2 if keep == "best" else 0.4,
        "error_of_mean_picture": spread,
    }
    assert ("learned nothing" in heard.text) == told


def test_an_autoencoder_without_held_out_clips_goes_by_its_train_loss(heard):
    history = pd.DataFrame({"train_loss": [0.9, 0.3]})
    assert learned.of_autoencoder(history, "last", 0.4)["error"] == 0.3
    assert heard.text == ""


def test_the_mean_pictures_error_is_the_variance_of_the_pixels(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (7, 4, 5)).astype(np.uint8)
    names = [f"{number}.wav" for number in range(7)]
    store.write_features(tmp_path / "f.h5", names, pictures, (4, 5), True, settings={})
    rows = np.array([0, 2, 3, 5, 6])
    chosen = recipes.from_settings({"epochs": 1, "learning_rate": 0.1, "batch_clips": 2})
    place = Hardware(torch.device("cpu"), None)
    with store.FeatureStore(tmp_path / "f.h5") as features:
        found = train_autoencoder._spread_of_pictures(features, rows, chosen, place)
    assert found == pytest.approx((pictures[rows] / 255).var(axis=0).mean())


def test_pictures_that_are_all_alike_are_no_fault_of_the_autoencoder(heard):
    history = pd.DataFrame({"train_loss": [0.1], "validation_loss": [0.1]})
    assert math.isfinite(learned.of_autoencoder(history, "best", 0.0)["error"])
    assert heard.text == ""
