"""Sweeps: which systems they make, what is trained, and the table, worked out by hand."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from drawn import assert_same_bytes
from tiny import REPO, default_config, make_set, merged, plan, read_rows, snakemake
from tiny_run import Run
from torch import nn

from earmark.evaluation import evaluating, judging, sweeps
from earmark.evaluation.predictions import Predictions
from earmark.networks import cost
from earmark.networks.build import build
from earmark.planning import config as settings
from earmark.planning import sweep
from earmark.reporting import sweep_figure
from earmark.runtime.errors import EarmarkError

SCHEMA = yaml.safe_load((REPO / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8"))


def expanded(of: Any) -> tuple[dict[str, Any], list[str]]:
    config = merged(default_config(), {"sweep": of})
    settings.check(config, SCHEMA)
    return config, sweep.expand(config, SCHEMA)


def test_a_grid_makes_a_system_for_each_combination() -> None:
    grid = {"recipes.crops.learning_rate": [1.0e-3, 2.0e-3], "network_options.width": [16, 32]}
    config, names = expanded({"cnn_logmel": grid})
    assert names == [
        f"cnn_logmel-learning_rate={rate}-width={width}"
        for rate in ("0.001", "0.002")
        for width in (16, 32)
    ]
    before = default_config()
    for name, (rate, width) in zip(
        names, ((r, w) for r in (1.0e-3, 2.0e-3) for w in (16, 32)), strict=True
    ):
        made = config["systems"][name]
        assert made["network_options"] == {"width": width}
        assert config["recipes"][made["recipe"]] == {
            **before["recipes"]["crops"],
            "learning_rate": rate,
        }
        kept = ("feature", "network", "labels", "folds")
        assert [made[key] for key in kept] == [before["systems"]["cnn_logmel"][key] for key in kept]
    # A recipe for both widths; the one that has this rate already is not copied.
    assert set(config["recipes"]) - set(before["recipes"]) == {"crops-learning_rate=0.001"}
    for section in ("systems", "recipes", "features"):
        assert {key: config[section][key] for key in before[section]} == before[section]


def test_a_list_of_grids_changes_one_thing_at_a_time() -> None:
    config, names = expanded(
        {
            "cnn_logmel": [
                {},
                {"recipes.crops.mixup_alpha": 0.0},
                {"recipes.crops.mask_bands": 0, "recipes.crops.mask_frames": 0},
                {"labels": ["verified"], "recipes.crops.warmup_epochs": None},
            ]
        }
    )
    assert names == [
        "cnn_logmel",
        "cnn_logmel-mixup_alpha=0.0",
        "cnn_logmel-mask_bands=0-mask_frames=0",
        "cnn_logmel-labels=verified-warmup_epochs=None",
    ]
    recipes = [config["recipes"][config["systems"][name]["recipe"]] for name in names]
    crops = default_config()["recipes"]["crops"]
    assert recipes[0] == crops
    assert recipes[1] == {**crops, "mixup_alpha": 0.0}
    assert recipes[2] == {**crops, "mask_bands": 0, "mask_frames": 0}
    del crops["warmup_epochs"]
    assert recipes[3] == crops
    assert config["systems"][names[3]]["labels"] == "verified"


def test_what_lies_between_a_system_and_a_setting_is_copied_for_it_alone() -> None:
    config, names = expanded(
        {
            "vgg_fewer_semi": {
                "autoencoders.stft.latents_mode": "training",
                "selftraining.short.rounds": 3,
            }
        }
    )
    (name,) = names
    semi = config["systems"][name]
    assert config["selftraining"][semi["selftraining"]]["rounds"] == 3
    base = config["systems"][semi["base"]]
    assert semi["base"] == "vgg_fewer-latents_mode=training"
    spreading = config["spreading"][config["labels"][base["labels"]]["spreading"]]
    assert config["autoencoders"][spreading["autoencoder"]]["latents_mode"] == "training"
    assert (base["feature"], base["recipe"]) == ("stft", "vgg")
    assert config["systems"]["vgg_fewer"]["labels"] == "promoted"


def test_settings_of_the_same_last_key_are_told_apart_and_text_is_read() -> None:
    _, names = expanded(
        {
            "vgg_fewer_semi": {
                "recipes.vgg.learning_rate": ["1e-3", "1e30"],
                "recipes.adjust.learning_rate": "2.0e-3",
            }
        }
    )
    assert names == [
        f"vgg_fewer_semi-vgg.learning_rate={rate}-adjust.learning_rate=0.002"
        for rate in ("0.001", "1e+30")
    ]


@pytest.mark.parametrize(
    ("of", "parts"),
    [
        (3, ("sweep is 3", "{network_options.width: [16, 32]}")),
        ({"cnn_logmel": 3}, ("sweep.cnn_logmel is 3", "a list of grids")),
        ({"cnn_logmel": [3]}, ("sweep.cnn_logmel is [3]", "a list of grids")),
        ({"cnn_logmel": {"labels": []}}, ("sweep.cnn_logmel is", "a grid")),
        ({"cnn": {}}, ("sweep is 'cnn', which is not among systems", "cnn_logmel")),
        (
            {"cnn_logmel": {"recipes.vgg.epochs": [3]}},
            ("'recipes.vgg.epochs'", "does not use it", "recipes.crops"),
        ),
        (
            {"cnn_logmel": {"recipes.crops.epochs.x": 3}},
            ("-x=3.epochs is {'x': 3}", "a whole number"),
        ),
        ({"cnn_logmel": {"seed": 3}}, ("-seed=3 has the unknown key 'seed'", "network_options")),
        (
            {"cnn_logmel": {"recipes.crops.learning_rate": ["fast"]}},
            ("learning_rate=fast", "is 'fast'", "above 0"),
        ),
        (
            {"cnn_logmel": {"network_options.width": [0]}},
            ("cnn_logmel-width=0", "'width'", "from 1 to 1024"),
        ),
        ({"cnn_logmel": {"labels": ["x"]}}, ("labels=x.labels is 'x'", "everything")),
        ({"cnn_logmel": [{}, {}]}, ("cnn_logmel of the sweep is there twice",)),
        ({"cnn_logmel": {"labels": 200 * "x"}}, ("longer than 180",)),
    ],
)
def test_a_mistake_in_a_sweep_gets_a_sentence(of: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(EarmarkError) as caught:
        expanded(of)
    for part in parts:
        assert part in str(caught.value)


def test_seeds_and_folds_are_those_of_the_config(tmp_path: Path) -> None:
    make_set(tmp_path / "own", ["Cello", "Bark"], sound=False)
    overlay = {"dataset": "own", "seeds": [3, 4], "systems": {"cnn_logmel": {"folds": [0, 2]}}}
    grid = "{recipes.crops.learning_rate: 1e-3, network_options.width: [4, 8]}"
    given = ("--config", f"sweep={{cnn_logmel: [{{}}, {grid}]}}")
    found = plan(tmp_path, "sweep", *given, overlay=overlay)
    assert found.code == 0, found.text
    systems = ["cnn_logmel", *(f"cnn_logmel-learning_rate=0.001-width={width}" for width in (4, 8))]
    trained = [(row["system"], row["seed"], row["fold"]) for row in found.wildcards["train_model"]]
    assert sorted(trained) == sorted(
        (s, seed, fold) for s in systems for seed in "34" for fold in "02"
    )
    assert found.counts["predict"] == 6
    assert found.counts["extract_features"] == found.counts["tabulate_sweep"] == 1
    # Without a sweep there is nothing to compare; with one that nothing is trained of, nothing yet.
    for target, words in (("sweep", "Write `sweep`"), ("ablation", "Write `sweep`")):
        assert words in plan(tmp_path, target, overlay=overlay).text
    overlay["sweep"] = {"cnn_logmel": {}}
    assert "No system of a sweep is trained" in plan(tmp_path, "sweep_so_far", overlay=overlay).text


CLASSES = ["Bark", "Bus", "Cello", "Gong"]
RECORDINGS = 12


@pytest.fixture
def judged() -> dict[str, Any]:
    """Predictions of two systems with two seeds for clips of which two each are a recording."""
    rng = np.random.default_rng(4)
    clips = [f"{number}.wav" for number in range(2 * RECORDINGS)]
    labels = pd.DataFrame(
        {
            "clip": clips,
            "label": rng.choice(CLASSES, len(clips)),
            "present": 1,
            "verified": (np.arange(len(clips)) % 4 > 0).astype(int),
            "origin": "list",
        }
    )
    folds = pd.DataFrame(
        {
            "clip": clips,
            "recording": [f"r{number // 2}" for number in range(len(clips))],
            "fold": [number // 2 % 3 for number in range(len(clips))],
        }
    )
    predicted = {}
    for system in ("narrow", "wide"):
        for seed in (1, 2):
            values = rng.dirichlet(np.ones(4), len(clips))
            values[folds["fold"] == 2] = np.nan  # not held out
            predicted[system, seed] = Predictions(clips, CLASSES, values)
    return {"predicted": predicted, "labels": labels, "folds": folds}


def test_the_table_agrees_with_the_evaluation_and_with_a_slow_loop(judged: dict[str, Any]) -> None:
    scores = sweeps.clip_scores(**judged)
    found = sweeps.table(scores, ["narrow", "wide"], judged["folds"]).set_index("system")
    entries = {
        name: {"kind": "arithmetic", "exponent": 1.0, "members": [name]}
        for name in ("narrow", "wide")
    }
    by_seed = {seed: {name: judged["predicted"][name, seed] for name in entries} for seed in (1, 2)}
    evaluated = evaluating.scores(
        [
            one
            for seed, by_system in by_seed.items()
            for one in judging.held_out(entries, seed, by_system, judged["labels"], judged["folds"])
        ]
    )
    means = evaluated[(evaluated["seed"] == "mean") & (evaluated["split"] == "all")]
    means = means.set_index("system")
    names = ["clips", *(f"{n}{end}" for n in ("map3", "accuracy") for end in ("", "_low", "_high"))]
    for name in names:
        assert found[name].to_numpy(float) == pytest.approx(means[name].to_numpy(float)), name
    assert found["seeds"].tolist() == [2, 2]
    # The first is compared with nothing, the other clip by clip.
    assert found.loc["narrow", sweeps.DIFFERENCES].isna().all()
    gains = []
    for row in judged["labels"].merge(judged["folds"], on="clip").itertuples():
        if row.verified and row.fold < 2:
            hit = {"narrow": 0.0, "wide": 0.0}
            for (system, _), one in judged["predicted"].items():
                best = CLASSES[one.probabilities[one.clips.index(row.clip)].argmax()]
                hit[system] += (best == row.label) / 2
            gains.append(hit["wide"] - hit["narrow"])
    wide = found.loc["wide"]
    assert wide["accuracy_difference"] == pytest.approx(np.mean(gains))
    assert wide["accuracy_difference_low"] < wide["accuracy_difference"]
    assert wide["accuracy_difference"] < wide["accuracy_difference_high"]


def test_systems_that_hold_out_no_clip_in_common_have_no_difference(judged: dict[str, Any]) -> None:
    in_fold = judged["folds"]["fold"].to_numpy()
    for (system, _), one in judged["predicted"].items():
        one.probabilities[in_fold == (0 if system == "wide" else 1)] = np.nan
    found = sweeps.table(sweeps.clip_scores(**judged), ["narrow", "wide"], judged["folds"])
    assert found[sweeps.DIFFERENCES].isna().all(axis=None)
    assert found["map3"].notna().all()


def test_seconds_are_a_mean_over_networks_of_all_their_rounds(tmp_path: Path) -> None:
    files = []
    for number, seconds in enumerate((10.0, 5.0, 20.0, 7.0)):
        files.append(str(tmp_path / f"{number}.tsv"))
        Path(files[-1]).write_text(f"s\th:m:s\n{seconds}\t0:00:10\n")
    assert sweeps.seconds_of([files[:2], files[2:]]) == (15 + 27) / 2
    assert np.isnan(sweeps.seconds_of([files[:1], [str(tmp_path / "none.tsv")]]))


def test_multiply_adds_are_the_weights_that_each_output_sums_over() -> None:
    model = {
        "network": "cnn_logmel",
        "network_options": {"width": 4, "depth": 3},
        "input_shape": [16, 24],
        "classes": CLASSES,
    }
    module = build("cnn_logmel", (16, 24), 4, width=4, depth=3).eval()
    total = 0

    def count(layer: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    module(torch.zeros(1, 16, 24))
    assert total > 10_000
    found = cost.cost_of(model)
    assert found["multiply_adds"] == total
    assert found["parameters"] == sum(p.numel() for p in module.parameters() if p.requires_grad)


def test_the_figure_shows_scores_and_differences(judged: dict[str, Any], tmp_path: Path) -> None:
    table = sweeps.table(sweeps.clip_scores(**judged), ["narrow", "wide"], judged["folds"])
    left, right = sweep_figure.sweep_figure(table).axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["narrow", "wide"]
    assert left.yaxis_inverted()
    for axes, end in ((left, ""), (right, "_difference")):
        dots = {line.get_label(): line for line in axes.lines}
        for label, name in (("accuracy", "accuracy"), ("MAP@3", "map3")):
            drawn = np.asarray(dots[label].get_xdata(), dtype=float)
            np.testing.assert_array_equal(drawn, table[f"{name}{end}"].to_numpy(float))
    assert_same_bytes(lambda: sweep_figure.sweep_figure(table), tmp_path)


def test_a_setting_that_fails_costs_no_other(finished: Run, tmp_path: Path) -> None:
    copied = finished.copy(tmp_path)
    run, results = copied.directory, copied.results
    grids = [{}, {"recipes.crops.learning_rate": 1.0e30}, {"network_options.width": 2}]
    overlay = merged(copied.overlay, {"sweep": {"cnn_logmel": grids}})
    overlay["recipes"]["crops"]["epochs"] = 2
    first = merged(copy.deepcopy(overlay), {"seeds": [1]})
    code, text = snakemake(run, "-k", "sweep", overlay=first)
    assert code != 0
    assert "The loss of epoch 1, step 2 is nan" in text
    assert "sweep_so_far" in text
    assert not (results / "sweep.csv").exists()
    assert (results / "predictions/cnn_logmel-width=2/seed1/train.h5").exists()

    code, text = snakemake(run, "sweep_so_far", overlay=first)
    assert code == 0, text
    assert "train_model" not in text
    assert "Without cnn_logmel-learning_rate=1e+30" in text
    rows = read_rows(results / "sweep_so_far.csv")
    assert [row["system"] for row in rows] == [
        "cnn_logmel",
        "cnn_logmel-width=2",
        "cnn_logmel-learning_rate=1e+30",
    ]
    counts = {row["clips"] for row in rows[:2]}
    assert counts == {"8"}  # half of 16 verified clips are in the fold
    assert {value for key, value in rows[2].items() if key != "system"} == {""}
    # Half the width has about a quarter of the multiply-adds.
    small, large = (int(rows[place]["multiply_adds"]) for place in (1, 0))
    assert 3 < large / small < 4.5
    assert all(float(row["seconds"]) > 0 for row in rows[:2])
    assert (results / "report/sweep_so_far.png").stat().st_size > 1000
