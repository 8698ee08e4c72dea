"""Both folder layouts are found, by their train lists, and what is absent gets a sentence."""

import shutil
from pathlib import Path

import pytest
from tiny import make_set

from earmark.dataset import layout
from earmark.runtime.errors import EarmarkError


def test_kaggle_layout_with_everything(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Bark"], truth=True, sound=False)
    found = layout.find_layout(made.folder)
    assert found == layout.Layout(
        folder=tmp_path / "set",
        train_list=tmp_path / "set/train.csv",
        audio_train=tmp_path / "set/audio_train",
        audio_test=tmp_path / "set/audio_test",
        test_list=tmp_path / "set/sample_submission.csv",
        test_truth=tmp_path / "set/test_post_competition.csv",
        train_truth=tmp_path / "set/train_truth.csv",
    )


def test_kaggle_layout_without_optional_files(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Bark"], sound=False)
    (tmp_path / "sample_submission.csv").unlink()
    found = layout.find_layout(str(made.folder))
    assert (found.test_list, found.test_truth, found.train_truth) == (None, None, None)


def test_zenodo_layout_with_the_scoring_clips(tmp_path: Path) -> None:
    make_set(tmp_path, ["Bark"], zenodo=True, truth=True, sound=False)
    meta = tmp_path / "FSDKaggle2018.meta"
    assert layout.find_layout(tmp_path) == layout.Layout(
        folder=tmp_path,
        train_list=meta / "train_post_competition.csv",
        audio_train=tmp_path / "FSDKaggle2018.audio_train",
        audio_test=tmp_path / "FSDKaggle2018.audio_test",
        test_list=None,
        test_truth=meta / "test_post_competition_scoring_clips.csv",
        train_truth=None,
    )


def test_zenodo_layout_prefers_the_full_truth_and_does_without_any(tmp_path: Path) -> None:
    make_set(tmp_path, ["Bark"], zenodo=True, truth=True, sound=False)
    meta = tmp_path / "FSDKaggle2018.meta"
    full = meta / "test_post_competition.csv"
    shutil.copy(meta / "test_post_competition_scoring_clips.csv", full)
    assert layout.find_layout(tmp_path).test_truth == full
    full.unlink()
    (meta / "test_post_competition_scoring_clips.csv").unlink()
    assert layout.find_layout(tmp_path).test_truth is None


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError) as caught:
        layout.find_layout(tmp_path / "nowhere")
    sentence = str(caught.value)
    assert f"There is no data set in {tmp_path / 'nowhere'}" in sentence
    assert "Set `dataset`" in sentence


def test_no_train_list(tmp_path: Path) -> None:
    (tmp_path / "audio_train").mkdir()
    with pytest.raises(EarmarkError) as caught:
        layout.find_layout(tmp_path)
    sentence = str(caught.value)
    for part in (
        str(tmp_path),
        "train.csv",
        "FSDKaggle2018.meta/train_post_competition.csv",
    ):
        assert part in sentence


@pytest.mark.parametrize("part", ["audio_train", "audio_test"])
@pytest.mark.parametrize("zenodo", [False, True])
def test_no_audio_folder(tmp_path: Path, part: str, zenodo: bool) -> None:
    made = make_set(tmp_path, ["Bark"], zenodo=zenodo, sound=False)
    shutil.rmtree(getattr(made, part))
    with pytest.raises(EarmarkError) as caught:
        layout.find_layout(tmp_path)
    assert str(getattr(made, part)) in str(caught.value)
    assert "Put the clips" in str(caught.value)
