"""Predicting with finished models: who predicts which clip, against networks called one by one."""

import numpy as np
import pandas as pd
import predict
import pytest
import torch

from earmark.dataset import clips, tables
from earmark.evaluation import predictions
from earmark.features import store
from earmark.networks import saved_models
from earmark.networks.build import build
from earmark.runtime.errors import EarmarkError

SHAPE = (8, 8)
CLASSES = ["Bark", "Cello", "Gong"]
OPTIONS = {"width": 2, "depth": 2}
FOLDS = [2, 0]  # not in their order, and one of three is not trained
HARDWARE = {
    "device": "cpu",
    "precision": "auto",
    "memory_format": "contiguous",
    "compile": False,
    "compile_from_clips": 1,
}
# clip, fold (None: not in the table), use
ROWS = [
    ("a.wav", 0, 1),
    ("b.wav", 2, 1),
    ("sub/c.wav", 1, 1),
    ("d.wav", 0, 1),
    ("silent.wav", 0, 0),
    ("never.wav", -1, 1),
    ("unknown.wav", None, 1),
    ("e.wav", 2, 1),
]
NAMES = [name for name, _, _ in ROWS]
PICTURES = np.random.default_rng(0).integers(0, 256, (len(ROWS), *SHAPE)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    facts = dict.fromkeys(clips.COLUMNS, "") | {
        **dict.fromkeys(("seconds", "peak"), 1.0),
        **dict.fromkeys(("sample_rate", "channels"), 1),
    }
    table = pd.DataFrame([{**facts, "clip": name, "use": use} for name, _, use in ROWS])
    clips.write(table, tmp_path / "clips.csv")
    known = [(name, name, fold) for name, fold, _ in ROWS[::-1] if fold is not None]
    folds_table = pd.DataFrame(known, columns=["clip", "recording", "fold"])
    tables.write_table(folds_table, tmp_path / "folds.csv")
    # The features are in another order than the table.
    store.write_features(tmp_path / "f.h5", NAMES[::-1], PICTURES[::-1], SHAPE, True, settings={})
    return tmp_path


def networks(folder, classes=CLASSES):
    """A network for each fold, and scripts' arguments for its files."""
    found, files = {}, {"weights": [], "metadata": []}
    for fold in FOLDS:
        torch.manual_seed(fold)
        found[fold] = build("cnn_logmel", SHAPE, len(CLASSES), **OPTIONS).eval()
        weights, facts = folder / f"{fold}.safetensors", folder / f"{fold}.json"
        saved_models.save(
            weights,
            facts,
            found[fold],
            network="cnn_logmel",
            network_options=OPTIONS,
            recipe={"batch_clips": 2, "learning_rate": 0.1},
            classes=classes if fold == FOLDS[-1] else CLASSES,
        )
        files["weights"].append(str(weights))
        files["metadata"].append(str(facts))
    return found, files


def said(module, name):
    """Probabilities of one clip, with nothing of the product around the network."""
    with torch.no_grad():
        image = torch.from_numpy(PICTURES[NAMES.index(name)] / 255).float()
        return module(image[None])[0].softmax(0).numpy()


def predicted(folder, files, folds_table):
    predict.main(
        table=str(folder / "clips.csv"),
        feature_file=str(folder / "f.h5"),
        folds_table=folds_table,
        predicted=str(folder / "predicted.h5"),
        cfg={"folds": FOLDS},
        threads=1,
        hardware_settings=HARDWARE,
        **files,
    )
    return predictions.read(folder / "predicted.h5")


def test_train_clips_are_predicted_by_the_model_that_held_out_their_fold(folder):
    modules, files = networks(folder)
    found = predicted(folder, files, [str(folder / "folds.csv")])
    assert (found.clips, found.classes) == (NAMES, CLASSES)
    assert found.probabilities.shape == (len(ROWS), 3)
    for (name, fold, use), values in zip(ROWS, found.probabilities, strict=True):
        if fold in FOLDS and use:
            np.testing.assert_allclose(values, said(modules[fold], name), atol=1e-6)
        else:
            assert np.isnan(values).all(), name


def test_other_clips_are_predicted_by_all_models(folder):
    modules, files = networks(folder)
    found = predicted(folder, files, [])
    assert found.probabilities.shape == (2, len(ROWS), 3)
    for fold, values in zip(FOLDS, found.probabilities, strict=True):
        expected = [said(modules[fold], name) for name in NAMES]
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_models_of_other_classes_are_refused(folder):
    _, files = networks(folder, classes=CLASSES[::-1])
    with pytest.raises(ValueError, match="different classes"):
        predicted(folder, files, [])


def test_clips_that_a_network_answers_with_nan_are_named(folder):
    modules, files = networks(folder)
    with torch.no_grad():
        list(modules[0].parameters())[-1].fill_(torch.nan)
    described = {"network": "cnn_logmel", "network_options": OPTIONS, "classes": CLASSES}
    recipe = {"batch_clips": 2, "learning_rate": 0.1}
    saved_models.save(
        files["weights"][1], files["metadata"][1], modules[0], recipe=recipe, **described
    )
    with pytest.raises(EarmarkError, match=r"predictions of 2 of 2 clips .*: a\.wav, d\.wav\."):
        predicted(folder, files, [str(folder / "folds.csv")])
    assert not (folder / "predicted.h5").exists()
