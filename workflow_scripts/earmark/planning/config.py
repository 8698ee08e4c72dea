"""The configuration: checked against the schema and for names that refer to nothing.

Read while the workflow is planned, so nothing heavy is imported here.
"""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from earmark.dataset import clip_lists, layout
from earmark.dataset.layout import Layout
from earmark.features import settings as feature_settings
from earmark.features.settings import Feature
from earmark.labels import class_groups
from earmark.networks import catalogue as networks
from earmark.runtime import gpus
from earmark.runtime.errors import EarmarkError, note_on_words

Config = Mapping[str, Any]

DEMO, FETCHED = "demo", "fsdkaggle2018"


def presets_below(name: str | None, folder: Path) -> list[Path]:
    """Return the preset ``name`` of ``folder`` and what it extends in turn, deepest first.

    Raises EarmarkError for a preset that is not there, or that extends itself.
    """
    found: list[Path] = []
    while name is not None:
        path = folder / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
            raise EarmarkError(f"extends is '{name}', which is no preset. Write one of: {known}.")
        if path in found:
            raise EarmarkError(f"The preset {path} extends itself. Remove its `extends`.")
        found.insert(0, path)
        name = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("extends")
    return found


# Sections of named entries, of which an overlay removes one by writing `name: null`.
NAMED = (
    "features",
    "recipes",
    "autoencoders",
    "group_schemes",
    "spreading",
    "labels",
    "selftraining",
    "systems",
    "ensembles",
)


def remove_nulls(config: dict[str, Any]) -> None:
    """Take out the named entries that an overlay replaced by null."""
    for section in NAMED:
        if config.get(section, ...) is None:
            config[section] = {}
        entries = config.get(section)
        if isinstance(entries, dict):
            for name in [name for name, entry in entries.items() if entry is None]:
                del entries[name]


def check(config: Config, schema: Mapping[str, Any]) -> None:
    """Raise EarmarkError with one sentence per mistake: the key, its value, what to write."""
    mistakes = [*_schema_mistakes(config, schema), *_not_finite(config)]
    mistakes = mistakes or [*_broken_references(config)]
    if mistakes:
        raise EarmarkError("The config cannot be used.\n" + "\n".join(f"- {m}" for m in mistakes))


def _not_finite(value: Any, key: str = "") -> Iterator[str]:
    """Mistakes that no schema can name: numbers that are none, or infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{key} is {value}. Write a finite number."
    parts = value.items() if isinstance(value, Mapping) else []
    for name, part in enumerate(value) if isinstance(value, list) else parts:
        yield from _not_finite(part, f"{key}.{name}".lstrip("."))


def _schema_mistakes(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(dict(config)), key=lambda e: list(map(str, e.path))):
        key = ".".join(str(part) for part in error.absolute_path) or "the top level"
        if error.validator == "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            unknown = sorted(set(error.instance) - set(known))
            yield f"{key} has the unknown key '{unknown[0]}'. It can have: {', '.join(known)}."
        elif error.validator == "required":
            name = error.message.split("'")[1]
            yield f"{key} lacks the key '{name}'. Write it as config.yaml shows."
        else:
            wanted = error.schema.get("description") or f"a {error.schema.get('type', 'value')}"
            if wanted == "a object":
                wanted = "named entries as config.yaml shows"
            yield f"{key} is {error.instance!r}{note_on_words(error.instance)}. Write {wanted}."


def _broken_references(config: Config) -> Iterator[str]:
    def unknown(key: str, name: str, *sections: str) -> Iterator[str]:
        names = [entry for section in sections for entry in config[section]]
        if name not in names:
            kinds = " or ".join(sections)
            known = ", ".join(names)
            yield f"{key} is '{name}', which is not among {kinds}. Write one of: {known}."

    yield from unknown("submission", config["submission"], "ensembles", "systems")
    for name in config.get("scores", []):
        yield from unknown("scores", name, "ensembles", "systems")
    both = sorted(set(config["systems"]) & set(config["ensembles"]))
    if both:
        yield f"'{both[0]}' is both a system and an ensemble. Rename one of them."
    for name, entry in config["features"].items():
        for mistake in feature_settings.parse(entry, check=False).mistakes():
            yield f"features.{name}: {mistake}"
    for name, entry in config["autoencoders"].items():
        yield from unknown(f"autoencoders.{name}.feature", entry["feature"], "features")
        yield from unknown(f"autoencoders.{name}.recipe", entry["recipe"], "recipes")
        feature = _feature_of(config, entry["feature"])
        if feature and not feature.fixed:
            yield (
                f"autoencoders.{name}.feature is '{entry['feature']}', of kind {feature.kind}. An "
                f"autoencoder needs pictures of one size: name a feature that has it, such as one "
                f"of kind stft."
            )
    for name, groups in config["group_schemes"].items():
        if name in class_groups.SCHEMES:
            yield f"group_schemes has '{name}', the name of a built-in scheme. Rename it."
        listed = [label for classes in groups.values() for label in classes]
        twice = sorted({label for label in listed if listed.count(label) > 1})
        if twice:
            yield (
                f"group_schemes.{name} lists the class '{twice[0]}' more than once. Keep it in one "
                f"group."
            )
    schemes = {**class_groups.SCHEMES, **config["group_schemes"]}
    for name, entry in config["spreading"].items():
        yield from _broken_vectors(config, name, entry, unknown)
        if entry.get("scheme") is not None and entry["scheme"] not in schemes:
            yield (
                f"spreading.{name}.scheme is '{entry['scheme']}', which is no group scheme. Write "
                f"one of: {', '.join(schemes)}."
            )
    for name, entry in config["labels"].items():
        if "spreading" in entry:
            yield from unknown(f"labels.{name}.spreading", entry["spreading"], "spreading")
    for name, entry in config["selftraining"].items():
        yield from unknown(f"selftraining.{name}.recipe", entry["recipe"], "recipes")
        for bound in ("lower_first", "lower_last"):
            if entry[bound] >= entry["upper"]:
                yield (
                    f"selftraining.{name}.{bound} is {entry[bound]}, not below upper "
                    f"{entry['upper']}: no clip could lie between. Lower it or raise upper."
                )
    yield from _broken_systems(config, unknown)
    for name, entry in config["ensembles"].items():
        for member in entry["members"]:
            yield from unknown(f"ensembles.{name}.members", member, "systems")
    if "report" in config:
        yield from _broken_report(config["report"], unknown)


def _broken_report(entry: Mapping[str, Any], unknown: Any) -> Iterator[str]:
    yield from unknown("report.autoencoder", entry["autoencoder"], "autoencoders")
    yield from unknown("report.filters_of", entry["filters_of"], "systems")
    for name in entry["structures_of"]:
        yield from unknown("report.structures_of", name, "systems")
    for scheme, name in entry["spreading"].items():
        yield from unknown(f"report.spreading.{scheme}", name, "spreading")
    for name in entry["selftraining"]:
        yield from unknown("report.selftraining", name, "systems")
    for table, rows in entry["systems"].items():
        for row in rows:
            yield from unknown(f"report.systems.{table}", row["entry"], "systems", "ensembles")


def _broken_vectors(
    config: Config, name: str, entry: Mapping[str, Any], unknown: Any
) -> Iterator[str]:
    key = f"spreading.{name}"
    if ("autoencoder" in entry) == ("feature" in entry):
        has = "both" if "feature" in entry else "neither"
        yield f"{key} names {has} of autoencoder and feature. Name the one to compare clips by."
    elif "autoencoder" in entry:
        yield from unknown(f"{key}.autoencoder", entry["autoencoder"], "autoencoders")
    else:
        yield from unknown(f"{key}.feature", entry["feature"], "features")
        feature = _feature_of(config, entry["feature"])
        if feature and not feature.fixed:
            yield (
                f"{key}.feature is '{entry['feature']}', of kind {feature.kind}. Clips are "
                f"compared as pictures of one size: name a feature that has it, such as one of "
                f"kind stft."
            )


def _broken_systems(config: Config, unknown: Any) -> Iterator[str]:
    for name, entry in config["systems"].items():
        key = f"systems.{name}"
        if "base" in entry:
            yield from unknown(f"{key}.base", entry["base"], "systems")
            yield from unknown(f"{key}.selftraining", entry["selftraining"], "selftraining")
            base = config["systems"].get(entry["base"])
            rounds = config["selftraining"].get(entry["selftraining"])
            if base and "base" in base:
                yield (
                    f"{key}.base is '{entry['base']}', which is self-trained itself. Name a system "
                    f"without a base, and raise the self-training's rounds instead."
                )
            elif base and rounds:
                # Its rounds have a recipe of their own; the base's mistakes are not told twice.
                told = {*_broken_network(config, base)}
                found = _broken_network(config, {**base, "recipe": rounds["recipe"]})
                yield from (f"{key}: {mistake}" for mistake in found if mistake not in told)
                weight = config["labels"].get(base["labels"], {}).get("rest_weight", 0)
                if weight > 0:
                    yield (
                        f"{key}.base is '{entry['base']}', which learns from every clip "
                        f"(labels.{base['labels']}.rest_weight is {weight:g}): self-training "
                        f"would have no clip to label. Name a base whose labels have "
                        f"`rest_weight: 0.0`."
                    )
            continue
        yield from unknown(f"{key}.feature", entry["feature"], "features")
        yield from unknown(f"{key}.labels", entry["labels"], "labels")
        yield from unknown(f"{key}.recipe", entry["recipe"], "recipes")
        beyond = [fold for fold in entry.get("folds", [0]) if fold >= config["folds"]]
        if beyond:
            yield (
                f"{key}.folds has {beyond[0]}, but there are {config['folds']} folds, counted from "
                f"0. Write folds below {config['folds']}."
            )
        yield from (f"{key}: {mistake}" for mistake in _broken_network(config, entry))


def _broken_network(config: Config, entry: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes in a system's network, its options, and what it is given to read."""
    shape = None
    feature = _feature_of(config, entry["feature"])
    recipe = config["recipes"].get(entry["recipe"])
    if feature and recipe is not None:
        if feature.fixed or "crop_frames" in recipe:
            shape = input_shape_of(config, entry)
        else:
            yield (
                f"trains on crops of '{entry['feature']}', but recipes.{entry['recipe']} has no "
                f"crop_frames. Add it, for example 128."
            )
    yield from networks.mistakes(entry["network"], entry.get("network_options", {}), shape)


def _feature_of(config: Config, name: str) -> Feature | None:
    """The feature of that name, if there is one; its settings may not fit together."""
    entry = config["features"].get(name)
    return feature_settings.parse(entry, check=False) if entry else None


def input_shape_of(config: Config, entry: Mapping[str, Any]) -> tuple[int, int]:
    """(frequency, time) of what the network of a system reads; ``entry`` is the system's.

    ``time`` is the length of the recipe's crops where clips differ in length.
    """
    frequency, time = feature_settings.parse(config["features"][entry["feature"]], False).shape
    return frequency, time or config["recipes"][entry["recipe"]]["crop_frames"]


def uses_gpu(config: Config) -> bool:
    """Whether training will find an NVIDIA GPU here."""
    return config["hardware"]["device"] != "cpu" and gpus.count() > 0


@dataclass(frozen=True)
class Source:
    """Where a run's clips come from.

    ``name`` is the results' folder name. ``kind`` is demo (a rule makes the clips), missing (a rule
    is to fetch them), fetched (that was done) or folder (the user's own); ``labels`` are the
    classes as far as they are known before anything has run.
    """

    name: str
    kind: str
    layout: Layout
    labels: list[str]

    @property
    def is_there(self) -> bool:
        """Whether no rule makes or fetches the clips: edits are looked for while planning."""
        return self.kind in ("fetched", "folder")


def source_of(config: Config) -> Source:
    """Return the data set that ``dataset`` asks for; a folder is looked at right away."""
    dataset, name = config["dataset"], config.get("name")
    if dataset == DEMO:
        found = layout.kaggle_layout(Path("results", name or DEMO, "dataset"))
        return Source(name or DEMO, "demo", found, list(class_groups.CLASSES))
    if dataset == FETCHED:
        folder = Path(config["fetch"]["folder"])
        if layout.missing_archives(folder, config["fetch"]["files"]):
            found = layout.zenodo_layout(folder)
            return Source(name or FETCHED, "missing", found, list(class_groups.CLASSES))
        # Once it is there, its edits are noticed like those of any folder.
        return _folder(folder, name or FETCHED, "fetched")
    # A shell leaves the tilde of `--config dataset=~/sounds` as it is.
    folder = Path(os.path.expanduser(dataset))
    last = folder.resolve().name or "data"
    own = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in last)
    # Those two names stand for the data sets that Earmark makes or fetches.
    return _folder(folder, name or (f"{own}_folder" if own in (DEMO, FETCHED) else own))


def _folder(folder: Path, name: str, kind: str = "folder") -> Source:
    taken = sorted(set("{}<>") & set(str(folder)))
    if taken:
        raise EarmarkError(
            f"The data set folder {folder} has '{taken[0]}' in its name, which Snakemake takes for "
            f"the begin or end of a name of its own. Rename it, or set `dataset` to a link to it."
        )
    found = layout.find_layout(folder)
    labels = sorted({row.label for row in clip_lists.train_rows(found.train_list)})
    return Source(name, kind, found, labels)
