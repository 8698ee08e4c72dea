"""Arrays in HDF5: round trips, crops against slicing, sentences for bad files, no leftovers."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.evaluation import predictions
from earmark.features import store
from earmark.features.store import FeatureStore
from earmark.runtime.errors import EarmarkError

NAMES = ["b.wav", "a.wav", "grün.wav", "d.wav"]
LENGTHS = [5, 1, 12, 300]
BANDS = 3


def images():
    return np.random.default_rng(1).integers(0, 256, (4, 6, 5)).astype(np.uint8)


def ragged():
    rng = np.random.default_rng(2)
    return [rng.integers(0, 255, (length, BANDS)).astype(np.uint8) for length in LENGTHS]


@pytest.fixture
def fixed_file(tmp_path):
    path = tmp_path / "fixed.h5"
    store.write_features(path, NAMES, iter(images()), (6, 5), True, settings={"kind": "stft"})
    return path


@pytest.fixture(scope="module")
def ragged_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("ragged") / "ragged.h5"
    store.write_features(path, NAMES, iter(ragged()), (BANDS, 0), False, settings={"bands": BANDS})
    return path


def test_fixed_features_come_back(fixed_file):
    with FeatureStore(fixed_file) as found:
        assert len(found) == 4
        assert found.fixed
        assert found.shape == (6, 5)
        assert found.settings == {"kind": "stft"}
        rows = found.rows_of(["d.wav", "b.wav", "d.wav", "grün.wav"])
        assert rows.tolist() == [3, 0, 3, 2]
        batch = found.images(rows)
    assert batch.dtype == np.uint8
    np.testing.assert_array_equal(batch, images()[[3, 0, 3, 2]])


def test_fixed_features_are_stored_one_chunk_a_clip(fixed_file):
    with h5py.File(fixed_file) as file:
        assert file["values"].chunks == (1, 6, 5)


def test_ragged_features_come_back(ragged_file):
    with FeatureStore(ragged_file) as found:
        assert not found.fixed
        assert found.shape == (BANDS, 0)
        rows = found.rows_of(NAMES)
        assert found.lengths(rows).tolist() == LENGTHS
        for row, clip in zip(rows, ragged(), strict=True):
            whole = found.crops(np.array([row]), np.array([0]), len(clip))
            np.testing.assert_array_equal(whole[0], clip.T)


def test_many_ragged_clips_come_back_in_order(tmp_path):
    # More frames than are written at a time.
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 256, (n, 4)).astype(np.uint8) for n in rng.integers(1, 900, 60)]
    assert sum(map(len, clips)) > 3 * 8192
    names = [f"{i}.wav" for i in range(60)]
    store.write_features(tmp_path / "f.h5", names, clips, (4, 0), False, settings={})
    with FeatureStore(tmp_path / "f.h5") as found:
        for row, clip in enumerate(clips):
            crop = found.crops(np.array([row]), np.array([0]), len(clip))
            np.testing.assert_array_equal(crop[0].T, clip)


def cut(clip, start, frames, padding):
    """The crop by slicing a clip with as much padding around it as any start needs."""
    margin = np.full((abs(start) + frames + len(clip), clip.shape[1]), padding, np.uint8)
    long = np.concatenate([margin, clip, margin])
    return long[len(margin) + start : len(margin) + start + frames].T


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-20, 320)), min_size=1, max_size=5),
    st.integers(1, 30),
)
def test_crops_agree_with_slicing(ragged_file, wanted, frames):
    rows, starts = (np.array(column) for column in zip(*wanted, strict=True))
    with FeatureStore(ragged_file) as found:
        crops = found.crops(rows, starts, frames)
    assert crops.shape == (len(wanted), BANDS, frames)
    clips = ragged()
    for crop, (row, start) in zip(crops, wanted, strict=True):
        np.testing.assert_array_equal(crop, cut(clips[row], start, frames, 255))


@pytest.mark.parametrize(("dtype", "unit", "padding"), [(np.int16, 32768, 7), (np.float16, 1, 0)])
def test_other_numbers_keep_type_unit_and_padding(tmp_path, dtype, unit, padding):
    rows = [np.arange(-3, 3).astype(dtype)[:, None], np.array([[500]], dtype)]
    store.write_features(
        tmp_path / "f.h5", ["a", "b"], rows, (1, 0), False, dtype, unit, padding, settings={}
    )
    with FeatureStore(tmp_path / "f.h5") as found:
        assert (found.unit, found.padding) == (unit, padding)
        crops = found.crops(np.array([0, 1]), np.array([2, -1]), 5)
    assert crops.dtype == dtype
    expected = [[[-1, 0, 1, 2, padding]], [[padding, 500, padding, padding, padding]]]
    assert crops.tolist() == expected


def test_pictures_are_vectors_too(fixed_file, ragged_file):
    found = store.read_vectors(fixed_file, ["d.wav", "b.wav"])
    np.testing.assert_allclose(found, images()[[3, 0]].reshape(2, 30) / 255, rtol=1e-6)


def test_clips_of_different_lengths_are_compared_by_the_means_of_their_frames(tmp_path):
    rows = [np.array([[1, 4], [3, 8]]), np.empty((0, 2)), np.array([[6, 6]])]
    path = tmp_path / "f.h5"
    store.write_features(path, [*"abc"], rows, (2, 0), False, np.uint8, 2, 10, settings={})
    expected = [[3, 3], [1, 3], [5, 5]]  # without frames: silence
    np.testing.assert_array_equal(store.read_vectors(path, ["c", "a", "b"]), expected)


def test_hdf5_of_another_kind_is_explained(tmp_path):
    store.write_latents(tmp_path / "l.h5", ["a"], np.zeros((1, 2)))
    with pytest.raises(
        EarmarkError, match=r"missing, damaged or was not written by Earmark .*Delete it"
    ):
        FeatureStore(tmp_path / "l.h5")


def test_crop_before_and_beyond_a_clip_by_hand(tmp_path):
    clips = [np.array([[1], [2], [3]], np.uint8), np.array([[9], [8]], np.uint8)]
    store.write_features(tmp_path / "f.h5", ["a", "b"], clips, (1, 0), False, settings={})
    with FeatureStore(tmp_path / "f.h5") as found:
        crops = found.crops(np.array([0, 0, 0, 1, 1]), np.array([-2, 2, 3, -5, -1]), 4)
    assert crops[:, 0].tolist() == [
        [255, 255, 1, 2],
        [3, 255, 255, 255],
        [255, 255, 255, 255],
        [255, 255, 255, 255],
        [255, 9, 8, 255],
    ]


def test_clip_that_is_not_there_is_named(fixed_file):
    with FeatureStore(fixed_file) as found, pytest.raises(EarmarkError, match=r"no clip.*c\.wav"):
        found.rows_of(["a.wav", "c.wav"])


@pytest.mark.parametrize("damage", ["text", "cut", "empty"])
def test_damaged_file_is_explained(fixed_file, damage):
    content = fixed_file.read_bytes()
    damaged = {"text": b"fname,label\n", "cut": content[: len(content) // 2], "empty": b""}
    fixed_file.write_bytes(damaged[damage])
    with pytest.raises(EarmarkError, match=r"feature file .*fixed\.h5.*Delete it"):
        FeatureStore(fixed_file)
    with pytest.raises(EarmarkError, match=r"latents file .*Delete it"):
        store.read_vectors(fixed_file, ["a.wav"])
    with pytest.raises(EarmarkError, match=r"prediction file .*Delete it"):
        predictions.read(fixed_file)


def test_absent_file_is_explained(tmp_path):
    with pytest.raises(EarmarkError, match=r"feature file .*f\.h5 is missing"):
        FeatureStore(tmp_path / "f.h5")


def failing_rows(count, shape):
    for _ in range(count):
        yield np.zeros(shape, np.uint8)
    raise RuntimeError("the third clip is bad")


@pytest.mark.parametrize(("fixed", "row"), [(True, (6, 5)), (False, (4, 6))])
def test_failing_writer_leaves_nothing_behind(tmp_path, fixed, row):
    path = tmp_path / "new" / "features.h5"
    with pytest.raises(RuntimeError, match="third clip"):
        store.write_features(path, NAMES, failing_rows(2, row), (6, 5), fixed, settings={})
    assert list(path.parent.iterdir()) == []


def test_failing_writer_keeps_the_file_that_was_there(fixed_file):
    before = fixed_file.read_bytes()
    with pytest.raises(RuntimeError, match="third clip"):
        store.write_features(fixed_file, NAMES, failing_rows(2, (6, 5)), (6, 5), True, settings={})
    assert [p.name for p in fixed_file.parent.iterdir()] == ["fixed.h5"]
    assert fixed_file.read_bytes() == before


def test_file_appears_under_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "features.h5"
    seen = []

    def rows():
        for image in images():
            seen.append(path.exists())
            yield image

    store.write_features(path, NAMES, rows(), (6, 5), True, settings={})
    assert seen == [False] * 4
    assert [p.name for p in tmp_path.iterdir()] == ["features.h5"]


def test_attributes_are_json(fixed_file):
    with h5py.File(fixed_file) as file:
        assert json.loads(file.attrs["settings"]) == {"kind": "stft"}


def test_latents_come_back_in_any_order(tmp_path):
    latents = np.random.default_rng(0).normal(size=(4, 7))
    store.write_latents(tmp_path / "l.h5", NAMES, latents)
    found = store.read_vectors(tmp_path / "l.h5", ["grün.wav", "b.wav"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, latents[[2, 0]].astype(np.float32))
    with pytest.raises(EarmarkError, match=r"has no clip 'x\.wav'"):
        store.read_vectors(tmp_path / "l.h5", ["x.wav", "b.wav", "y.wav"])


def test_predictions_come_back_in_any_order(tmp_path):
    values = np.random.default_rng(0).dirichlet(np.ones(3), 4)
    values[1] = np.nan  # in no fold that was trained
    predictions.write(tmp_path / "p.h5", predictions.Predictions(NAMES, ["x", "y", "ü"], values))
    found = predictions.read(tmp_path / "p.h5")
    assert (found.clips, found.classes) == (NAMES, ["x", "y", "ü"])
    np.testing.assert_array_equal(found.of(NAMES[::-1]), values[::-1].astype(np.float32))
    assert found.of([]).shape == (0, 3)


def test_predictions_of_several_folds_come_back(tmp_path):
    values = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4))
    predictions.write(tmp_path / "p.h5", predictions.Predictions(NAMES, ["x", "y", "z"], values))
    found = predictions.read(tmp_path / "p.h5")
    wanted = values[:, [2, 0]].astype(np.float32)
    np.testing.assert_array_equal(found.of(["grün.wav", "b.wav"]), wanted)
