"""What would be run: dry runs of the workflow, read from Snakemake's job table.

Sets without sound are enough here: a dry run looks at lists and names only.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import REPO, Plan, make_set, plan, read_rows, write_rows

Planner = Callable[..., Plan]

# Group schemes and systems for classes that the built-in groups do not know.
OWN = {
    "group_schemes": {"mine": {"birds": ["Wren", "Robin"], "bells": ["Bell"], "none": ["Zither"]}},
    "spreading": {"latent_two": {"scheme": "mine"}},
}


def groups_in(found: Plan) -> set[str]:
    return {wildcards["group"] for wildcards in found.wildcards.get("spread_labels", [])}


def trained(found: Plan) -> set[tuple[str, str, str]]:
    return {
        (wildcards["system"], wildcards["seed"], wildcards["fold"])
        for wildcards in found.wildcards.get("train_model", [])
    }


def told(found: Plan, *parts: str) -> None:
    """The run ended while it was planned, with these words and without a traceback."""
    assert found.code != 0
    assert not found.counts
    for part in parts:
        assert part in found.text, found.text
    assert "Traceback" not in found.text


def test_the_demo(tmp_path: Path) -> None:
    found = plan(tmp_path, "all")
    assert found.code == 0, found.text
    assert found.counts == {
        "synthesise_dataset": 1,
        "inspect_clips": 2,
        "read_labels": 1,
        "draw_folds": 1,
        "extract_features": 4,
        "train_autoencoder": 1,
        "spread_labels": 2,
        "summarise_spreading": 1,
        "select_labels": 2,
        "measure_labels": 1,
        "train_model": 3,
        "selftrain_round": 2,
        # Three systems that are scored, for the clips of both parts.
        "predict": 6,
        "write_out_of_fold": 1,
        "evaluate": 1,
        "calibrate": 3,
        "combine_predictions": 7,
        "write_submission": 1,
        "copy_submission": 1,
        "score": 1,
        "plot_classes": 1,
        "plot_tsne": 2,
        "plot_history": 3,
        "write_page": 1,
        "all": 1,
    }
    assert groups_in(found) == {"music", "non_music"}
    assert trained(found) == {
        (system, "1", "0") for system in ("vgg_fewer", "vgg_more", "cnn_logmel")
    }


def test_all_folds_of_what_is_submitted_are_trained_to_cross_validate(tmp_path: Path) -> None:
    overlay = {"submission": {"best_of": ["power", "cnn_logmel"]}, "folds": 3}
    overlay["ensembles"] = {"power": {"members": ["vgg_more", "cnn_logmel"]}}
    found = plan(tmp_path, "cross_validate", overlay=overlay)
    assert found.code == 0, found.text
    assert trained(found) == {
        (system, "1", fold) for system in ("vgg_more", "cnn_logmel") for fold in "012"
    }
    predicted = [(row["system"], row["part"]) for row in found.wildcards["predict"]]
    # The choice is made on the folds that systems have; a run without it trains no others.
    assert sorted(predicted) == [
        (system, part) for system in ("cnn_logmel", "vgg_more") for part in ("all_folds", "train")
    ]
    assert found.counts["choose_submission"] == found.counts["evaluate"] == 1
    assert found.wildcards["evaluate"] == [{"on": "cross_validation"}]
    assert "combine_predictions" not in found.counts


def test_a_folder_of_music_spreads_music_only_and_without_truth_scores_nothing(
    tmp_path: Path,
) -> None:
    made = make_set(tmp_path / "music3", ["Cello", "Flute", "Gong"], sound=False)
    found = plan(tmp_path, "all", overlay={"dataset": str(made.folder)})
    assert found.code == 0, found.text
    assert groups_in(found) == {"music"}
    assert found.counts["plot_tsne"] == 1
    assert "non_music" not in found.text
    assert found.counts["write_submission"] == 1
    assert {"score", "measure_labels", "synthesise_dataset"}.isdisjoint(found.counts)
    made_files = [path for paths in found.outputs.values() for path in paths]
    assert "submission.csv" in made_files
    assert all(
        path == "submission.csv" or path.startswith("results/music3/") for path in made_files
    )


def test_own_classes_in_own_groups_two_folds_and_two_seeds(tmp_path: Path) -> None:
    made = make_set(tmp_path / "own", ["Wren", "Robin", "Bell"], truth=True, sound=False)
    overlay = {
        "dataset": "own",  # relative to the working directory
        "seeds": [1, 2],
        "systems": {"vgg_fewer": {"folds": [0, 1]}},
        **OWN,
    }
    found = plan(tmp_path, "all", overlay=overlay)
    assert found.code == 0, found.text
    assert made.folder == tmp_path / "own"
    assert groups_in(found) == {"birds", "bells"}
    folds = {"vgg_fewer": "01", "vgg_more": "0", "cnn_logmel": "0"}
    wanted = {
        (system, seed, fold) for system, held in folds.items() for seed in "12" for fold in held
    }
    assert trained(found) == wanted
    assert found.counts["train_model"] == len(wanted) == 8
    # The self-trained system takes its base's folds: 2 rounds x 2 folds x 2 seeds.
    assert found.counts["selftrain_round"] == 8
    assert found.counts["combine_predictions"] == 14
    # What does not depend on the seeds is not doubled.
    assert found.counts["train_autoencoder"] == found.counts["score"] == 1
    assert found.counts["write_submission"] == 1


def test_own_classes_in_one_group_and_one_system_alone(tmp_path: Path) -> None:
    make_set(tmp_path / "own", ["Wren", "Robin", "Bell"], sound=False)
    overlay = {
        "dataset": "own",
        "submission": "vgg_fewer",
        "spreading": {"latent_two": {"scheme": "one"}},
    }
    found = plan(tmp_path, "submission.csv", overlay=overlay)
    assert found.code == 0, found.text
    assert groups_in(found) == {"all"}
    assert trained(found) == {("vgg_fewer", "1", "0")}
    assert found.counts == {
        "inspect_clips": 2,
        "read_labels": 1,
        "draw_folds": 1,
        "extract_features": 2,
        "train_autoencoder": 1,
        "spread_labels": 1,
        "select_labels": 1,
        "train_model": 1,
        "predict": 1,
        "combine_predictions": 1,
        "write_submission": 1,
        "copy_submission": 1,
    }


def test_the_zenodo_layout_with_three_rounds_of_selftraining(tmp_path: Path) -> None:
    make_set(tmp_path / "z", ["Cello", "Bark"], zenodo=True, truth=True, sound=False)
    overlay = {
        "dataset": "z",
        "submission": "vgg_fewer_semi",
        "selftraining": {"short": {"rounds": 3}},
    }
    found = plan(tmp_path, "scores", overlay=overlay)
    assert found.code == 0, found.text
    assert groups_in(found) == {"music", "non_music"}
    assert (found.counts["score"], found.counts["write_submission"]) == (1, 1)
    assert "measure_labels" not in found.counts
    rounds = [wildcards["round"] for wildcards in found.wildcards["selftrain_round"]]
    assert sorted(rounds) == ["1", "2", "3"]
    folder = "results/z/selftraining/vgg_fewer_semi/seed1/fold0"
    for number in (1, 2, 3):
        before = (
            f"{folder}/round{number - 1}"
            if number > 1
            else "results/z/models/vgg_fewer/seed1/fold0"
        )
        block = found.text.split(f"output: {folder}/round{number}/weights.safetensors")[0]
        inputs = block.rsplit("input: ", 1)[1].splitlines()[0].split(", ")
        assert f"{before}/weights.safetensors" in inputs
        others = {1, 2, 3} - {number - 1}
        assert not [path for path in inputs for other in others if f"/round{other}/" in path]
    for part in ("train", "test"):
        predict = found.text.split(f"output: results/z/predictions/vgg_fewer_semi/seed1/{part}.h5")
        inputs = predict[0].rsplit("input: ", 1)[1].splitlines()[0].split(", ")
        assert f"{folder}/round3/weights.safetensors" in inputs
        assert f"results/z/features/stft/{part}.h5" in inputs


def test_the_real_set_can_be_planned_before_it_is_fetched(tmp_path: Path) -> None:
    found = plan(tmp_path, "all", overlay={"dataset": "fsdkaggle2018"})
    assert found.code == 0, found.text
    assert found.counts["fetch_dataset"] == 1
    assert found.counts["write_submission"] == 1
    assert groups_in(found) == {"music", "non_music"}


def test_a_label_outside_every_group(tmp_path: Path) -> None:
    make_set(tmp_path / "own", ["Cello", "Wren"], sound=False)
    overlay = {"dataset": "own", "spreading": {"latent_two": {"scheme": "two"}}}
    found = plan(tmp_path, "submission.csv", overlay=overlay)
    told(found, "'Wren'", "in no group of the scheme 'two'", "scheme: one", "group_schemes")


def test_no_data_set(tmp_path: Path) -> None:
    found = plan(tmp_path, "submission.csv", overlay={"dataset": "set"})
    told(found, "The data set set is not there", "Set `dataset`", "earmark init")


def test_train_only_data_has_everything_but_a_submission(tmp_path: Path) -> None:
    for name in ("dog/1.wav", "dog/2.wav", "cat/3.wav", "cat/4.wav"):
        (tmp_path / "sounds" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sounds" / name).write_bytes(name.encode())
    overlay = {"dataset": "sounds"}
    found = plan(tmp_path, "all", overlay=overlay)
    assert found.code == 0, found.text
    assert found.counts["write_out_of_fold"] == 1
    absent = {"write_submission", "score", "read_truth", "combine_predictions", "measure_labels"}
    assert absent.isdisjoint(found.counts)
    assert {wildcards["part"] for wildcards in found.wildcards["predict"]} == {"train"}
    found = plan(tmp_path, "submission.csv", overlay=overlay)
    assert found.code != 0
    assert "has no test clips, so there is no submission.csv" in found.text


def test_official_folds_and_a_truth_in_a_list_with_splits(tmp_path: Path) -> None:
    rows = [
        (f"{number}.wav", ("dog", "cat")[number % 2], ("train", "test")[number > 5], number % 3 + 1)
        for number in range(8)
    ]
    for name, *_ in rows:
        (tmp_path / name).write_bytes(name.encode())
    write_rows(tmp_path / "mine.csv", ("file", "label", "split", "fold"), rows)
    overlay = {"dataset": "mine.csv", "systems": {"cnn_logmel": {"folds": "all"}}}
    found = plan(tmp_path, "scores", overlay=overlay)
    assert found.code == 0, found.text
    assert {fold for system, _, fold in trained(found) if system == "cnn_logmel"} == set("123")
    assert {fold for system, _, fold in trained(found) if system == "vgg_more"} == {"1"}
    assert (found.counts["read_truth"], found.counts["score"]) == (1, 1)
    assert read_rows(tmp_path / "results/mine/index/test.csv")[0]["clip"] == "6.wav"


def test_mistakes_in_the_config(tmp_path: Path) -> None:
    overlay: dict[str, Any] = {"recipes": {"vgg": {"epoch": 3, "learning_rate": "fast"}}}
    found = plan(tmp_path, "submission.csv", overlay=overlay)
    told(found, "recipes.vgg has the unknown key 'epoch'", "'fast'", "Write a number above 0")
    recipes = "recipes={vgg: {epochs: 1.5, learning_rate: 5.0e-4}}"
    found = plan(tmp_path, "submission.csv", "--config", recipes, "systems={vgg_more: 3}")
    told(found, "recipes.vgg.epochs is 1.5. Write a whole number", "systems.vgg_more is 3")


def test_an_entry_replaced_by_null_is_gone_and_what_is_scored_can_be_said(tmp_path: Path) -> None:
    make_set(tmp_path / "own", ["Wren", "Robin"], truth=True, sound=False)
    overlay = {
        "dataset": "own",
        "submission": "cnn_logmel",
        "scores": ["cnn_logmel"],
        "ensembles": {"arithmetic": None, "geometric": None, "power": None, "weighted": None},
        "spreading": {"latent_two": None},
        "labels": {"promoted": None},
        "systems": {"vgg_more": None, "vgg_fewer": None, "vgg_fewer_semi": None},
        "autoencoders": {"stft": None},
    }
    found = plan(tmp_path, "all", overlay=overlay)
    assert found.code == 0, found.text
    assert trained(found) == {("cnn_logmel", "1", "0")}
    assert {"train_autoencoder", "spread_labels", "selftrain_round"}.isdisjoint(found.counts)
    assert found.counts["combine_predictions"] == 1


def test_another_workflow_uses_this_one_as_a_module(tmp_path: Path) -> None:
    make_set(tmp_path / "own", ["Cello", "Bark"], sound=False)
    (tmp_path / "Snakefile").write_text(
        f"""
configfile: "mine.yaml"

module earmark:
    snakefile: "{REPO}/Snakefile"
    config: config["earmark"]

use rule * from earmark as earmark_*

rule finished:
    default_target: True
    input: "submission.csv"
    output: "done.txt"
    shell: "touch {{output}}"
""",
        encoding="utf-8",
    )
    (tmp_path / "mine.yaml").write_text("earmark: {dataset: own, extends: small, seed: 3}\n")
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "-j2", "--nocolor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    text = run.stdout + run.stderr
    assert run.returncode == 0, text
    # config.yaml and the preset are below what the other workflow says.
    assert "results/own/models/cnn_logmel/seed3/fold0/weights.safetensors" in text
    assert re.search(r"^earmark_train_model +3$", text, re.M), text


def test_suspects_need_all_folds_of_what_is_submitted(tmp_path: Path) -> None:
    overlay = {"submission": "vgg_more", "folds": 3}
    found = plan(tmp_path, "review", overlay=overlay)
    assert found.code == 0, found.text
    assert trained(found) == {("vgg_more", "1", str(fold)) for fold in range(3)}
    assert found.counts["find_suspects"] == found.counts["review"] == 1
    assert "predict" in found.counts
    assert "train_autoencoder" not in found.counts
    # Other systems may be asked.
    overlay["suspects"] = {"systems": ["cnn_logmel"]}
    found = plan(tmp_path, "suspects.csv", overlay=overlay)
    assert {system for system, _, _ in trained(found)} == {"cnn_logmel"}
    assert "review" not in found.counts
