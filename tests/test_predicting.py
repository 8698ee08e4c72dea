"""Class probabilities by a network, against loops over its clips and crops."""

import json
import math

import numpy as np
import pytest
import torch
from test_classifier import HARDWARE, toy_module, toy_store
from test_training import assert_same_states
from torch import nn

from earmark.features import store
from earmark.inference import batches, predicting
from earmark.inference.batches import Crops
from earmark.networks import saved_models
from earmark.networks.build import build
from earmark.runtime.errors import EarmarkError


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
    with store.FeatureStore(tmp_path / "f.h5") as features:
        rows = features.rows_of(["b", "a", "b"])
        crops = Crops(4, 3, batch_clips)
        found = predicting.predict(Loudness(), features, rows, crops, HARDWARE, 2)
    wanted = [expected[name] for name in "bab"]
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], 1 - np.array(wanted), rtol=1e-5)


def test_a_network_gives_what_a_loop_over_single_crops_gives(tmp_path):
    rng = np.random.default_rng(0)
    lengths = [3, 40, 90, 17, 1, 64, 200]
    clips = [rng.integers(0, 255, (length, 16)).astype(np.uint8) for length in lengths]
    names = [f"{number}.wav" for number in range(len(clips))]
    store.write_features(tmp_path / "f.h5", names, clips, (16, 0), False, settings={})
    torch.manual_seed(1)
    module = build("cnn_logmel", (16, 32), 5, width=4).eval()
    expected = []
    for clip in clips:
        each = []
        for start in batches.even_starts(len(clip), 32, 4).tolist():
            crop = np.full((32, 16), 255, np.uint8)
            for frame in range(32):
                if 0 <= start + frame < len(clip):
                    crop[frame] = clip[start + frame]
            with torch.no_grad():
                logits = module(torch.from_numpy(crop.T.copy()).float()[None] / 255)[0]
            exponents = [math.exp(value) for value in logits.tolist()]
            each.append([value / sum(exponents) for value in exponents])
        expected.append(np.mean(each, axis=0))
    with store.FeatureStore(tmp_path / "f.h5") as features:
        rows = np.arange(len(clips))[::-1].copy()
        found = predicting.predict(module, features, rows, Crops(32, 4, 3), HARDWARE, 5)
    np.testing.assert_allclose(found, expected[::-1], rtol=1e-4)


def test_dropout_is_off_and_there_may_be_no_clips(tmp_path):
    with toy_store(tmp_path / "toy.h5") as toy:
        module = toy_module().train()
        rows = np.arange(10)
        first = predicting.predict(module, toy, rows, Crops(), HARDWARE, 3)
        again = predicting.predict(module, toy, rows, Crops(), HARDWARE, 3)
        np.testing.assert_array_equal(again, first)
        assert predicting.predict(module, toy, rows[:0], Crops(), HARDWARE, 3).shape == (0, 3)


def test_crops_of_a_recipe():
    assert Crops.of_recipe({"batch_clips": 8}) == Crops(0, 1, 16)
    recipe = {"batch_clips": 4, "crop_frames": 96, "test_crops": 3, "epochs": 9}
    assert Crops.of_recipe(recipe) == Crops(96, 3, 8)


FACTS = {
    "network": "cnn_logmel",
    "network_options": {"width": 4},
    "recipe": {"batch_clips": 4, "learning_rate": 0.1, "epochs": 1},
    "classes": ["x", "y"],
}


def test_a_trained_network_comes_back_from_its_files(tmp_path):
    torch.manual_seed(3)
    pictures = np.zeros((1, 16, 32), np.uint8)
    store.write_features(tmp_path / "f.h5", ["a"], pictures, (16, 32), True, settings={})
    weights, facts = tmp_path / "weights.safetensors", tmp_path / "model.json"
    module = build("cnn_logmel", (16, 32), 2, width=4)
    saved_models.save(weights, facts, module, **FACTS)
    with store.FeatureStore(tmp_path / "f.h5") as features:
        found, crops, described = predicting.load(features, weights, facts)
        assert_same_states(found.state_dict(), module.state_dict())
        assert crops == Crops(0, 1, 8)
        assert described["classes"] == ["x", "y"]
        for name in FACTS:
            damaged = json.loads(facts.read_text())
            del damaged[name]
            (tmp_path / "damaged.json").write_text(json.dumps(damaged))
            with pytest.raises(
                EarmarkError, match=rf"metadata .*damaged.json .*{name}.*Delete them"
            ):
                predicting.load(features, weights, tmp_path / "damaged.json")
        (tmp_path / "damaged.json").write_text(json.dumps({**FACTS, "recipe": {"epochs": 1}}))
        with pytest.raises(
            EarmarkError, match=r"metadata .*damaged.json .*batch_clips.*Delete them"
        ):
            predicting.load(features, weights, tmp_path / "damaged.json")
        # Facts of another network than the weights are of.
        other = {**FACTS, "network_options": {"width": 8}}
        saved_models.save(tmp_path / "w", tmp_path / "other.json", module, **other)
        with pytest.raises(EarmarkError, match="do not fit the network"):
            predicting.load(features, weights, tmp_path / "other.json")


def test_clips_of_probabilities_that_are_not_finite_are_named():
    values = np.array([[0.5, 0.5], [np.nan, 0.5], [0.5, np.inf]])
    with pytest.raises(
        EarmarkError, match=r"predictions of 2 of 3 clips .*: b, c\. .*learning_rate \(0\.01\)"
    ):
        predicting.check_finite(list("abc"), values, 0.01)
    predicting.check_finite(["a"], values[:1], 0.01)
