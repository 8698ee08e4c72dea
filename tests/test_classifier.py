"""The classifier on top of the training loop: tasks, recipes, predictions, saved models."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from test_training import StopHereError, assert_same_states
from torch import nn

from earmark import classifier, models, recipes
from earmark.batches import Augmentation, Examples
from earmark.checkpoints import Checkpoint
from earmark.classifier import Task
from earmark.features import store
from earmark.hardware import Hardware
from earmark.networks.layers import Standardise
from earmark.recipes import Recipe
from earmark.runtime.errors import EarmarkError
from earmark.training import Plan

MACHINE = Hardware(torch.device("cpu"), None)


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


def recipe(epochs=8, learning_rate=0.02, batch_clips=8, augmentation=None, **more):
    smoothing = more.pop("label_smoothing", 0.0)
    crops = {key: more.pop(key) for key in ("crop_frames", "test_crops", "watch") if key in more}
    return Recipe(
        Plan(epochs, learning_rate, **more),
        augmentation or Augmentation(),
        batch_clips,
        label_smoothing=smoothing,
        **crops,
    )


def train(module, features, task, recipe, checkpoint):
    return classifier.train(module, features, task, recipe, MACHINE, checkpoint, 3)


@pytest.mark.parametrize("augmentation", [None, Augmentation(0.2, 1, 1)])
def test_training_learns_a_separable_set(toy, checkpoint, augmentation):
    task = Task(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    module = toy_module()
    chosen = recipe(augmentation=augmentation)
    history = train(module, toy, task, chosen, checkpoint)
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert history["validation_accuracy"].max() == 1.0
    found = classifier.predict(module, toy, np.arange(40, 60), chosen, MACHINE, 3)
    assert found.shape == (20, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found.argmax(axis=1).tolist() == [i % 3 for i in range(40, 60)]


def test_without_held_out_clips_the_last_epoch_is_kept(toy, checkpoint):
    task = Task(toy_examples(0, 40), toy_examples(0, 0), ["x", "y", "z"])
    module = toy_module()
    history = train(module, toy, task, recipe(epochs=2, patience=1), checkpoint)
    assert list(history) == ["epoch", "learning_rate", "train_loss", "train_accuracy"]
    assert len(history) == 2
    assert_same_states(module.state_dict(), checkpoint.load()["weights"])


def test_interrupted_classifier_goes_on_as_if_it_had_not_stopped(toy, tmp_path, monkeypatch):
    task = Task(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    chosen = recipe(epochs=4, schedule="cosine", augmentation=Augmentation(0.2, 1, 1), keep="last")
    whole = toy_module()
    history = train(whole, toy, task, chosen, Checkpoint(tmp_path / "one.pt", "f"))
    stopped, judge, calls = Checkpoint(tmp_path / "two.pt", "f"), classifier.validation_figures, []

    def fail_in_the_third(*given):
        calls.append(given)
        if len(calls) == 3:
            raise StopHereError
        return judge(*given)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "validation_figures", fail_in_the_third)
        with pytest.raises(StopHereError):
            train(toy_module(), toy, task, chosen, stopped)
    again = toy_module(seed=99)
    history_again = train(again, toy, task, chosen, stopped)
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
    task = Task(examples, toy_examples(0, 0), ["x", "y", "z"])
    still = recipe(epochs=1, learning_rate=0.0, label_smoothing=smoothing)
    history = train(Still([float(x) for x in logs]), toy, task, still, checkpoint)
    assert history["train_loss"].item() == pytest.approx(expected, rel=1e-6)
    assert history["train_accuracy"].item() == 0.5


def test_validation_figures_by_hand():
    probabilities = np.array([[0.5, 0.25, 0.25, 0.0], [0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    found = classifier.validation_figures(probabilities, np.array([0, 2, 3]))
    assert found["validation_loss"] == pytest.approx(-math.log(0.5 * 0.3 * 0.1) / 3)
    assert found["validation_accuracy"] == pytest.approx(1 / 3)
    assert found["validation_map3"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    certain = classifier.validation_figures(np.array([[1.0, 0.0]]), np.array([1]))
    assert math.isfinite(certain["validation_loss"])


class Loudness(nn.Module):
    """Logits (mean of the crop, 0)."""

    def forward(self, inputs):
        mean = inputs.mean(dim=(1, 2))
        return torch.stack([mean, torch.zeros_like(mean)], dim=1)


@pytest.mark.parametrize("batch_clips", [1, 2, 50])
def test_predictions_are_the_mean_over_a_clips_crops(tmp_path, batch_clips):
    # Clip a: frames 0..9 (times 20); crops of 4 begin at 0, 3, 6. Clip b: 2 frames, padded to 4.
    a = np.repeat(20 * np.arange(10)[:, None], 3, axis=1).astype(np.uint8)
    b = np.full((2, 3), 51, np.uint8)
    store.write_features(tmp_path / "f.h5", ["a", "b"], [a, b], (3, 0), False, settings={})
    means = {"a": [20 * m / 255 for m in (1.5, 4.5, 7.5)], "b": [(2 * 0.2 + 2 * 1.0) / 4]}
    expected = {n: np.mean([1 / (1 + math.exp(-m)) for m in found]) for n, found in means.items()}
    chosen = recipe(batch_clips=batch_clips, crop_frames=4, test_crops=3)
    with store.FeatureStore(tmp_path / "f.h5") as features:
        rows = features.rows_of(["b", "a", "b"])
        found = classifier.predict(Loudness(), features, rows, chosen, MACHINE, 2)
    wanted = [expected[name] for name in "bab"]
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], 1 - np.array(wanted), rtol=1e-5)


def test_prediction_switches_dropout_off_and_takes_no_clips(toy):
    module = toy_module().train()
    rows = np.arange(10)
    first = classifier.predict(module, toy, rows, recipe(), MACHINE, 3)
    np.testing.assert_array_equal(
        classifier.predict(module, toy, rows, recipe(), MACHINE, 3), first
    )
    assert classifier.predict(module, toy, rows[:0], recipe(), MACHINE, 3).shape == (0, 3)


CLIPS = pd.DataFrame(
    [
        # fname, split, label, verified, fold, use
        ("0.wav", "train", "b", 1, 0, 1),
        ("1.wav", "train", "a", 0, 0, 1),
        ("2.wav", "train", "a", 1, 0, 0),
        ("3.wav", "train", "a", 1, 1, 1),
        ("4.wav", "train", "b", 0, 1, 1),
        ("5.wav", "train", "b", 1, -1, 1),
        ("6.wav", "train", "a", 1, 1, 0),
        ("7.wav", "test", "", 0, -1, 1),
        ("8.wav", "train", "a", 1, 0, 1),
        ("9.wav", "test", "", 0, 0, 1),
    ],
    columns=["fname", "split", "label", "verified", "fold", "use"],
)


def table(*rows):
    return pd.DataFrame(rows, columns=["fname", "label", "weight"]).assign(source="given")


ALL = table(
    *((f"{i}.wav", label, 0.5 if i == 4 else 1.0) for i, label in enumerate("baaabbaaaa")),
)


def test_task_holds_out_the_fold_and_validates_on_its_verified_clips(toy):
    task = classifier.make_task(toy, CLIPS, ALL, fold=0)
    assert task.classes == ["a", "b"]
    assert task.train.rows.tolist() == [3, 4, 5]
    assert task.train.labels.tolist() == [0, 1, 1]
    assert task.train.weights.tolist() == [1.0, 0.5, 1.0]
    assert task.validation.rows.tolist() == [0, 8]
    assert task.validation.labels.tolist() == [1, 0]
    assert task.validation.weights.tolist() == [1.0, 1.0]


def test_all_held_out_clips_can_validate_with_their_given_labels(toy):
    task = classifier.make_task(toy, CLIPS, ALL, fold=0, validation="all")
    assert task.train.rows.tolist() == [3, 4, 5]
    assert task.validation.rows.tolist() == [0, 1, 8]
    assert task.validation.labels.tolist() == [1, 0, 0]


@pytest.mark.parametrize(("watch", "best"), [("accuracy", 2), ("loss", 3)])
def test_best_epoch_goes_by_what_the_recipe_watches(toy, checkpoint, monkeypatch, watch, best):
    told = iter([(0.5, 0.9), (0.7, 0.8), (0.6, 0.4), (0.6, 0.5)])

    def judged(*_):
        accuracy, loss = next(told)
        return {"validation_accuracy": accuracy, "validation_loss": loss}

    monkeypatch.setattr(classifier, "validation_figures", judged)
    task = Task(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    kept = toy_module()
    train(kept, toy, task, recipe(epochs=4, watch=watch), checkpoint)
    told = iter([(0.1, 0.9)] * best)
    stopped = toy_module()
    plan = recipe(epochs=best, keep="last", watch=watch)
    train(stopped, toy, task, plan, Checkpoint(checkpoint.path.with_name("other.pt"), "f"))
    assert_same_states(kept.state_dict(), stopped.state_dict())


def test_layers_that_standardise_learn_from_the_training_clips_once(toy, checkpoint):
    task = Task(toy_examples(0, 40), toy_examples(40, 60), ["x", "y", "z"])
    layer = Standardise(toy.shape)
    module = nn.Sequential(layer, toy_module())
    train(module, toy, task, recipe(epochs=1), checkpoint)
    seen = toy.images(task.train.rows) / 255
    torch.testing.assert_close(layer.mean, torch.tensor(seen.mean(axis=0)).float())
    other = Task(toy_examples(20, 40), toy_examples(40, 60), ["x", "y", "z"])
    again = Checkpoint(checkpoint.path.with_name("other.pt"), "f")
    train(module, toy, other, recipe(epochs=1), again)
    torch.testing.assert_close(layer.mean, torch.tensor(seen.mean(axis=0)).float())


def test_task_of_another_fold(toy):
    task = classifier.make_task(toy, CLIPS, ALL, fold=1)
    assert task.train.rows.tolist() == [0, 1, 5, 8]
    assert task.validation.rows.tolist() == [3]


def test_task_learns_the_tables_label_and_judges_by_the_manifests(toy):
    labels = table(("4.wav", "a", 1.0), ("5.wav", "b", 1.0), ("0.wav", "a", 1.0))
    task = classifier.make_task(toy, CLIPS, labels, fold=0)
    assert task.train.rows.tolist() == [4, 5]
    assert task.train.labels.tolist() == [0, 1]
    assert task.validation.labels.tolist() == [1, 0]  # 0.wav is b


def test_class_without_a_clip_left_is_named(toy):
    labels = table(("0.wav", "b", 1.0), ("3.wav", "a", 1.0))
    with pytest.raises(EarmarkError, match=r"fold 0 held out, the class 'b' .*1 such classes"):
        classifier.make_task(toy, CLIPS, labels, fold=0)


def test_clip_that_the_features_lack_is_named(tmp_path):
    names = [f"{i}.wav" for i in range(3)]
    with (
        toy_store(tmp_path / "few.h5", count=3, names=names) as features,
        pytest.raises(EarmarkError, match=r"no clip.*3\.wav"),
    ):
        classifier.make_task(features, CLIPS, ALL, fold=0)


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
    assert found.plan == Plan(30, 2e-3, schedule="cosine")
    assert found.augmentation == Augmentation(mixup_alpha=0.4, mask_frames=16)
    assert (found.batch_clips, found.crop_frames, found.test_crops) == (32, 128, 1)


def test_ragged_features_need_a_crop_length(tmp_path):
    rows = [np.zeros((4, 3), np.uint8)]
    store.write_features(tmp_path / "f.h5", ["a"], rows, (3, 0), False, settings={})
    with store.FeatureStore(tmp_path / "f.h5") as features:
        assert classifier.input_shape(features, recipe(crop_frames=7)) == (3, 7)
        with pytest.raises(EarmarkError, match="`crop_frames`"):
            classifier.input_shape(features, recipe())


def test_model_comes_back_from_its_files(toy, tmp_path):
    module, other = toy_module(0), toy_module(1)
    weights, facts = tmp_path / "weights.safetensors", tmp_path / "facts.json"
    models.save(weights, facts, module, network="toy", classes=["x", "y"])
    models.load(other, weights)
    assert_same_states(other.state_dict(), module.state_dict())
    # Colleagues on a cluster can read the one as well as the other.
    assert weights.stat().st_mode == facts.stat().st_mode
    described = json.loads(facts.read_text())
    assert described["network"] == "toy"
    assert described["classes"] == ["x", "y"]
    assert described["versions"]["torch"] == torch.__version__


def test_weights_of_another_network_are_explained(tmp_path):
    models.save(tmp_path / "w", tmp_path / "f", nn.Linear(2, 2))
    with pytest.raises(EarmarkError, match=r"(?s)do not fit .*Delete them"):
        models.load(nn.Linear(3, 2), tmp_path / "w")
    with pytest.raises(EarmarkError, match=r"(?s)do not fit .*Delete them"):
        models.load(nn.Linear(3, 2), tmp_path / "absent")
