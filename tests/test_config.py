"""The configuration: what ships is valid, and each kind of mistake gets its sentence."""

import functools
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import REPO, default_config, merged

from earmark.planning import config as settings
from earmark.planning import config_checks
from earmark.runtime.errors import EarmarkError

SCHEMA = yaml.safe_load((REPO / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8"))
PRESETS = sorted((REPO / "presets").glob("*.yaml"))
SYSTEM = {"feature": "log_mel", "network": "cnn_logmel", "labels": "everything", "recipe": "crops"}


def nested(path: str, value: object) -> dict[str, Any]:
    """The overlay that sets the key ``path``, written with dots."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def without(path: str) -> dict[str, Any]:
    """The default config without the key ``path``."""
    config = default_config()
    *sections, last = path.split(".")
    place = config
    for section in sections:
        place = place[section]
    del place[last]
    return config


def mistakes_in(config: dict[str, Any]) -> list[str]:
    with pytest.raises(EarmarkError) as caught:
        settings.check(config, SCHEMA)
    first, *rest = str(caught.value).splitlines()
    assert first == "The config cannot be used."
    assert rest
    for sentence in rest:
        assert sentence.startswith("- ")
        assert sentence.endswith(".")
        # These are a validator's words: they say what is wrong, not what to write.
        assert "is not of type" not in sentence
        assert "does not match" not in sentence
    return [sentence.removeprefix("- ") for sentence in rest]


def test_the_default_config_is_valid() -> None:
    settings.check(default_config(), SCHEMA)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_valid_over_the_default(preset: Path) -> None:
    overlays = [yaml.safe_load(preset.read_text(encoding="utf-8"))]
    while base := overlays[0].get("extends"):
        overlays.insert(0, yaml.safe_load(preset.with_name(f"{base}.yaml").read_text("utf-8")))
    config = functools.reduce(merged, overlays, default_config())
    settings.remove_nulls(config)
    settings.check(config, SCHEMA)


def test_there_are_presets() -> None:
    assert PRESETS


@pytest.mark.parametrize(
    ("overlay", "parts"),
    [
        # Unknown keys, at every depth.
        ({"datasets": "demo"}, ("unknown key 'datasets'", "dataset")),
        (nested("hardware.devices", "cpu"), ("hardware", "'devices'", "device")),
        (nested("recipes.vgg.epoch", 3), ("recipes.vgg", "'epoch'", "epochs")),
        (nested("features.stft.hop", 3), ("features.stft", "'hop'", "hop_samples")),
        (nested("features.log_mel.bins", 3), ("features.log_mel", "'bins'", "bands")),
        (nested("systems.vgg_fewer.seed", 3), ("systems.vgg_fewer", "'seed'", "labels")),
        (nested("systems.vgg_fewer_semi.recipe", "vgg"), ("systems.vgg_fewer_semi", "'recipe'")),
        (nested("spreading.latent_two.sigma", 3), ("spreading.latent_two", "'sigma'", "gamma")),
        (nested("labels.verified.weight", 3), ("labels.verified", "'weight'", "rest_weight")),
        # Text that YAML takes for a date, a number or yes and no.
        (yaml.safe_load("name: 2023-05-01"), ("name is", "put it in quotes")),
        (yaml.safe_load("name: 12:30"), ("name is 750", "put it in quotes")),
        (yaml.safe_load("dataset: 2023_05"), ("dataset is 202305", '"2023_05"', "./2023_05")),
        (yaml.safe_load("submission: No"), ("submission is False", "put it in quotes")),
        (yaml.safe_load("scores: [On]"), ("scores.0 is True", "put it in quotes")),
        (
            yaml.safe_load("group_schemes: {mine: {a: [Yes, null], b: [1e3, 007]}}"),
            ("group_schemes.mine.a.0 is True", "put it in quotes"),
        ),
        (
            yaml.safe_load("group_schemes: {mine: {a: [null]}}"),
            ("group_schemes.mine.a.0 is None", "put that in quotes"),
        ),
        (
            yaml.safe_load("systems: {No: {base: vgg_fewer, selftraining: short}}"),
            ("systems has an entry called False", "put it in quotes"),
        ),
        (yaml.safe_load("{No: 1, x: 2}"), ("unknown key 'False'", "put it in quotes")),
        # Text where something else belongs, as below `--config key={...}`.
        (nested("recipes.vgg.learning_rate", "fast"), ("learning_rate is 'fast'", "above 0")),
        (nested("recipes.vgg.learning_rate", "-1e-3"), ("learning_rate is -0.001", "above 0")),
        (nested("recipes.vgg.learning_rate", "nan"), ("learning_rate is nan", "above 0")),
        (nested("recipes.vgg.epochs", "1.5"), ("epochs is 1.5", "whole number")),
        (nested("recipes.vgg.epochs", "yes"), ("epochs is True", "whole number")),
        (nested("recipes.vgg.epochs", ""), ("epochs is None", "whole number")),
        (nested("recipes.vgg", "{epochs: 3"), ("recipes.vgg is '{epochs: 3'", "named entries")),
        (nested("systems.vgg_more.folds", ["0", "x"]), ("folds is [0, 'x']", "a list of folds")),
        (nested("hardware.compile", "often"), ("compile is 'often'", "auto, true or false")),
        # Wrong types and values.
        (nested("seed", -1), ("seed is -1", "0 or more")),
        (nested("seed", 1.5), ("seed is 1.5", "whole number")),
        (nested("seeds", []), ("seeds is []", "a list of seeds")),
        (nested("seeds", [1, 1]), ("seeds is [1, 1]", "a list of seeds")),
        (nested("seeds", 3), ("seeds is 3", "a list of seeds")),
        (nested("folds", 1), ("folds is 1", "2 or more")),
        (nested("folds", True), ("folds is True", "2 or more")),
        (nested("dataset", ""), ("dataset is ''", "path of a data set's folder")),
        (nested("dataset", 2018), ("dataset is 2018", "path of a data set's folder")),
        (nested("dataset", None), ("dataset is None", "path of a data set's folder")),
        (nested("clips.clipped", "ignore"), ("clips.clipped is 'ignore'", "use, skip or stop")),
        (nested("clips.empty", "use"), ("clips.empty is 'use'", "skip or stop", "nothing to use")),
        (nested("clips.most_skipped_percent", 101), ("from 0 to 100",)),
        (nested("training_threads", 0), ("training_threads is 0", "1 or more")),
        (nested("hardware.device", "gpu"), ("hardware.device is 'gpu'", "auto, cpu, cuda or mps")),
        (nested("demo.clips_per_class", 1), ("demo.clips_per_class is 1", "6 or more")),
        (nested("demo.wrong_fraction", 1.5), ("demo.wrong_fraction is 1.5", "from 0 to 1")),
        (nested("features.stft.kind", "cqt"), ("features.stft.kind is 'cqt'", "stft", "raw")),
        (nested("features.stft.bins", 64.5), ("features.stft.bins is 64.5", "whole number")),
        (nested("recipes.vgg.keep", "all"), ("recipes.vgg.keep is 'all'", "best or last")),
        (nested("recipes.vgg.epochs", 0), ("recipes.vgg.epochs is 0", "1 or more")),
        (nested("recipes.vgg.learning_rate", 0.0), ("learning_rate is 0.0", "above 0")),
        (nested("recipes.vgg.batch_clips", 1), ("recipes.vgg.batch_clips is 1", "2 or more")),
        (nested("spreading.latent_two.gamma", "big"), ("gamma is 'big'", "auto, or a number")),
        (nested("spreading.latent_two.alpha", 1.0), ("alpha is 1.0", "below 1")),
        (nested("ensembles.power.kind", "mean"), ("ensembles.power.kind is 'mean'", "geometric")),
        (nested("ensembles.power.members", []), ("ensembles.power.members is []", "systems")),
        (
            nested("ensembles.power.members", ["vgg_more", "vgg_more"]),
            ("ensembles.power.members", "systems"),
        ),
        (nested("group_schemes.mine", {"a": []}), ("group_schemes.mine.a is []", "class names")),
        (nested("systems.my-system", {}), ("my-system", "letters, digits and underscores")),
        (
            nested("fetch.files", {"a.zip": {"checksum": "md5:1", "bytes": None}}),
            ("fetch.files.a.zip.checksum is 'md5:1'", "md5: or sha256:"),
        ),
        (nested("fetch.base_url", "zenodo.org"), ("fetch.base_url", "https://")),
        (nested("tsne.perplexity", 0), ("tsne.perplexity is 0", "above 0")),
        (nested("recipes", None), ("recipes is None",)),
        (nested("recipes.vgg.learning_rate", math.nan), ("learning_rate is nan", "above 0")),
        (nested("demo.wrong_fraction", math.inf), ("wrong_fraction is inf", "from 0 to 1")),
        (nested("spreading.latent_two.gamma", math.nan), ("gamma is nan", "auto, or a number")),
        (nested("keep.earlier_rounds", True), ("keep", "'earlier_rounds'", "can have: features.")),
    ],
)
def test_mistakes_against_the_schema(overlay: dict[str, Any], parts: tuple[str, ...]) -> None:
    found = mistakes_in(merged(default_config(), overlay))
    assert any(all(part in sentence for part in parts) for sentence in found), found


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("seed", ("lacks the key 'seed'")),
        ("tsne", ("lacks the key 'tsne'")),
        ("hardware.device", ("hardware", "lacks the key 'device'")),
        ("recipes.vgg.epochs", ("recipes.vgg", "lacks the key 'epochs'")),
        ("systems.vgg_fewer.network", ("systems.vgg_fewer", "lacks the key 'network'")),
        ("systems.vgg_fewer_semi.selftraining", ("vgg_fewer_semi", "'selftraining'")),
        ("spreading.latent_two.gamma", ("spreading.latent_two", "lacks the key 'gamma'")),
        ("features.stft.kind", ("features.stft", "lacks the key 'kind'")),
    ],
)
def test_missing_keys(path: str, parts: tuple[str, ...]) -> None:
    found = mistakes_in(without(path))
    assert any(all(part in sentence for part in parts) for sentence in found), found


def test_text_is_read_where_something_else_belongs() -> None:
    # As Snakemake hands over: --config 'recipes={vgg: {epochs: 3, ...}}' ...; or 1e-3 in a file.
    config = default_config()
    given = {
        "seed": "7",
        "seeds": ["1", "2"],
        "name": "2018",
        "hardware": {"compile": "true", "device": "cpu"},
        "recipes": {"vgg": {"epochs": "3", "learning_rate": "1e-3", "watch": "loss"}},
        "spreading": {"latent_two": {"gamma": "20.0", "neighbours": "auto"}},
        "systems": {
            "vgg_more": {"folds": ["0", "2"], "network_options": {"kernel_scale": "5e-1"}},
            "vgg_fewer": {"folds": "all"},
        },
        "fetch": {"files": {"FSDKaggle2018.meta.zip": {"bytes": "null"}}},
    }
    read = {
        "seed": 7,
        "seeds": [1, 2],
        "name": "2018",
        "hardware": {"compile": True, "device": "cpu"},
        "recipes": {"vgg": {"epochs": 3, "learning_rate": 0.001, "watch": "loss"}},
        "spreading": {"latent_two": {"gamma": 20.0, "neighbours": "auto"}},
        "systems": {
            "vgg_more": {"folds": [0, 2], "network_options": {"kernel_scale": 0.5}},
            "vgg_fewer": {"folds": "all"},
        },
        "fetch": {"files": {"FSDKaggle2018.meta.zip": {"bytes": None}}},
    }
    found, wanted = merged(config, given), merged(config, read)
    settings.check(found, SCHEMA)
    assert found == wanted
    assert repr(found) == repr(wanted)  # also the types of numbers


def test_entries_are_removed_by_null_in_a_file_and_on_the_command_line() -> None:
    for null in (None, "null"):
        config = merged(default_config(), {"systems": {"vgg_more": null}, "group_schemes": null})
        settings.remove_nulls(config)
        assert set(config["systems"]) == {*default_config()["systems"]} - {"vgg_more"}
        assert config["group_schemes"] == {}


def test_the_missing_keys_of_one_entry_are_all_named() -> None:
    config = default_config()
    config["recipes"]["vgg"] = {"epochs": 3}
    found = " ".join(mistakes_in(config))
    assert "'batch_clips'" in found
    assert "'learning_rate'" in found


@pytest.mark.parametrize(
    ("overlay", "parts"),
    [
        (
            nested("autoencoders.stft.feature", "log_mel"),
            ("autoencoders.stft.feature is 'log_mel'", "kind stft"),
        ),
        (
            nested("spreading.latent_two.scheme", "four"),
            ("spreading.latent_two.scheme is 'four'", "one, two, three, five"),
        ),
        (nested("systems.vgg_more.network", "x"), ("systems.vgg_more", "'x'", "vgg_fewer")),
        (
            nested("systems.vgg_more.network_options.kernel_scal", 1.0),
            ("systems.vgg_more", "no option 'kernel_scal'", "kernel_scale"),
        ),
        (
            nested("systems.vgg_more.network_options.batch_norm_momentum", "slow"),
            ("systems.vgg_more", "'batch_norm_momentum'", "is 'slow'", "from 0 to 1"),
        ),
        (
            nested("systems.vgg_more.network", "cnn1d_raw"),
            ("systems.vgg_more: the network 'cnn1d_raw' needs raw samples", "64 x 56"),
        ),
        (
            nested("features.stft", {"bins": 17, "frames": 20})
            | nested("systems.tall", {**SYSTEM, "feature": "stft", "network": "cnn2d_tall"}),
            ("systems.tall", "at least 18 x 18", "17 x 20"),
        ),
        (
            nested("systems.deep", {**SYSTEM, "network_options": {"depth": 8}})
            | nested("recipes.crops.crop_frames", 100),
            ("systems.deep", "at least 128 x 128", "64 x 100", "crop_frames"),
        ),
        (
            nested("features.samples", {"kind": "raw"})
            | nested("systems.heard", {**SYSTEM, "feature": "samples"}),
            ("systems.heard", "'cnn_logmel' needs a spectrogram", "1 x 128"),
        ),
        (
            nested("systems.semi", {"base": "cnn_logmel", "selftraining": "short"}),
            ("systems.semi", "crops of 'log_mel'", "recipes.adjust", "crop_frames"),
        ),
        (
            {
                "systems": {
                    "deep": {**SYSTEM, "network_options": {"depth": 5}},
                    "semi": {"base": "deep", "selftraining": "short"},
                }
            }
            | nested("recipes.adjust.crop_frames", 8),
            ("systems.semi", "at least 16 x 16", "64 x 8"),
        ),
        (
            nested("ensembles.power.members", ["geometric"]),
            ("ensembles.power.members is 'geometric'", "systems"),
        ),
        (
            nested("systems.again", {"base": "vgg_fewer_semi", "selftraining": "short"}),
            ("systems.again.base is 'vgg_fewer_semi'", "self-trained itself", "without a base"),
        ),
        (
            nested("systems.vgg_fewer.labels", "everything"),
            (
                "systems.vgg_fewer_semi.base is 'vgg_fewer'",
                "labels.everything.rest_weight is 1",
                "no clip would be left for pseudo-labels",
            ),
        ),
        (
            nested("systems.cnn_logmel.recipe", "vgg"),
            ("systems.cnn_logmel", "crops of 'log_mel'", "recipes.vgg", "crop_frames", "128"),
        ),
        (
            nested("selftraining.short.lower_last", 0.9),
            ("selftraining.short.lower_last is 0.9", "upper 0.9"),
        ),
        (
            nested("recipes.vgg.mixup_of", "power") | nested("features.stft.stretch", True),
            ("systems.vgg_fewer", "mixup_of: power", "'stft' has no levels in dB"),
        ),
        (
            nested("recipes.autoencoder.mixup_of", "power") | nested("features.stft.stretch", True),
            ("autoencoders.stft", "mixup_of: power", "'stft' has no levels in dB"),
        ),
        (
            nested("selftraining.short.agreement", 0.4),
            ("selftraining.short has an agreement", "lower_first", "start: base"),
        ),
        (
            {
                "selftraining": {
                    "agreed": {"rounds": 1, "recipe": "vgg", "agreement": 0, "start": "untrained"}
                }
            },
            ("selftraining.agreed has an agreement", "start: base"),
        ),
        (
            nested("selftraining.short.lower_first", 0.95),
            ("selftraining.short.lower_first is 0.95", "0.9"),
        ),
        (nested("ensembles.vgg_more", {"kind": "power", "members": ["vgg_more"]}), ("Rename one",)),
        (
            nested("group_schemes.two", {"mine": ["Bark"]}),
            ("group_schemes", "'two'", "built"),
        ),
        (
            nested("group_schemes.mine", {"a": ["Bark", "Bus"], "b": ["Bus"]}),
            ("group_schemes.mine", "'Bus'"),
        ),
    ],
)
def test_mistakes_between_sections(overlay: dict[str, Any], parts: tuple[str, ...]) -> None:
    found = mistakes_in(merged(default_config(), overlay))
    assert any(all(part in sentence for part in parts) for sentence in found), found


def test_names_of_the_submission_and_of_comparisons() -> None:
    good = {
        "submission": {"best_of": ["power", "vgg_more"]},
        "compare": {"x": ["power", "vgg_more"]},
    }
    settings.check(merged(default_config(), good), SCHEMA)
    for change, parts in (
        ({"submission": {"best_of": ["power", "x"]}}, ("submission.best_of is 'x'", "vgg_more")),
        ({"compare": {"mine": ["x", "power"]}}, ("compare.mine is 'x'", "vgg_more")),
        ({"submission": {"best_of": ["power"]}}, ("submission is", "{best_of: [names]}")),
        ({"submission": {"worst_of": ["power"]}}, ("submission is", "{best_of: [names]}")),
        ({"compare": {"mine": ["power"]}}, ("compare.mine is", "[a, b]")),
    ):
        (sentence,) = mistakes_in(merged(default_config(), change))
        assert all(part in sentence for part in parts), sentence


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("submission", ("arithmetic", "vgg_more")),
        ("scores", ("power", "cnn_logmel")),
        ("autoencoders.stft.feature", ("stft", "log_mel")),
        ("autoencoders.report.recipe", ("crops", "report_vgg")),
        ("spreading.latent_two.autoencoder", ("stft", "report")),
        ("spreading.spectrograms_two.feature", ("stft", "spectrogram_coarse")),
        ("labels.promoted.spreading", ("latent_two", "report_five")),
        ("selftraining.short.recipe", ("adjust",)),
        ("systems.vgg_more.feature", ("log_mel", "samples")),
        ("systems.vgg_more.labels", ("everything", "promoted_in_latents")),
        ("systems.vgg_more.recipe", ("adjust",)),
        ("systems.semi_b.base", ("cnn_logmel", "fewer_coarse")),
        ("systems.semi_b.selftraining", ("short", "report_b")),
        ("ensembles.power.members", ("vgg_fewer_semi", "semi_b")),
        ("report.autoencoder", ("stft", "report")),
        ("report.filters_of", ("fewer_latent",)),
        ("report.structures_of", ("fewer_latent",)),
        ("report.spreading.two", ("latent_two", "report_two")),
        ("report.selftraining", ("semi_a",)),
        ("report.systems.ensembles.entry", ("six", "semi_a")),
    ],
)
def test_names_of_nothing(path: str, known: tuple[str, ...]) -> None:
    preset = yaml.safe_load((REPO / "presets/report2018.yaml").read_text(encoding="utf-8"))
    config = merged(default_config(), preset) | {"scores": ["power"]}
    *sections, last = path.split(".")
    part = config
    for section in sections:
        part = part[section] if isinstance(part, dict) else part[0]
    part = part[0] if isinstance(part, list) else part
    value = part[last]
    part[last] = (
        ["x"] if isinstance(value, list) else {"x": "A"} if isinstance(value, dict) else "x"
    )
    (sentence,) = [each for each in mistakes_in(config) if f"{path} is 'x'" in each]
    for name in known:
        assert name in sentence.split("Write one of: ")[1]


def test_several_mistakes_are_told_at_once() -> None:
    config = merged(default_config(), {"seed": -1, "folds": 0, "submission": 3})
    assert len(mistakes_in(config)) == 3
    config = merged(default_config(), {"submission": "x", **nested("labels.promoted", {})})
    config["systems"]["vgg_more"]["labels"] = "y"
    assert len(mistakes_in(config)) == 2


def test_all_mistakes_of_networks_are_told_at_once_and_once() -> None:
    config = default_config()
    config["systems"]["vgg_fewer"]["network_options"] |= {"colour": 1, "kernel_scale": "big"}
    config["systems"]["cnn_logmel"] |= {"network": "cnn_logmle"}
    # vgg_fewer_semi goes on from vgg_fewer.
    found = mistakes_in(config)
    assert len(found) == 3
    assert "Did you mean 'cnn_logmel'?" in " ".join(found)


@pytest.mark.parametrize(
    ("feature", "expected"), [("stft", (64, 56)), ("log_mel", (64, 128)), ("samples", (1, 128))]
)
def test_the_input_of_a_network_is_the_whole_picture_or_a_crop(
    feature: str, expected: tuple[int, int]
) -> None:
    config = merged(default_config(), nested("features.samples", {"kind": "raw"}))
    assert config_checks.input_shape_of(config, {**SYSTEM, "feature": feature}) == expected
