"""The plan: who needs which file. Worked out by hand from the design, without Snakemake."""

import re
from pathlib import Path
from typing import Any

import pytest
from tiny import default_config, merged

from earmark.dataset.layout import kaggle_layout
from earmark.planning.data_source import Source
from earmark.planning.plan import Model, Plan, pattern
from earmark.runtime.errors import EarmarkError

CLASSES = ["Bark", "Cello", "Flute"]


def plan_of(
    overlay: dict[str, Any] | None = None,
    labels: list[str] = CLASSES,
    folds: list[int] | None = None,
    has_test: bool = True,
) -> Plan:
    source = Source("mine", "folder", kaggle_layout(Path("sounds")), labels, folds, has_test)
    return Plan(merged(default_config(), overlay or {}), source)


def test_a_trained_system_has_one_stage() -> None:
    plan = plan_of()
    model = Model("cnn_logmel", 1, 0)
    assert plan.model_folders(model) == {0: "results/mine/models/cnn_logmel/seed1/fold0"}
    assert plan.final_model_file(model, "x") == "results/mine/models/cnn_logmel/seed1/fold0/x"
    assert plan.features_of("cnn_logmel", "test") == "results/mine/features/log_mel/test.h5"
    assert plan.selection_of("cnn_logmel") == "results/mine/selections/everything.csv"


def test_a_selftrained_system_begins_with_its_base() -> None:
    plan = plan_of({"selftraining": {"short": {"rounds": 2}}})
    model = Model("vgg_fewer_semi", 7, 3)
    rounds = "results/mine/selftraining/vgg_fewer_semi/seed7/fold3"
    base = "results/mine/models/vgg_fewer/seed7/fold3"
    assert plan.model_folders(model) == {0: base, 1: f"{rounds}/round1", 2: f"{rounds}/round2"}
    assert plan.previous_weights(model, 1) == [f"{base}/weights.safetensors"]
    assert plan.previous_weights(model, 2) == [f"{rounds}/round1/weights.safetensors"]
    assert plan.final_model_file(model, "model.json") == f"{rounds}/round2/model.json"
    assert plan.selection_of("vgg_fewer_semi") == "results/mine/selections/promoted.csv"


def test_a_selftraining_that_starts_untrained_has_no_base() -> None:
    plan = plan_of({"selftraining": {"short": {"start": "untrained"}}})
    model = Model("vgg_fewer_semi", 1, 0)
    assert list(plan.model_folders(model)) == [1, 2]
    assert plan.previous_weights(model, 1) == []
    assert plan.previous_weights(model, 2) != []


def test_every_fold_and_seed_votes() -> None:
    plan = plan_of({"systems": {"vgg_fewer": {"folds": [0, 2]}}, "seeds": [4, 5]})
    assert plan.folds_of("vgg_fewer_semi") == [0, 2]
    rounds = "results/mine/selftraining/vgg_fewer_semi/seed5"
    assert plan.final_model_files("vgg_fewer_semi", 5, "x") == [
        f"{rounds}/fold0/round2/x",
        f"{rounds}/fold2/round2/x",
    ]
    members = ["vgg_fewer_semi", "vgg_more", "cnn_logmel"]
    assert plan.predictions_of("arithmetic", 4, "train") == [
        f"results/mine/predictions/{name}/seed4/train.h5" for name in members
    ]
    assert plan.seeds == [4, 5]
    assert plan.first_model("vgg_fewer") == Model("vgg_fewer", 4, 0)


def test_a_network_on_every_clip_follows_the_folds_where_validation_decides() -> None:
    change = {"systems": {"vgg_fewer": {"folds": [0, 2]}}, "recipes": {"adjust": {"keep": "best"}}}
    plan = plan_of(change)
    semi = Model("vgg_fewer_semi", 1, "all")
    assert plan.training_settings(semi)["fold"] == "all"
    rounds = "results/mine/selftraining/vgg_fewer_semi/seed1"
    assert plan.final_model_file(semi, "x") == f"{rounds}/foldall/round2/x"
    assert plan.previous_weights(semi, 1) == [
        "results/mine/models/vgg_fewer/seed1/foldall/weights.safetensors"
    ]
    # The base keeps the last epoch, each round the best one.
    assert plan.models_of_folds(Model("vgg_fewer", 1, "all")) == []
    assert plan.models_of_folds(semi, 2) == [
        f"{rounds}/fold0/round2/model.json",
        f"{rounds}/fold2/round2/model.json",
    ]
    patient = plan_of({"recipes": {"crops": {"patience": 3}}})
    assert patient.models_of_folds(Model("cnn_logmel", 1, "all")) == [
        "results/mine/models/cnn_logmel/seed1/fold0/model.json"
    ]
    assert patient.models_of_folds(Model("cnn_logmel", 1, 0)) == []


def test_what_tags_sounds_and_what_the_tagger_has() -> None:
    with pytest.raises(EarmarkError, match="sounds=path"):
        plan_of().tagging_predictions()
    change = {
        "seeds": [5, 6],
        "sounds": "heard",
        "submission": "weighted",
        "systems": {"vgg_fewer": {"folds": [0, 2]}},
        "ensembles": {"weighted": {"members": ["vgg_fewer_semi", "cnn_logmel"]}},
    }
    plan = plan_of(change)
    assert plan.tagging_predictions() == [
        "results/mine/predictions/vgg_fewer_semi/seed5/sounds.h5",
        "results/mine/predictions/cnn_logmel/seed5/sounds.h5",
    ]
    # A weighted mean alone needs scores.
    assert plan.weighing_scores("weighted", 5) == [
        "results/mine/calibration/vgg_fewer_semi/seed5.json",
        "results/mine/calibration/cnn_logmel/seed5.json",
    ]
    assert plan.weighing_scores("arithmetic", 5) == []
    assert plan.tagger_models == {
        "vgg_fewer_semi.safetensors": Model("vgg_fewer_semi", 5, "all"),
        "cnn_logmel.safetensors": Model("cnn_logmel", 5, "all"),
    }
    folds = plan_of({**change, "tagger": {"members": "folds"}})
    assert folds.tagger_models == {
        "vgg_fewer_semi_fold0.safetensors": Model("vgg_fewer_semi", 5, 0),
        "vgg_fewer_semi_fold2.safetensors": Model("vgg_fewer_semi", 5, 2),
        "cnn_logmel_fold0.safetensors": Model("cnn_logmel", 5, 0),
    }


def test_folds_that_are_trained() -> None:
    def folds(chosen: Any, official: list[int] | None = None) -> list[int]:
        plan = plan_of({"systems": {"cnn_logmel": {"folds": chosen}}}, folds=official)
        return plan.folds_of("cnn_logmel")

    drawn, official = [0, 1, 2, 3, 4], [1, 3, 10]
    assert [folds("first"), folds("all"), folds([2, 4])] == [[0], drawn, [2, 4]]
    # Official folds have the list's own numbers, and are as many as there are.
    assert folds("first", official) == [1]
    assert folds("all", official) == official
    assert folds([10], official) == [10]
    others = {"systems": {name: {"folds": "first"} for name in ("vgg_fewer", "vgg_more")}}
    assert plan_of(others, folds=official).every_fold == official


@pytest.mark.parametrize(
    ("chosen", "official", "there"),
    [([0, 5], None, "0, 1, 2, 3, 4"), ([0], [1, 2], "1, 2"), ([1, 4], [1, 3], "1, 3")],
)
def test_folds_that_there_are_not(
    chosen: list[int], official: list[int] | None, there: str
) -> None:
    with pytest.raises(EarmarkError, match=f"has {chosen[-1]}, but the folds are {there}"):
        plan_of({"systems": {"vgg_more": {"folds": chosen}}}, folds=official)


def test_without_test_clips_there_is_no_submission() -> None:
    assert plan_of().submitted_guesses("csv") == ["results/mine/guesses/seed1/arithmetic.csv"]
    with pytest.raises(EarmarkError, match="has no test clips, so there is no submission"):
        plan_of(has_test=False).submitted_guesses("csv")


def test_what_is_scored() -> None:
    members = ["vgg_fewer_semi", "vgg_more", "cnn_logmel"]
    ensembles = ["arithmetic", "geometric", "power", "weighted"]
    assert plan_of().scored == [*members, *ensembles]
    assert plan_of({"submission": "vgg_fewer"}).scored == [*members, *ensembles, "vgg_fewer"]
    chosen = plan_of({"scores": ["power", "vgg_fewer"]})
    assert chosen.scored == ["power", "vgg_fewer"]
    assert chosen.scored_systems == [*members, "vgg_fewer"]
    assert chosen.selections == ["everything", "promoted"]
    alone = plan_of({"scores": ["cnn_logmel"]})
    assert (alone.selections, alone.spreadings) == (["everything"], [])


def test_only_a_weighted_mean_asks_for_scores() -> None:
    plan = plan_of()
    asked = [name for name in plan.scored if plan.is_weighted(name)]
    assert asked == ["weighted"]
    assert plan.combination_of("vgg_more") == {
        "kind": "arithmetic",
        "exponent": 0.25,
        "members": ["vgg_more"],
    }


def test_groups_without_a_scheme_fit_the_classes() -> None:
    assert plan_of().groups_of("latent_two") == {"music": ["Cello", "Flute"], "non_music": ["Bark"]}
    assert plan_of(labels=["Bark", "Wren"]).groups_of("latent_two") == {"all": ["Bark", "Wren"]}
    three = plan_of({"spreading": {"latent_two": {"scheme": "three"}}})
    assert set(three.groups_of("latent_two")) == {"music", "creature"}
    asked = plan_of({"spreading": {"latent_two": {"scheme": "two"}}}, ["Bark", "Wren"])
    with pytest.raises(EarmarkError, match="'Wren' of the train list is in no group"):
        asked.groups_of("latent_two")
    # How clips are grouped is told by the classes: the scheme's name is no reason to redo it.
    settings = three.spreading_settings("latent_two", "creature")
    assert settings["classes"] == ["Bark"]
    assert "scheme" not in settings


def test_vectors_of_a_spreading() -> None:
    assert plan_of().vectors_of("latent_two") == "results/mine/autoencoders/stft/latents.h5"
    entry = dict(default_config()["spreading"]["latent_two"], feature="stft")
    del entry["autoencoder"]
    pictures = plan_of({"spreading": {"pictures": entry}})
    assert pictures.vectors_of("pictures") == "results/mine/features/stft/train.h5"


def test_settings_of_trainings_are_plain_and_say_whose_they_are() -> None:
    plan = plan_of({"selftraining": {"short": {"lower_step": 0.05}}})
    base = plan.training_settings(Model("vgg_fewer", "2", "1"))
    assert (base["system"], base["seed"], base["fold"]) == ("vgg_fewer", 2, 1)
    assert base["recipe"] == plan.config["recipes"]["vgg"]
    assert "round" not in base
    second = plan.training_settings(Model("vgg_fewer_semi", 2, 1), 2)
    assert second["recipe"] == plan.config["recipes"]["adjust"]
    assert second["round"] == 2
    assert second["network"] == "vgg_fewer"
    assert second["schedule"] == {
        "lower_first": 0.35,
        "lower_step": 0.05,
        "lower_last": 0.65,
        "upper": 0.9,
    }


def test_what_an_evaluation_is_of() -> None:
    plan = plan_of({"submission": "cnn_logmel"})
    assert (plan.validation, plan.evaluations) == ("validation", ["validation", "test"])
    assert plan.evaluated("validation") == plan.scored
    assert plan.evaluated("cross_validation") == ["cnn_logmel"]
    folder = "results/mine/predictions/cnn_logmel/seed1"
    assert plan.held_out_predictions("cross_validation") == {
        ("cnn_logmel", 1): f"{folder}/all_folds.h5"
    }
    assert plan.held_out_predictions("validation")["cnn_logmel", 1] == f"{folder}/train.h5"
    assert plan.final_model_files("cnn_logmel", 1, "x", "all_folds")[4].endswith("fold4/x")
    every = {
        "systems": {name: {"folds": "all"} for name in ("vgg_fewer", "vgg_more", "cnn_logmel")}
    }
    plan = plan_of(every, has_test=False)
    assert plan.evaluations == ["cross_validation"]
    assert plan.evaluated("cross_validation") == plan.scored
    paths = plan.held_out_predictions("cross_validation").values()
    assert all(path.endswith("train.h5") for path in paths)
    settings = plan.evaluation_settings("cross_validation")
    assert (settings["stop"], settings["promoted"]) == ([], ["vgg_fewer_semi"])
    assert settings["weighted"] == ["weighted"]
    stopping = plan_of({"recipes": {"adjust": {"patience": 2}}})
    assert stopping.evaluation_settings("validation")["stop"] == ["vgg_fewer_semi"]


def test_the_best_of_several() -> None:
    plan = plan_of({"submission": {"best_of": ["cnn_logmel", "power"]}, "scores": ["vgg_more"]})
    assert plan.candidates == ["cnn_logmel", "power"]
    assert plan.choice == ["results/mine/choice.csv"]
    assert plan.submitted_systems == ["cnn_logmel", "vgg_fewer_semi", "vgg_more"]
    guesses = [path.rsplit("/", 1)[1] for path in plan.submitted_guesses("csv")]
    assert guesses == ["cnn_logmel.csv", "power.csv"]
    assert len(plan.tagger_models) == 3
    assert plan_of().choice == []
    compared = plan_of({"scores": ["power"], "compare": {"one": ["power", "vgg_more"]}})
    assert compared.scored == ["power", "vgg_more"]


def test_a_pattern_of_no_names_matches_nothing() -> None:
    assert pattern({"a": 1, "b": 2}) == "a|b"
    assert not re.match(pattern([]), "")
