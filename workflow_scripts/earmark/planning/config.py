"""Reads and checks the configuration: against the schema, and for names that do not exist.

Read while the workflow is planned, so nothing heavy is imported here.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.dataset import yaml_files
from earmark.features import settings as feature_settings
from earmark.labels import class_groups
from earmark.networks import catalogue as networks
from earmark.planning import own_part_checks
from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError, yaml_text_hint

Config = Mapping[str, Any]

# Keys that hold names of entries in other sections; * stands for every key or list item.
SCORED = ("ensembles", "systems")
REFERENCES: Mapping[str, tuple[str, ...]] = {
    "submission": SCORED,
    "submission.best_of.*": SCORED,
    "suspects.systems.*": ("systems",),
    "compare.*.*": SCORED,
    "scores.*": SCORED,
    "autoencoders.*.feature": ("features",),
    "autoencoders.*.recipe": ("recipes",),
    "spreading.*.autoencoder": ("autoencoders",),
    "spreading.*.feature": ("features",),
    "spreading.*.scheme": ("group_schemes",),
    "labels.*.spreading": ("spreading",),
    "selftraining.*.recipe": ("recipes",),
    "systems.*.feature": ("features",),
    "systems.*.labels": ("labels",),
    "systems.*.recipe": ("recipes",),
    "systems.*.base": ("systems",),
    "systems.*.selftraining": ("selftraining",),
    "ensembles.*.members.*": ("systems",),
    "report.autoencoder": ("autoencoders",),
    "report.filters_of": ("systems",),
    "report.structures_of.*": ("systems",),
    "report.spreading.*": ("spreading",),
    "report.systems.*.*.entry": SCORED,
}
# Sections of named entries; an overlay removes an entry by writing `name: null`.
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
    "sweep",
)
# What Snakemake makes of the word in `--config 'systems={name: null}'`.
NULLS = (None, "null")


def extended_presets(name: str | None, folder: Path) -> list[Path]:
    """Return the preset ``name`` of ``folder`` and those that it extends, the most basic first.

    Raises EarmarkError for a preset that does not exist, or that extends itself.
    """
    presets: list[Path] = []
    while name is not None:
        path = folder / f"{name}.yaml"
        if not path.is_file():
            names = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
            raise EarmarkError(f"extends is '{name}', which is no preset. Write one of: {names}.")
        if path in presets:
            raise EarmarkError(f"The preset {path} extends itself. Remove its `extends`.")
        presets.insert(0, path)
        name = yaml_files.read(path).get("extends")
    return presets


def remove_nulls(config: dict[str, Any]) -> None:
    """Remove the named entries that an overlay set to null."""
    for section in NAMED:
        if config.get(section, ...) in NULLS:
            config[section] = {}
        entries = config.get(section)
        if isinstance(entries, dict):
            for name in [name for name, entry in entries.items() if entry in NULLS]:
                del entries[name]


def check(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise EarmarkError with a sentence per mistake: the key, its value, what to write.

    Text where something else belongs is replaced by what it says: all values below ``--config
    key={...}`` are text, and so is 1e-3 in a file.
    """
    validator = _validator(schema)
    errors = [*validator.iter_errors(config)]
    _read_texts(config, errors)
    if errors:
        errors = [*validator.iter_errors(config)]
    mistakes = [*_schema_mistakes(errors)]
    if not mistakes:
        # At the highest rate; ``resolved_features`` checks them at the clips' own.
        highest = feature_settings.AUTO_HIGHEST_RATE
        at_highest = {**config, "features": _features_at(highest, config)}
        mistakes = [
            *_unknown_names(at_highest),
            *_feature_mistakes(at_highest),
            *_recipe_mistakes(at_highest),
            *_label_mistakes(at_highest),
            *_system_mistakes(at_highest),
        ]
    if mistakes:
        raise EarmarkError(
            "The config cannot be used.\n" + "\n".join(f"- {m}" for m in dict.fromkeys(mistakes))
        )


def has_auto_rate(config: Config) -> bool:
    """Whether the sample rate of a feature follows from the clips."""
    rates = [entry.get("sample_rate") for entry in config["features"].values()]
    return feature_settings.AUTO in rates


def resolved_features(config: Config, sample_rate: int) -> dict[str, dict[str, Any]]:
    """The features, with ``sample_rate`` (Hz) and what follows from it where they say auto.

    Raises EarmarkError for settings that do not fit this rate.
    """
    features = _features_at(sample_rate, config)
    mistakes = [*_feature_mistakes({**config, "features": features})]
    if mistakes:
        raise EarmarkError(
            f"With `sample_rate: auto`, features are computed at the rate of nine tenths of the "
            f"train clips, {sample_rate} Hz, and these settings do not fit it.\n"
            + "\n".join(f"- {mistake}" for mistake in mistakes)
        )
    return features


def _features_at(sample_rate: int, config: Config) -> dict[str, dict[str, Any]]:
    features = config["features"].items()
    return {name: feature_settings.resolved(entry, sample_rate) for name, entry in features}


def _validator(schema: Mapping[str, Any]) -> Any:
    import jsonschema

    base = jsonschema.Draft202012Validator
    types = base.TYPE_CHECKER

    def is_finite(_: Any, value: object) -> bool:
        # Bounds in a schema let NaN pass.
        return types.is_type(value, "number") and math.isfinite(value)  # type: ignore[arg-type]

    checker = types.redefine("number", is_finite)
    return jsonschema.validators.extend(base, type_checker=checker)(schema)


def _takes_text(error: Any) -> bool:
    parts = (error.schema, *error.schema.get("anyOf", []))
    return "string" in [part.get("type") for part in parts]


def _read_texts(config: dict[str, Any], errors: Sequence[Any]) -> None:
    """Read text where ``errors`` say that something else belongs, and in ``_untyped`` settings."""
    for options in _untyped(config):
        options |= {key: read(value) for key, value in options.items() if value != ""}
    for error in errors:
        if error.absolute_path and not _takes_text(error):
            *above, last = error.absolute_path
            place: Any = config
            for key in above:
                place = place[key]
            place[last] = read(place[last])


def _untyped(config: Config) -> Iterator[dict[str, Any]]:
    """Settings whose types the schema does not know: options, and those of users' own kinds."""
    keys = {"systems": "network_options", "recipes": "augmentation_options", "features": ""}
    for section, key in keys.items():
        entries = config.get(section)
        for entry in entries.values() if isinstance(entries, dict) else ():
            is_entry = isinstance(entry, dict) and (key or own_parts.is_own(str(entry.get("kind"))))
            options = (entry.get(key) if key else entry) if is_entry else None
            if isinstance(options, dict):
                yield options


def read(value: Any) -> Any:
    """The value, or what it says if it is text, also in lists."""
    if isinstance(value, list):
        return [read(item) for item in value]
    return yaml_files.value_of(value) if isinstance(value, str) else value


def _schema_mistakes(errors: Sequence[Any]) -> Iterator[str]:
    for error in sorted(errors, key=lambda e: list(map(str, e.path))):
        key = ".".join(str(part) for part in error.absolute_path) or "The config"
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            unknown = next(name for name in error.instance if name not in allowed)
            hint = yaml_text_hint(unknown)
            yield f"{key} has the unknown key '{unknown}'{hint}. It can have: {', '.join(allowed)}."
        elif error.validator == "required":
            name = error.message.split("'")[1]
            yield f"{key} lacks the key '{name}'. Write it as config.yaml shows."
        else:
            expected = error.schema.get("description") or f"a {error.schema.get('type', 'value')}"
            if expected == "a object":
                expected = "named entries as config.yaml shows"
            hint = yaml_text_hint(error.instance) if _takes_text(error) else ""
            is_name = "propertyNames" in [*error.absolute_schema_path][-3:]
            subject = f"{key} has an entry called" if is_name else f"{key} is"
            yield f"{subject} {error.instance!r}{hint}. Write {expected}."


def _unknown_names(config: Config) -> Iterator[str]:
    """Mistakes in keys whose value is the name of an entry of another section."""
    references = [
        (key, name, sections)
        for path, sections in REFERENCES.items()
        for key, name in _values_at(config, path.split("."))
    ]
    keys = {"report.selftraining": config.get("report", {}).get("selftraining", {})}
    keys["sweep"] = config.get("sweep", {})
    references += [(key, name, ("systems",)) for key, names in keys.items() for name in names]
    for key, name, sections in references:
        names = [entry for section in sections for entry in config[section]]
        if sections == ("group_schemes",):
            names = [*class_groups.SCHEMES, *names]
        if isinstance(name, str) and name not in names:
            yield (
                f"{key} is '{name}', which is not among {' or '.join(sections)}. Write one of: "
                f"{', '.join(names)}."
            )


def _values_at(part: Any, path: Sequence[str], key: str = "") -> Iterator[tuple[str, Any]]:
    """Key and value of all that ``path`` leads to."""
    if not path:
        yield key, part
    elif isinstance(part, list):
        for item in part:
            yield from _values_at(item, path[1:], key)
    elif isinstance(part, Mapping):
        for name in part if path[0] == "*" else part.keys() & {path[0]}:
            yield from _values_at(part[name], path[1:], f"{key}.{name}".lstrip("."))


def _feature_mistakes(config: Config) -> Iterator[str]:
    """Mistakes in features, and in autoencoders, which need features of one size."""
    for name, entry in config["features"].items():
        if own_parts.is_own(entry["kind"]):
            mistakes = own_part_checks.feature_mistakes(entry)
        else:
            mistakes = feature_settings.parse(entry, check=False).mistakes()
        for mistake in mistakes:
            yield f"features.{name}: {mistake}"
    for key, name in _values_at(config, ("autoencoders", "*", "feature")):
        if _is_fixed(config, name) is False:
            kind = config["features"][name]["kind"]
            yield (
                f"{key} is '{name}', of kind {kind}, whose clips differ in size. Use a feature of "
                f"kind stft."
            )
    for name, entry in config["autoencoders"].items():
        for mistake in _mixup_mistakes(config, entry["feature"], entry["recipe"]):
            yield f"autoencoders.{name}: {mistake}"


def _recipe_mistakes(config: Config) -> Iterator[str]:
    """Mistakes in users' own augmentations."""
    for name, entry in config["recipes"].items():
        options = entry.get("augmentation_options", {})
        if "augmentation" in entry:
            for mistake in own_part_checks.call_mistakes(
                entry["augmentation"], options, ("inputs", "generator"), "augmentation_options"
            ):
                yield f"recipes.{name}: {mistake}"
        elif options:
            yield f"recipes.{name} has augmentation_options, but no augmentation. Name it."


def _mixup_mistakes(config: Config, name: str, recipe_name: str) -> Iterator[str]:
    """Mistakes in a recipe's mixup with the feature ``name``: only levels in dB have powers."""
    feature = config["features"].get(name, {})
    recipe = config["recipes"].get(recipe_name, {})
    no_levels = feature.get("kind") not in ("stft", "log_mel", None) or feature.get("stretch")
    # With `silence: loudest`, silence has the level of the loudest sound.
    if recipe.get("mixup_of") == "power" and (no_levels or feature.get("silence") == "loudest"):
        yield (
            f"recipes.{recipe_name} has mixup_of: power, and the feature '{name}' has no levels in "
            f"dB. Write mixup_of: inputs, or use a feature of kind stft or log_mel."
        )


def _label_mistakes(config: Config) -> Iterator[str]:
    """Mistakes in groups of classes, spreading and self-training."""
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
    for name, entry in config["spreading"].items():
        if ("autoencoder" in entry) == ("feature" in entry):
            has = "both" if "feature" in entry else "neither"
            yield (
                f"spreading.{name} has {has} of autoencoder and feature. Write the one to compare "
                f"clips by."
            )
    for name, entry in config["selftraining"].items():
        bounds = {"lower_first", "lower_step", "lower_last", "upper"} & entry.keys()
        if "agreement" in entry:
            if bounds or entry["start"] != "base":
                yield (
                    f"selftraining.{name} has an agreement, which needs `start: base` and none of "
                    f"the bounds lower_first, lower_step, lower_last and upper. Change that."
                )
            continue
        for bound in ("lower_first", "lower_last"):
            if entry[bound] >= entry["upper"]:
                yield (
                    f"selftraining.{name}.{bound} is {entry[bound]}, not below upper "
                    f"{entry['upper']}: no clip could lie between. Lower it or raise upper."
                )


def _system_mistakes(config: Config) -> Iterator[str]:
    systems = config["systems"]
    both = sorted(set(systems) & set(config["ensembles"]))
    if both:
        yield f"'{both[0]}' is both a system and an ensemble. Rename one of them."
    for name, entry in systems.items():
        key = f"systems.{name}"
        if "base" not in entry:
            yield from (f"{key}: {mistake}" for mistake in _network_mistakes(config, entry))
        elif entry["base"] in systems:
            yield from _selftrained_mistakes(config, key, entry)


def _selftrained_mistakes(config: Config, key: str, entry: Config) -> Iterator[str]:
    base = config["systems"][entry["base"]]
    if "base" in base:
        yield (
            f"{key}.base is '{entry['base']}', which is self-trained itself. Use a system without "
            f"a base, and more rounds in its self-training instead."
        )
        return
    rounds = config["selftraining"].get(entry["selftraining"])
    if rounds:
        # The rounds have their own recipe; mistakes of the base are not repeated.
        of_base = {*_network_mistakes(config, base)}
        mistakes = _network_mistakes(config, {**base, "recipe": rounds["recipe"]})
        yield from (f"{key}: {mistake}" for mistake in mistakes if mistake not in of_base)
    weight = config["labels"].get(base["labels"], {}).get("rest_weight", 0)
    if weight > 0 and "agreement" not in (rounds or {}):
        yield (
            f"{key}.base is '{entry['base']}', which is trained on every clip "
            f"(labels.{base['labels']}.rest_weight is {weight:g}): no clip would be left for "
            f"pseudo-labels. Use a base whose labels have `rest_weight: 0.0`, or a self-training "
            f"with an `agreement`."
        )


def _network_mistakes(config: Config, entry: Config) -> Iterator[str]:
    """Mistakes in a system's network, its options, and the size of its inputs."""
    shape = None
    fixed = _is_fixed(config, entry["feature"])
    recipe = config["recipes"].get(entry["recipe"])
    if fixed is not None and recipe is not None:
        kind = config["features"][entry["feature"]]["kind"]
        if fixed or "crop_frames" in recipe:
            if not own_parts.is_own(kind):
                shape = input_shape_of(config, entry)
        else:
            yield (
                f"trains on crops of '{entry['feature']}', but recipes.{entry['recipe']} has no "
                f"crop_frames. Add it, for example 128."
            )
    yield from _mixup_mistakes(config, entry["feature"], entry["recipe"])
    name, options = entry["network"], entry.get("network_options", {})
    if own_parts.is_own(name):
        arguments = ("input_shape", "classes")
        yield from own_part_checks.call_mistakes(name, options, arguments, "network_options")
    else:
        yield from networks.mistakes(name, options, shape)


def _is_fixed(config: Config, name: str) -> bool | None:
    """Whether the feature of that name has arrays of one size; None if that is not known."""
    entry = config["features"].get(name)
    if entry and own_parts.is_own(entry["kind"]):
        return own_part_checks.is_fixed(entry["kind"])
    return feature_settings.parse(entry, check=False).fixed if entry else None


def input_shape_of(config: Config, entry: Config) -> tuple[int, int]:
    """(frequency, time) of the inputs of a system's network; ``entry`` is the system's.

    ``time`` is the length of the recipe's crops where clips differ in length. A user's own file
    with the kind of feature is run to know.
    """
    frequency, time = feature_settings.parse(config["features"][entry["feature"]], False).shape
    return frequency, time or config["recipes"][entry["recipe"]]["crop_frames"]
