"""The rebuilt report: its published sizes and settings, what is planned, and a tiny run of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from test_end_to_end import CLASSES, TINY
from tiny import REPO, default_config, make_set, merged, plan, read_rows, report_page, snakemake

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


def tiny_report() -> dict[str, Any]:
    """The preset's list, cut down to what a test has time for; other tests run the default."""
    features = TINY["features"]
    short = TINY["recipes"]["vgg"]
    pictures = {**features["stft"], "bins": 32, "frames": 28}
    cut = {
        "extends": "report2018-small",
        "folds": 2,
        "hardware": TINY["hardware"],
        "features": {
            "spectrogram": pictures,
            "cepstra": {**features["log_mel"], "kind": "mfcc", "coefficients": 16},
        },
        "recipes": {
            **{name: short for name in PRESET["recipes"]},
            "report_cepstra": {**short, "crop_frames": 16},
        },
        "selftraining": {
            "report_a": {"rounds": 1},
            "report_b": {"rounds": 2, "start": "untrained", "lower_first": 0.0, "upper": 1.0},
        },
        "ensembles": {"power": {"members": ["fewer_latent", "semi_b"]}},
        "scores": ["power"],
        "report": {
            "spreading": dict.fromkeys(("one", "three", "five"), "report_two"),
            "structures_of": ["fewer_latent"],
        },
    }
    lines = {
        "methods": ["mfcc_2d"],
        "advancement": ["fewer_latent", "semi_b"],
        "ensembles": ["power"],
    }
    cut["report"]["systems"] = {
        table: [{"title": entry, "entry": entry, "reported": [0.7]} for entry in entries]
        for table, entries in lines.items()
    }
    return cut


def test_a_tiny_report_of_a_folder_without_truth(tmp_path: Path) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=8)
    overlay = {**tiny_report(), "dataset": str(made.folder)}
    code, text = snakemake(tmp_path / "run", "report2018", overlay=overlay)
    assert code == 0, text
    folder = tmp_path / "run/results/four/report"
    expected = {"clips_per_class.csv", "methods.html", "spreading_five.csv"}
    assert expected <= {path.name for path in folder.iterdir()}
    for path in folder.iterdir():
        assert path.stat().st_size > 60, path
    # Held-out verified clips stand in for the test clips, whose truth is not known.
    rows = read_rows(folder / "methods.csv")
    assert [row["system"] for row in rows] == ["mfcc_2d"]
    clips = [
        row
        for row in read_rows(folder.parent / "out_of_fold.csv")
        if row["system"] == "mfcc_2d" and row["verified"] == "1"
    ]
    ranks = [
        [row[f"guess_{rank}"] for rank in (1, 2, 3)].index(row["label"]) + 1
        if row["label"] in (row["guess_1"], row["guess_2"], row["guess_3"])
        else 0
        for row in clips
    ]
    mean = sum(1 / rank for rank in ranks if rank) / len(clips)
    assert float(rows[0]["map3"]) == pytest.approx(mean, abs=1e-4)
    assert int(rows[0]["clips"]) == len(clips) == 8
    # From nothing: an untrained network labels the whole pool in the first round of setting B.
    pool = folder.parent / "selftraining/semi_b/seed1/fold0/round1/pseudo_labels.csv"
    selection = read_rows(folder.parent / "selections/promoted_in_latents.csv")
    base = {row["clip"] for row in selection if float(row["weight"]) > 0}
    held_out = {row["clip"] for row in read_rows(folder.parent / "folds.csv") if row["fold"] == "0"}
    everything = {fname for fname, _, _ in made.train}
    assert {row["clip"] for row in read_rows(pool)} == everything - base - held_out
    # The base model had no part in that: neither a line of the table nor a job.
    assert read_rows(folder / "selftraining_semi_b.csv")[0]["round"] == "1"
    assert not (folder.parent / "models/fewer_coarse").exists()
    facts = json.loads((folder.parent / "models/mfcc_2d/seed1/fold0/model.json").read_text())
    assert facts["network"] == "cnn2d_mfcc"
    # One page shows each figure and table once, in the order of the report's sections.
    page = report_page(tmp_path / "run", "report2018", overlay=overlay)
    shown = Counter(Path(path).stem for path in page.data("results") if "/report/" in path)
    assert shown == dict.fromkeys({path.stem for path in folder.iterdir()}, 1)
    places = {Path(path).stem: place for path, place in page.sections().items()}
    for name, section in {
        "examples_spectrogram": "Section 2: spectrograms",
        "structure_autoencoder": "Section 3: the autoencoder",
        "spreading_five": "Section 4: label spreading",
        "structure_fewer_latent": "Section 5: networks",
        "threshold_schedule": "Section 6: self-training",
        "selftraining_semi_b": "Section 6: self-training",
        "methods": "Section 8: scores",
    }.items():
        assert places[name] == ("5 The 2018 report", section)
