"""Checks of a configuration that its schema cannot make: of names, and of parts for each other.

Made while the workflow is planned, so nothing heavy is imported here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.features import settings as feature_settings
from earmark.labels import class_groups
from earmark.networks import catalogue as networks
from earmark.planning import own_part_checks
from earmark.runtime import own_parts

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


def mistakes(config: Config) -> Iterator[str]:
    """A sentence per mistake of a config that agrees with the schema."""
    yield from _unknown_names(config)
    yield from feature_mistakes(config)
    yield from _recipe_mistakes(config)
    yield from _label_mistakes(config)
    yield from _system_mistakes(config)


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


def feature_mistakes(config: Config) -> Iterator[str]:
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
