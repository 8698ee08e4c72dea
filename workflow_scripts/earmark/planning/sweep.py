"""Sweeps: systems that differ from one of the config's in some settings, to be compared.

The config's ``sweep`` has by system a grid (setting -> values, all combinations) or a list of
grids, as scikit-learn's ``ParameterGrid``: with lists of single settings one thing changes at a
time, and ``{}`` is the system as it is.
"""

import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.planning import config as settings
from earmark.planning import config_checks
from earmark.runtime.errors import EarmarkError

Setting = Mapping[str, Any]

# Sections whose entries systems use, and the keys by which entries name those of other sections.
SECTIONS = ("features", "recipes", "autoencoders", "spreading", "labels", "selftraining", "systems")
USES = {
    section: {
        path.split(".")[2]: names[0]
        for path, names in config_checks.REFERENCES.items()
        if path.startswith(f"{section}.*.") and path.count(".") == 2
    }
    for section in SECTIONS
}
LONGEST_NAME = 180  # so that files with it have names of less than 255 bytes


def expand(config: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Add the systems of the checked config's ``sweep`` to it, and return their names in order.

    Raises EarmarkError for settings that a system does not have, and for wrong values.
    """
    names: list[str] = []
    for system, grids in config.get("sweep", {}).items():
        names += [_add(config, system, setting) for setting in _settings_of(grids)]
    for name in names:
        if names.count(name) > 1 or len(name) > LONGEST_NAME:
            raise EarmarkError(
                f"The setting {name} of the sweep is there twice, or its name is longer than "
                f"{LONGEST_NAME} characters. Change or remove it."
            )
    if names:
        settings.check(config, schema)
    return names


def _settings_of(grids: Setting | Sequence[Setting]) -> Iterator[Setting]:
    for grid in [grids] if isinstance(grids, Mapping) else grids:
        values = [settings.read(value) for value in grid.values()]
        lists = [value if isinstance(value, list) else [value] for value in values]
        yield from (dict(zip(grid, chosen, strict=True)) for chosen in itertools.product(*lists))


def _add(config: dict[str, Any], system: str, setting: Setting) -> str:
    """Add ``system`` with a setting to the config, and return its name."""
    changes = {
        key if _is_path(key) else f"systems.{system}.{key}": value for key, value in setting.items()
    }
    used: list[str] = []
    entry = _changed(config, "systems", system, changes, used)
    for key, path in zip(setting, changes, strict=True):
        if _entry_of(path) not in used:
            raise EarmarkError(
                f"sweep.{system} has the key '{key}', but {system} does not use it. Write a key "
                f"of the system, such as network_options.width, or of what it uses: "
                f"{', '.join(used[1:])}."
            )
    name = _name(system, changes)
    config["systems"][name] = entry
    return name


def _changed(
    config: dict[str, Any], section: str, name: str, changes: Setting, used: list[str]
) -> dict[str, Any]:
    """A copy of an entry with the changes to it; what it uses is copied too if that changes.

    ``used`` gets the entry, and all that it uses, as "section.name".
    """
    own, entry = f"{section}.{name}", copy.deepcopy(config[section][name])
    used.append(own)
    for path, value in changes.items():
        if _entry_of(path) == own:
            _set(entry, path, value)
    for key, other_section in USES[section].items():
        other = entry.get(key)
        if isinstance(other, str) and other in config[other_section]:
            begin = len(used)
            copied = _changed(config, other_section, other, changes, used)
            if copied != config[other_section][other]:
                its = {path: changes[path] for path in changes if _entry_of(path) in used[begin:]}
                entry[key] = _name(other, its)
                config[other_section][entry[key]] = copied
    return entry


def _set(entry: dict[str, Any], path: str, value: Any) -> None:
    """Set what the ``path`` leads to; None removes it."""
    *above, last = path.split(".")[2:]
    for key in above:
        if not isinstance(entry.get(key), dict):
            entry[key] = {}
        entry = entry[key]
    entry[last] = value
    if value is None:
        del entry[last]


def _is_path(key: str) -> bool:
    """Whether a key leads from the top of the config, as recipes.crops.epochs, to a setting."""
    return key.split(".")[0] in SECTIONS and key.count(".") > 1


def _entry_of(path: str) -> str:
    return ".".join(path.split(".")[:2])


def _name(name: str, changes: Setting) -> str:
    """A name that says what is changed, such as cnn_logmel-learning_rate=0.001-width=16."""
    keys = [path.split(".")[-1] for path in changes]
    parts = [name]
    for path, value in changes.items():
        *_, above, key = path.split(".")
        shown = key if keys.count(key) == 1 else f"{above}.{key}"
        parts.append(f"{shown}={re.sub('[^A-Za-z0-9_.+-]+', '_', str(value)).strip('_')}")
    return "-".join(parts)
