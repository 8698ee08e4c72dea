"""The 2018 report: its published sizes and settings, and what is planned."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny import REPO, default_config, merged, plan, snakemake

from earmark.features import settings as feature_settings
from earmark.labels.threshold_schedule import ThresholdSchedule
from earmark.networks import autoencoder
from earmark.networks.build import build, parameter_count
from earmark.training import recipes

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

PRESET = yaml.safe_load((REPO / "presets/report2018.yaml").read_text(encoding="utf-8"))
FULL = merged(default_config(), PRESET)
SMALL = {"extends": "report2018-small"}

# system: trainable parameters. Where the report gives none, they are worked out by hand in
# test_networks_2018.py (the longer window has 1025 bins: 64 x 27 places instead of 32 x 27).
PARAMETERS = {
    "raw_1d": 360_513,
    "mfcc_2d": 168_361,
    "spectrogram_2d": 1_896_873,
    "all_data": 1_896_873,
    "tall_kernels": 2_898_137,
    "longer_window": 1_896_873 + 32 * 32 * 27 * 64,
    "more_verified": 1_110_681,
    "more_promoted": 1_110_681,
    "fewer_promoted": 1_263_465,
    "fewer_promoted_again": 1_263_465,
    "fewer_latent": 1_263_465,
    "fewer_coarse": 1_263_465,
}
SHAPES = {"raw_1d": (1, 32000), "mfcc_2d": (40, 173), "longer_window": (1025, 439)}


def listed_systems() -> dict[str, Any]:
    """The preset's own systems; the default's lie beneath."""
    return {name: FULL["systems"][name] for name in PRESET["systems"]}


def test_every_system_at_full_size() -> None:
    trained = {name: entry for name, entry in listed_systems().items() if "base" not in entry}
    assert set(trained) == set(PARAMETERS)
    for name, entry in trained.items():
        recipe = FULL["recipes"][entry["recipe"]]
        height, width = feature_settings.parse(FULL["features"][entry["feature"]]).shape
        shape = (height, width or recipe["crop_frames"])
        assert shape == SHAPES.get(name, (513, 439)), name
        with torch.device("meta"):
            module = build(entry["network"], shape, 41, **entry.get("network_options", {}))
            assert module.eval()(torch.zeros(2, *shape)).shape == (2, 41)
        assert parameter_count(module) == PARAMETERS[name], name


def test_the_autoencoder_at_full_size() -> None:
    entry = FULL["autoencoders"]["report"]
    shape = feature_settings.parse(FULL["features"][entry["feature"]]).shape
    with torch.device("meta"):
        module = autoencoder.Autoencoder(shape, entry["batch_norm_momentum"])
        assert module.encode(torch.zeros(1, *shape)).shape == (1, 4096)
    assert not module.padded
    assert parameter_count(module) == 956_097
    recipe = recipes.from_settings(FULL["recipes"][entry["recipe"]])
    assert (recipe.settings.epochs, recipe.settings.learning_rate) == (100, 1e-5)
    assert (recipe.batch_clips, recipe.settings.patience) == (16, 10)


def test_recipes_spreading_and_schedules_are_the_reports() -> None:
    found = {name: recipes.from_settings(FULL["recipes"][name]) for name in PRESET["recipes"]}
    for name, epochs in {"report_vgg": 200, "report_a": 200, "report_b": 20}.items():
        recipe = found[name]
        assert (recipe.settings.epochs, recipe.settings.patience, recipe.watch) == (
            epochs,
            15,
            "accuracy",
        )
        assert (recipe.settings.learning_rate, recipe.batch_clips) == (1e-3, 16)
        assert (recipe.settings.schedule, recipe.settings.keep) == ("constant", "best")
    raw = found["report_raw"]
    assert (raw.settings.epochs, raw.settings.patience, raw.watch) == (50, 5, "loss")
    assert (raw.batch_clips, raw.crops.frames) == (64, 32000)
    assert found["report_cepstra"].crops.frames == 173
    for scheme, name in FULL["report"]["spreading"].items():
        entry = FULL["spreading"][name]
        assert entry["scheme"] == scheme
        assert (entry["gamma"], entry["latent_divisor"], entry["alpha"]) == (20.0, 80.0, 0.2)
        assert (entry["max_iterations"], entry["tolerance"]) == (100_000, 1e-3)
    for name, rounds in {"report_a": 3, "report_b": 30}.items():
        entry = FULL["selftraining"][name]
        assert entry["rounds"] == rounds
        bounds = {key: entry[key] for key in ("lower_first", "lower_step", "lower_last", "upper")}
        schedule = ThresholdSchedule(**bounds)
        assert (schedule.lower(1), schedule.lower(2), schedule.upper) == (0.35, 0.36, 0.9)
        assert schedule.lower(99) == 0.65


def test_quirks_name_options_that_exist_and_are_off() -> None:
    schema = (REPO / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8")
    named = (REPO / "docs/departures.md").read_text(encoding="utf-8")
    for option in ("silence", "stretch", "latents_mode", "isolated", "start", "validation"):
        assert f".{option}: " in named
        assert f" {option}: {{" in schema
    assert all(entry.get("silence", "floor") == "floor" for entry in FULL["features"].values())
    assert all(entry["latents_mode"] == "evaluation" for entry in FULL["autoencoders"].values())
    assert all(entry["isolated"] == "undecided" for entry in FULL["spreading"].values())
    assert all(entry["start"] == "base" for entry in FULL["selftraining"].values())
    assert all(
        entry.get("validation", "verified") == "verified" for entry in listed_systems().values()
    )


@pytest.mark.parametrize("preset", ["report2018", "report2018-small"])
def test_everything_is_planned_and_shared_work_once(tmp_path: Path, preset: str) -> None:
    found = plan(tmp_path, "report2018", overlay={"extends": preset, "dataset": "demo"})
    assert found.code == 0, found.text
    models = {(job["system"], job["seed"], job["fold"]) for job in found.wildcards["train_model"]}
    assert models == {(name, "1", "0") for name in PARAMETERS}
    assert found.counts["train_model"] == len(models)
    rounds = [(job["system"], int(job["round"])) for job in found.wildcards["selftrain_round"]]
    expected = [("semi_a", n) for n in range(1, 4)] + [("semi_a_promoted", n) for n in range(1, 4)]
    assert sorted(rounds) == sorted(expected + [("semi_b", n) for n in range(1, 31)])
    # One extraction a feature, one autoencoder, and 1 + 2 + 3 + 5 groups in latents, 2 in pictures.
    features = sorted((job["feature"], job["part"]) for job in found.wildcards["extract_features"])
    used = ("samples", "cepstra", "spectrogram", "spectrogram_long")
    wanted = {(name, part) for name in used for part in ("train", "test")}
    # Pictures to compare train clips by, and nothing else.
    coarse = {("spectrogram_coarse", "train")} if preset == "report2018" else set()
    assert features == sorted(wanted | coarse)
    assert found.counts["train_autoencoder"] == 1
    assert found.counts["spread_labels"] == 13
    listed = [row["entry"] for rows in PRESET["report"]["systems"].values() for row in rows]
    assert set(listed) <= {job["entry"] for job in found.wildcards["combine_predictions"]}


def test_one_more_system_is_five_lines(tmp_path: Path) -> None:
    lines = """extends: report2018-small
systems:
  mine: {feature: cepstra, network: cnn2d_mfcc, labels: everything, recipe: report_cepstra}
report:
  systems: {methods: [{title: MFCC on all data, entry: mine, reported: []}]}"""
    assert len(lines.splitlines()) == 5
    found = plan(tmp_path, "results/demo/report/methods.csv", overlay=yaml.safe_load(lines))
    assert found.code == 0, found.text
    assert {"system": "mine", "seed": "1", "fold": "0"} in found.wildcards["train_model"]
    assert {"entry": "mine", "seed": "1"} in found.wildcards["combine_predictions"]


def test_without_a_list_of_tables_the_target_says_what_to_add(tmp_path: Path) -> None:
    code, text = snakemake(tmp_path, "-n", "report2018")
    assert code != 0
    assert "--configfile presets/report2018-small.yaml" in text
