"""The classifier on top of the training loop: its data, recipes, saved models."""

import json
import logging
import math

import numpy as np
import pandas as pd
import pytest
import torch
from test_training import StopHereError, assert_same_states
from torch import nn

from earmark.features import store
from earmark.inference import predicting
from earmark.inference.batches import Augmentation, Crops, Examples
from earmark.inference.hardware import Hardware
from earmark.networks import saved_models
from earmark.networks.layers import Standardise
from earmark.runtime.errors import EarmarkError
from earmark.training import classifier, recipes
from earmark.training.checkpoints import Checkpoint
from earmark.training.classifier import Data
from earmark.training.loop import TrainingSettings
from earmark.training.training_job import TrainingJob

HARDWARE = Hardware(torch.device("cpu"), None)


def toy_store(path, count=60, classes=3, names=None):
    """Pictures of noise where the class's rows are loud; class of clip i is i % classes."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(150, 256, (count, 2 * classes, 5)).astype(np.uint8)
    for i in range(count):
        pictures[i, 2 * (i % classes) : 2 * (i % classes) + 2] -= 120
    names = names or [f"{i}.wav" for i in range(count)]
    store.write_features(path, names, pictures, pictures.shape[1:], True, settings={})
    return store.FeatureStore(path)


@pytest.fixture
def toy(tmp_path):
    with toy_store(tmp_path / "toy.h5") as features:
        yield features


def toy_examples(first, last):
    rows = np.arange(first, last)
    names = [f"{row}.wav" for row in rows]
    return Examples(rows, rows % 3, np.ones(len(rows), np.float32), names)


def toy_module(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(30, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 3)
    )


AUGMENTED = {"mixup_alpha": 0.2, "mask_bands": 1, "mask_frames": 1}


def recipe(**settings):
    return recipes.from_settings({"epochs": 8, "learning_rate": 0.02, "batch_clips": 8, **settings})


def job_of(features, recipe, checkpoint=None):
    return TrainingJob("toy", 3, recipe, HARDWARE, features, checkpoint)


def train(module, features, data, recipe, checkpoint):
    return classifier.train(job_of(features, recipe, checkpoint), module, data).history


@pytest.mark.parametrize("augmentation", [{}, AUGMENTED])
def test_training_learns_a_separable_set(toy, checkpoint, augmentation):
    data = Data(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    module = toy_module()
    chosen = recipe(**augmentation)
    history = train(module, toy, data, chosen, checkpoint)
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert history["validation_accuracy"].max() == 1.0
    found = predicting.predict(module, toy, np.arange(40, 60), chosen.crops, HARDWARE, 3)
    assert found.shape == (20, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found.argmax(axis=1).tolist() == [i % 3 for i in range(40, 60)]


def test_without_held_out_clips_the_last_epoch_is_kept(toy, checkpoint):
    data = Data(toy_examples(0, 40), toy_examples(0, 0), ["x", "y", "z"])
    module = toy_module()
    history = train(module, toy, data, recipe(epochs=2, patience=1), checkpoint)
    assert list(history) == ["epoch", "learning_rate", "train_loss", "train_accuracy"]
    assert len(history) == 2
    assert_same_states(module.state_dict(), checkpoint.load()["weights"])


def test_interrupted_classifier_goes_on_as_if_it_had_not_stopped(toy, tmp_path, monkeypatch):
    data = Data(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    chosen = recipe(epochs=4, schedule="cosine", keep="last", **AUGMENTED)
    whole = toy_module()
    history = train(whole, toy, data, chosen, Checkpoint(tmp_path / "one.pt", "f"))
    stopped, calls = Checkpoint(tmp_path / "two.pt", "f"), []
    figures_of = classifier.validation_metrics

    def fail_in_the_third(*given):
        calls.append(given)
        if len(calls) == 3:
            raise StopHereError
        return figures_of(*given)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "validation_metrics", fail_in_the_third)
        with pytest.raises(StopHereError):
            train(toy_module(), toy, data, chosen, stopped)
    again = toy_module(seed=99)
    history_again = train(again, toy, data, chosen, stopped)
    pd.testing.assert_frame_equal(history_again, history, check_exact=True)
    assert_same_states(again.state_dict(), whole.state_dict())


class Still(nn.Module):
    """Gives the same logits for every clip, through a weight that can be trained."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, inputs):
        return self.logits.expand(len(inputs), -1)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_train_loss_is_the_weighted_cross_entropy_by_hand(toy, checkpoint, smoothing):
    labels, weights = [0, 0, 1, 2], [1.0, 1.0, 0.5, 0.0]
    logs = np.log(np.array([0.5, 0.3, 0.2]))
    each = [-(1 - smoothing) * logs[k] - smoothing * logs.mean() for k in labels]
    expected = np.dot(weights, each) / 2.5
    examples = Examples(np.arange(4), np.array(labels), np.array(weights, np.float32), list("abcd"))
    data = Data(examples, toy_examples(0, 0), ["x", "y", "z"])
    still = recipe(epochs=1, learning_rate=0.0, label_smoothing=smoothing)
    history = train(Still([float(x) for x in logs]), toy, data, still, checkpoint)
    assert history["train_loss"].item() == pytest.approx(expected, rel=1e-6)
    assert history["train_accuracy"].item() == 0.5


def test_validation_figures_by_hand():
    probabilities = np.array([[0.5, 0.25, 0.25, 0.0], [0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    found = classifier.validation_metrics(probabilities, np.array([0, 2, 3]))
    assert found["validation_loss"] == pytest.approx(-math.log(0.5 * 0.3 * 0.1) / 3)
    assert found["validation_accuracy"] == pytest.approx(1 / 3)
    assert found["validation_map3"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    certain = classifier.validation_metrics(np.array([[1.0, 0.0]]), np.array([1]))
    assert math.isfinite(certain["validation_loss"])


# clip, label, verified, weight, fold; 2.wav and 6.wav cannot be used, so no selection has them.
ROWS = [
    ("0.wav", "b", 1, 1.0, 0),
    ("1.wav", "a", 0, 1.0, 0),
    ("3.wav", "a", 1, 1.0, 1),
    ("4.wav", "b", 0, 0.5, 1),
    ("5.wav", "b", 1, 1.0, -1),
    ("7.wav", "a", 0, 0.0, 0),
    ("8.wav", "a", 1, 1.0, 0),
    ("9.wav", "a", 0, 0.0, 1),
]
FOLDS = pd.DataFrame(
    [*((name, name, fold) for name, _, _, _, fold in ROWS), ("2.wav", "2.wav", 0)],
    columns=["clip", "recording", "fold"],
).sample(frac=1, random_state=0)


def selection(rows=ROWS):
    table = pd.DataFrame(rows, columns=["clip", "label", "verified", "weight", "fold"])
    return table.drop(columns="fold").assign(source="unverified")


def test_the_fold_is_held_out_and_its_verified_clips_validate(toy):
    data = classifier.split(toy, selection(), FOLDS, fold=0)
    assert data.classes == ["a", "b"]
    assert data.train.clips == ["3.wav", "4.wav", "5.wav"]
    assert data.train.rows.tolist() == [3, 4, 5]
    assert data.train.labels.tolist() == [0, 1, 1]
    assert data.train.weights.tolist() == [1.0, 0.5, 1.0]
    assert data.validation.rows.tolist() == [0, 8]
    assert data.validation.labels.tolist() == [1, 0]
    assert data.validation.weights.tolist() == [1.0, 1.0]


def test_all_held_out_clips_can_validate_with_their_given_labels(toy):
    data = classifier.split(toy, selection(), FOLDS, fold=0, validation="all")
    assert data.train.rows.tolist() == [3, 4, 5]
    # What is not learned from, 7.wav, counts as much as any other.
    assert data.validation.rows.tolist() == [0, 1, 7, 8]
    assert data.validation.labels.tolist() == [1, 0, 0, 0]
    assert data.validation.weights.tolist() == [1.0] * 4


@pytest.mark.parametrize(("watch", "best"), [("accuracy", 2), ("loss", 3)])
def test_best_epoch_goes_by_what_the_recipe_watches(toy, checkpoint, monkeypatch, watch, best):
    told = iter([(0.5, 0.9), (0.7, 0.8), (0.6, 0.4), (0.6, 0.5)])

    def judged(*_):
        accuracy, loss = next(told)
        return {"validation_accuracy": accuracy, "validation_loss": loss}

    monkeypatch.setattr(classifier, "validation_metrics", judged)
    data = Data(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    kept = toy_module()
    train(kept, toy, data, recipe(epochs=4, watch=watch), checkpoint)
    told = iter([(0.1, 0.9)] * best)
    stopped = toy_module()
    plan = recipe(epochs=best, keep="last", watch=watch)
    train(stopped, toy, data, plan, Checkpoint(checkpoint.path.with_name("other.pt"), "f"))
    assert_same_states(kept.state_dict(), stopped.state_dict())


def test_layers_that_standardise_learn_from_the_training_clips_once(toy, checkpoint):
    data = Data(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    layer = Standardise(toy.shape)
    module = nn.Sequential(layer, toy_module())
    train(module, toy, data, recipe(epochs=1), checkpoint)
    seen = toy.images(data.train.rows) / 255
    torch.testing.assert_close(layer.mean, torch.tensor(seen.mean(axis=0)).float())
    other = Data(toy_examples(20, 40), toy_examples(40, 60), ["x", "y", "z"])
    again = Checkpoint(checkpoint.path.with_name("other.pt"), "f")
    train(module, toy, other, recipe(epochs=1), again)
    torch.testing.assert_close(layer.mean, torch.tensor(seen.mean(axis=0)).float())


def test_another_fold(toy):
    data = classifier.split(toy, selection(), FOLDS, fold=1)
    assert data.train.rows.tolist() == [0, 1, 5, 8]
    assert data.validation.rows.tolist() == [3]


def test_a_fold_without_verified_clips_warns(toy, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    unverified = [(*row[:2], 0, *row[3:]) if row[4] == 1 else row for row in ROWS]
    data = classifier.split(toy, selection(unverified), FOLDS, fold=1)
    assert len(data.validation) == 0
    assert "Fold 1 has no validation clips" in caplog.text


def test_class_without_a_clip_left_is_named(toy):
    rows = [row for row in ROWS if row[0] in ("0.wav", "3.wav")]
    with pytest.raises(EarmarkError, match=r"fold 0 held out, the class 'b' .*1 such classes"):
        classifier.split(toy, selection(rows), FOLDS, fold=0)
    # A clip that is not learned from does not count.
    rows.append(("4.wav", "b", 0, 0.0, 1))
    with pytest.raises(EarmarkError, match=r"fold 0 held out, the class 'b'"):
        classifier.split(toy, selection(rows), FOLDS, fold=0)


def test_clip_that_the_features_lack_is_named(tmp_path):
    names = [f"{i}.wav" for i in range(3)]
    with (
        toy_store(tmp_path / "few.h5", count=3, names=names) as features,
        pytest.raises(EarmarkError, match=r"no clip.*3\.wav"),
    ):
        classifier.split(features, selection(), FOLDS, fold=0)


class FromLevel(nn.Module):
    """Says class 0, but for the clips in ``others``, which it knows by their level."""

    def __init__(self, others):
        super().__init__()
        self.others = others

    def forward(self, inputs):
        levels = (inputs[:, 0, 0] * 255).round().int().tolist()
        classes = torch.tensor([self.others.get(level, 0) for level in levels])
        return nn.functional.one_hot(classes, 3).float()


HALF = [0] * 10 + [1] * 6 + [2] * 4


@pytest.mark.parametrize(
    ("train_labels", "validation_labels", "others", "words"),
    [
        # 11 of 20 are right; x for all would be 10 of 20.
        ([0, 1, 2], HALF, {110: 1}, ""),
        ([0, 1, 2], HALF, {}, "20 validation clips is 50 %, and always guessing x would score 50"),
        ([0, 1, 2], HALF, {100: 1, 101: 2}, "20 validation clips is 40 %, and always guessing x"),
        # Too few to tell, or of one class: the clips learned from count.
        ([0, 1, 2, 0], [0] * 19, {1: 1, 2: 2}, ""),
        ([0, 1, 2, 0], [1] * 30, {1: 1, 2: 2}, ""),
        ([0, 1, 1, 1], [], {}, "4 training clips is 25 %, and always guessing y would score 75 %"),
    ],
)
def test_a_network_no_better_than_the_commonest_class_is_warned_of(
    tmp_path, caplog, monkeypatch, train_labels, validation_labels, others, words
):
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    names = [f"{number}.wav" for number in range(200)]
    pictures = np.arange(200, dtype=np.uint8)[:, None, None].repeat(2, 1)
    store.write_features(tmp_path / "f.h5", names, pictures, (2, 1), True, settings={})

    def clips(first, labels):
        rows = first + np.arange(len(labels))
        weights = np.ones(len(labels), np.float32)
        return Examples(rows, np.array(labels, np.int64), weights, [names[row] for row in rows])

    data = Data(clips(0, train_labels), clips(100, validation_labels), ["x", "y", "z"])
    with store.FeatureStore(tmp_path / "f.h5") as features:
        job = job_of(features, recipe())
        classifier.warn_if_nothing_learned(job, FromLevel(others), data)
    assert words in caplog.text
    assert ("learned nothing" in caplog.text) == bool(words)


def test_recipe_from_settings():
    found = recipes.from_settings(
        {
            "epochs": 30,
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "batch_clips": 32,
            "crop_frames": 128,
            "mixup_alpha": 0.4,
            "mask_frames": 16,
        }
    )
    assert found.settings == TrainingSettings(30, 2e-3, schedule="cosine")
    assert found.augmentation == Augmentation(mixup_alpha=0.4, mask_frames=16, range_db=0.0)
    assert (found.batch_clips, found.crops) == (32, Crops(128, 1, 64))


def test_model_comes_back_from_its_files(toy, tmp_path):
    module, other = toy_module(0), toy_module(1)
    weights, facts = tmp_path / "weights.safetensors", tmp_path / "facts.json"
    saved_models.save(weights, facts, module, network="toy", classes=["x", "y"])
    saved_models.load(other, weights)
    assert_same_states(other.state_dict(), module.state_dict())
    # Colleagues on a cluster can read the one as well as the other.
    assert weights.stat().st_mode == facts.stat().st_mode
    described = json.loads(facts.read_text())
    assert described["network"] == "toy"
    assert described["classes"] == ["x", "y"]
    assert described["versions"]["torch"] == torch.__version__


def test_weights_of_another_network_are_explained(tmp_path):
    saved_models.save(tmp_path / "w", tmp_path / "f", nn.Linear(2, 2))
    with pytest.raises(EarmarkError, match=r"(?s)do not fit .*Delete them"):
        saved_models.load(nn.Linear(3, 2), tmp_path / "w")
    with pytest.raises(EarmarkError, match=r"(?s)do not fit .*Delete them"):
        saved_models.load(nn.Linear(3, 2), tmp_path / "absent")
