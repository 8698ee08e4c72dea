"""Reads the configuration, and checks it against the schema and by ``config_checks``.

Read while the workflow is planned, so nothing heavy is imported here.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.dataset import yaml_files
from earmark.features import settings as feature_settings
from earmark.planning import config_checks
from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError, yaml_text_hint

Config = Mapping[str, Any]

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
        mistakes = [*config_checks.mistakes(at_highest)]
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
    mistakes = [*config_checks.feature_mistakes({**config, "features": features})]
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
