"""Files of predictions: what comes back, and what is refused."""

import h5py
import numpy as np
import pytest

from earmark.evaluation import predictions
from earmark.evaluation.predictions import Predictions
from earmark.runtime.errors import EarmarkError

CLIPS = ["b.wav", "sub/a.wav", "grün.wav", "d.wav"]
CLASSES = ["Bark", "Cello", "Oboe_or_so"]


def drawn(*shape):
    values = np.random.default_rng(0).random((*shape, len(CLASSES)))
    return values / values.sum(axis=-1, keepdims=True)


def test_train_clips_come_back_with_those_that_nobody_predicted(tmp_path):
    values = drawn(4)
    values[[1, 3]] = np.nan
    predictions.write(tmp_path / "train.h5", Predictions(CLIPS, CLASSES, values))
    found = predictions.read(tmp_path / "train.h5")
    assert (found.clips, found.classes) == (CLIPS, CLASSES)
    assert found.probabilities.dtype == np.float32
    np.testing.assert_array_equal(found.probabilities, values.astype(np.float32))


def test_other_clips_come_back_by_each_fold(tmp_path):
    values = drawn(5, 4)
    predictions.write(tmp_path / "test.h5", Predictions(CLIPS, CLASSES, values))
    found = predictions.read(tmp_path / "test.h5")
    np.testing.assert_array_equal(found.probabilities, values.astype(np.float32))
    np.testing.assert_array_equal(
        found.of(["d.wav", "b.wav", "d.wav"]), values[:, [3, 0, 3]].astype(np.float32)
    )


def test_no_clips_come_back_too(tmp_path):
    for values in (drawn(0), drawn(2, 0)):
        predictions.write(tmp_path / "none.h5", Predictions([], CLASSES, values))
        assert predictions.read(tmp_path / "none.h5").probabilities.shape == values.shape


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3, 3), (4,)])
def test_files_whose_parts_do_not_fit_together_are_refused(tmp_path, shape):
    path = tmp_path / "p.h5"
    predictions.write(path, Predictions(CLIPS, CLASSES, drawn(4)))
    with h5py.File(path, "r+") as file:
        del file["probabilities"]
        file["probabilities"] = np.full(shape, 0.5, np.float32)
    with pytest.raises(EarmarkError, match=r"prediction file .*of 4 clips and 3 classes.*Delete"):
        predictions.read(path)
