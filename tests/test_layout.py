"""Both challenge layouts are found, by their train lists; what else they have may be absent."""

import json
import shutil
from pathlib import Path

import pytest
from tiny import make_set

from earmark.dataset.layout import CHALLENGE_COLUMNS, ClipList, Layout, challenge_layout
from earmark.runtime.errors import EarmarkError


def test_kaggle_layout_with_everything(tmp_path: Path) -> None:
    make_set(tmp_path / "set", ["Bark"], truth=True, sound=False)
    found = challenge_layout(tmp_path / "set")
    assert found == Layout(
        folder=tmp_path / "set",
        train=ClipList(
            audio=tmp_path / "set/audio_train",
            table=tmp_path / "set/train.csv",
            columns=CHALLENGE_COLUMNS,
        ),
        test=ClipList(
            audio=tmp_path / "set/audio_test",
            table=tmp_path / "set/sample_submission.csv",
            columns={"file": "fname"},
        ),
        test_truth=tmp_path / "set/test_post_competition.csv",
        train_truth=tmp_path / "set/train_truth.csv",
    )
    assert found.has_truth


def test_kaggle_layout_without_optional_files(tmp_path: Path) -> None:
    make_set(tmp_path, ["Bark"], sound=False)
    (tmp_path / "sample_submission.csv").unlink()
    found = challenge_layout(tmp_path)
    assert found
    # Then the files in their folder are the test clips.
    assert found.test == ClipList(tmp_path / "audio_test")
    assert (found.test_truth, found.train_truth, found.has_truth) == (None, None, False)
    (tmp_path / "test_post_competition.csv").touch()
    shutil.rmtree(tmp_path / "audio_test")
    found = challenge_layout(tmp_path)
    assert found
    assert (found.test, found.test_truth) == (None, None)


def test_zenodo_layout_with_the_scoring_clips(tmp_path: Path) -> None:
    make_set(tmp_path, ["Bark"], zenodo=True, truth=True, sound=False)
    meta = tmp_path / "FSDKaggle2018.meta"
    assert challenge_layout(tmp_path) == Layout(
        folder=tmp_path,
        train=ClipList(
            audio=tmp_path / "FSDKaggle2018.audio_train",
            table=meta / "train_post_competition.csv",
            columns=CHALLENGE_COLUMNS,
        ),
        test=ClipList(tmp_path / "FSDKaggle2018.audio_test"),
        test_truth=meta / "test_post_competition_scoring_clips.csv",
    )


def test_zenodo_layout_prefers_the_full_truth_and_does_without_any(tmp_path: Path) -> None:
    make_set(tmp_path, ["Bark"], zenodo=True, truth=True, sound=False)
    meta = tmp_path / "FSDKaggle2018.meta"
    full = meta / "test_post_competition.csv"
    shutil.copy(meta / "test_post_competition_scoring_clips.csv", full)
    truths = [challenge_layout(tmp_path)]
    full.unlink()
    (meta / "test_post_competition_scoring_clips.csv").unlink()
    truths.append(challenge_layout(tmp_path))
    assert [found and found.test_truth for found in truths] == [full, None]


@pytest.mark.parametrize("zenodo", [False, True])
def test_without_its_list_or_train_clips_it_is_another_folder(tmp_path: Path, zenodo: bool) -> None:
    assert challenge_layout(tmp_path / "nowhere") is None
    made = make_set(tmp_path / "set", ["Bark"], zenodo=zenodo, sound=False)
    shutil.rmtree(made.audio_train)
    assert challenge_layout(made.folder) is None
    made.audio_train.mkdir()
    assert challenge_layout(made.folder)
    made.train_list.unlink()
    assert challenge_layout(made.folder) is None


def test_a_list_of_test_clips_that_are_not_there(tmp_path: Path) -> None:
    made = make_set(tmp_path, ["Bark"], sound=False)
    shutil.rmtree(made.audio_test)
    with pytest.raises(EarmarkError, match="lists test clips, but their folder") as caught:
        challenge_layout(tmp_path)
    assert str(made.test_list) in str(caught.value)
    assert str(made.audio_test) in str(caught.value)


def test_where_the_truth_is_can_be_compared_without_paths(tmp_path: Path) -> None:
    settings = []
    for place, label in (("a", "label"), ("b", "label"), ("b", "other")):
        table = tmp_path / place / "test.csv"
        test = ClipList(tmp_path / place, table, {"file": "f", "label": label}, part="test")
        settings.append(Layout(tmp_path / place, test, test).truth_settings())
    assert settings[0] == settings[1] != settings[2]
    assert str(tmp_path) not in json.dumps(settings)
