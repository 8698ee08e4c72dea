"""Which rules rerun after which edit of the config or the data, of a finished tiny run."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from edited_run import Edited, clip_more
from rerun_edits import CLIPS, CODE, CONFIG, EVERYTHING, LABELLING, SCORING, SUBMITTING
from tiny import make_set, merged, plan, snakemake
from tiny_run import CLASSES, Run


@pytest.fixture(scope="module")
def edited(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    return Edited(finished, tmp_path_factory.mktemp("reruns"))


@pytest.mark.parametrize("name", CONFIG)
def test_edit_of_the_config(edited: Edited, name: str) -> None:
    change, rules = CONFIG[name]
    found = edited.planned(change)
    assert set(found) == rules
    if name == "one round more":
        assert found["selftrain_round"] == 1
    if name == "one model's learning rate":
        assert found["train_model"] == 1


# Files and texts in them, and what takes their place.
HARMLESS = {
    **{
        file: (None, "  # another word")
        for file in (
            "README.md",
            "profiles/default/config.yaml",
            "envs/earmark.yaml",
            "Snakefile",
            "config.yaml",
            "rules/common.smk",
            "rules/schemas/config.schema.yaml",
            "presets/small.yaml",
        )
    },
    "rules/models.smk": ("gpu=GPUS", "gpu=GPUS + 1"),
    "rules/features.smk": ("threads: 8", "threads: 2"),
    "rules/selftraining.smk": (
        "{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
        "{{system}}_seed{{seed}}_fold{{fold}}_round{{round}}.log",
    ),
}


def test_edits_that_no_result_depends_on(edited: Edited) -> None:
    with ExitStack() as edits:
        for file, (old, new) in HARMLESS.items():
            path = edited.tree / file
            last = path.read_text(encoding="utf-8").splitlines()[-1]
            edit = edited.edit(path, old or last, new if old else f"{last}{new}")
            edits.enter_context(edit)
        for file, before, after, rules in CODE.values():
            if not rules:
                path = edited.tree / "workflow_scripts" / file
                edits.enter_context(edited.edit(path, before, after))
        assert edited.planned() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        (
            *("--cores", "1", "--resources", "gpu=2"),
            *("--set-threads", "train_model=2", "--set-resources", "train_model:gpu=1"),
        ),
        ("--workflow-profile", "none"),
        ("--workflow-profile", "slurm"),
    ],
    ids=" ".join,
)
def test_how_it_is_run_reruns_nothing(edited: Edited, arguments: tuple[str, ...]) -> None:
    assert edited.planned(None, *arguments) == {}


def test_a_label_flipped_or_verified_reads_no_audio(edited: Edited) -> None:
    (fname, label, verified), (second, its_label, its_verified) = edited.made.train[:2]
    other = next(name for name in CLASSES if name != label)
    train_list = edited.made.train_list
    flipped = (f"{fname},{label},{verified}", f"{fname},{other},{verified}")
    confirmed = (
        f"{second},{its_label},{its_verified}",
        f"{second},{its_label},{1 - its_verified}",
    )
    for edit in (flipped, confirmed):
        with edited.edit(train_list, *edit):
            assert set(edited.planned()) == {"draw_folds", *LABELLING}


def test_a_correction_moves_no_fold(edited: Edited) -> None:
    path = edited.directory / "corrections" / "four.csv"
    path.parent.mkdir()
    fname, label, _ = edited.made.train[0]
    header = "clip,label,decision,previous_label,time"
    path.write_text(f"{header}\n{fname},,right,{label},2026-01-02T03:04:05\n", encoding="utf-8")
    try:
        assert set(edited.planned()) == LABELLING
    finally:
        shutil.rmtree(path.parent)


def test_a_train_clip_more(edited: Edited) -> None:
    with clip_more(edited.made, "train"):
        found = edited.planned()
    assert set(found) == EVERYTHING
    # Those of the test clips are not computed again.
    assert found["inspect_clips"] == 1
    assert found["extract_features"] == 2


def test_a_test_clip_more_trains_nothing(edited: Edited) -> None:
    with clip_more(edited.made, "test"):
        found = plan(edited.directory, "all", overlay=edited.overlay, tree=edited.tree)
    rules = {name for name in found.counts if name != "all"}
    assert rules == {"inspect_clips", "extract_features", "predict", *SUBMITTING}
    for name in ("inspect_clips", "extract_features", "predict"):
        assert {wildcards["part"] for wildcards in found.wildcards[name]} == {"test"}


def test_a_thousand_sounds_to_tag_train_nothing(edited: Edited, tmp_path: Path) -> None:
    clip = edited.made.audio_test / edited.made.test[0]
    for number in range(1000):
        os.link(clip, tmp_path / f"{number}.wav")
    found = edited.planned({"sounds": str(tmp_path)})
    rules = ("inspect_clips", "extract_features", "predict", "write_tags")
    assert found == dict.fromkeys(rules, 1)


def test_a_network_on_every_clip_redoes_nothing_else(edited: Edited) -> None:
    found = plan(edited.directory, "tagger", overlay=edited.overlay, tree=edited.tree)
    assert found.counts == {"train_model": 1, "tagger": 1}
    assert found.wildcards["train_model"][0]["fold"] == "all"


def test_a_clip_exchanged_is_a_clip_changed(edited: Edited) -> None:
    clip = edited.made.audio_train / edited.made.train[0][0]
    content, facts = clip.read_bytes(), clip.stat()
    clip.write_bytes(content[:-2])
    try:
        assert set(edited.planned()) == {"draw_folds", *CLIPS}
    finally:
        clip.write_bytes(content)
        os.utime(clip, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_touched_files_and_files_that_are_no_listed_clip(edited: Edited) -> None:
    made = edited.made
    assert made.test_list
    for path in (made.audio_train / made.train[0][0], made.train_list, made.test_list):
        os.utime(path)
    strangers = [
        made.audio_train / ".DS_Store",
        made.audio_test / "._x.wav",
        made.audio_train / "unlisted.wav",
        made.folder / "notes.txt",
    ]
    for path in strangers:
        path.write_bytes(b"x")
    try:
        assert edited.planned() == {}
    finally:
        for path in strangers:
            path.unlink()


def test_a_list_put_in_place_with_an_older_time_is_noticed(edited: Edited) -> None:
    path = edited.made.train_list
    content, facts = path.read_text(encoding="utf-8"), path.stat()
    fname, label, _ = edited.made.train[0]
    other = next(name for name in CLASSES if name != label)
    path.write_text(content.replace(f"{fname},{label}", f"{fname},{other}"), encoding="utf-8")
    os.utime(path, (1, 1))
    try:
        assert set(edited.planned()) == {"draw_folds", *LABELLING}
    finally:
        path.write_text(content, encoding="utf-8")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_moved_or_copied_data_set(edited: Edited, tmp_path: Path) -> None:
    folder = edited.made.folder
    assert edited.planned({}) == {}  # the index is of what is there now
    for place in (tmp_path / "copy" / "four", tmp_path / "link"):
        if place.name == "four":
            shutil.copytree(folder, place)
        else:
            place.symlink_to(folder)
    assert edited.planned({"dataset": str(tmp_path / "copy" / "four")}) == {}
    named = {"dataset": str(tmp_path / "link"), "name": "four"}
    assert edited.planned(named) == {}


def test_another_folder_of_the_same_name_is_refused(edited: Edited, tmp_path: Path) -> None:
    other = make_set(tmp_path / "four", CLASSES, clips=8, seed=1)
    overlay = merged(edited.overlay, {"dataset": str(other.folder)})
    found = plan(edited.directory, "all", overlay=overlay, tree=edited.tree)
    assert found.code != 0
    assert "name: another_name" in found.text
    assert "Traceback" not in found.text


def test_results_without_records_are_refused_or_taken_over(edited: Edited, tmp_path: Path) -> None:
    directory = tmp_path / "copied"
    directory.mkdir()
    shutil.copytree(edited.directory / "results", directory / "results", symlinks=True)
    shutil.copy2(edited.directory / "submission.csv", directory)
    overlay = edited.overlay
    found = plan(directory, "submission.csv", overlay=overlay, tree=edited.tree)
    assert found.code != 0
    assert "--touch --forceall" in found.text
    assert "Traceback" not in found.text
    status, text = snakemake(
        directory, "--touch", "--forceall", "all", overlay=overlay, tree=edited.tree
    )
    assert status == 0, text
    found = plan(directory, "all", overlay=overlay, tree=edited.tree)
    assert found.code == 0, found.text
    assert "Nothing to be done" in found.text


def test_after_all_these_edits_nothing_is_to_be_done(edited: Edited) -> None:
    assert edited.planned() == {}


def test_the_truth_of_the_test_clips_concerns_the_scores_alone(edited: Edited) -> None:
    truth = edited.made.folder / "test_post_competition.csv"
    with edited.edit(truth, ",Private", ",Public"):
        assert set(edited.planned()) == SCORING
