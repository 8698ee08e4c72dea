"""A bundle: a folder with all that tagging needs, without the workflow. Opening one runs no code.

- ``tagger.json``: classes, features, networks, how they are combined, checksums (see ``Bundle``)
- ``*.safetensors``: the networks' weights
- ``README.md``: the model card
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from earmark.dataset import hashing
from earmark.runtime.errors import EarmarkError, printable
from earmark.runtime.outputs import atomic_file, check_folder, write_error

FORMAT = 1
DESCRIPTION, CARD = "tagger.json", "README.md"
KINDS = ("arithmetic", "weighted", "geometric", "power")
# Their versions are noted.
PACKAGES = ("torch", "torchaudio", "numpy", "scipy", "soundfile")


@dataclass(frozen=True)
class System:
    """A system: the feature's name, the network, how clips are cut for it, and files of weights.

    The probabilities of several weights are averaged. ``recipe`` has what ``Crops.of_recipe``
    needs; logits are divided by the ``temperature``.
    """

    feature: str
    network: str
    network_options: dict[str, Any]
    recipe: dict[str, Any]
    weights: list[str]
    temperature: float = 1.0


@dataclass(frozen=True)
class Combination:
    """A mean of ``members``, which are systems: see ``ensemble.combine``; a weighted has scores."""

    kind: str
    exponent: float
    members: list[str]
    scores: list[float] | None = None


@dataclass(frozen=True)
class Bundle:
    """What a bundle's ``tagger.json`` says. ``features`` are config entries by name.

    ``name`` is that of the results it comes from. Only the first ``longest_seconds`` of a clip are
    used. ``checksums`` are of the other files, and of the description without them.
    """

    name: str
    classes: list[str]
    combination: Combination
    features: dict[str, dict[str, Any]]
    systems: dict[str, System]
    longest_seconds: float
    earmark: str = ""
    versions: dict[str, str] | None = None
    checksums: dict[str, str] | None = None


def write(folder: str | Path, bundle: Bundle, weights: Mapping[str, str | Path], card: str) -> None:
    """Write a bundle, whole or not at all; it takes the place of an older one.

    ``weights`` are the files to copy, by their names in the bundle; ``card`` is Markdown. Versions
    and checksums are added here. Raises EarmarkError where ``folder`` is something else.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / DESCRIPTION).exists() and any(folder.iterdir()):
        raise EarmarkError(f"{folder} is no bundle. Move it elsewhere, or write to another folder.")
    new, old = (folder.with_name(f".{folder.name}.{which}") for which in ("new", "old"))
    description = {
        **asdict(bundle),
        "format": FORMAT,
        "earmark": _version("earmark"),
        "versions": {name: _version(name) for name in PACKAGES},
    }
    try:
        check_folder(folder.parent)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, path in weights.items():
            with atomic_file(new / name) as temporary:
                shutil.copyfile(path, temporary)
        with atomic_file(new / CARD) as temporary:
            temporary.write_text(card, encoding="utf-8")
        checksums = {name: hashing.hash_of(new / name)[1] for name in sorted([*weights, CARD])}
        description["checksums"] = {**checksums, DESCRIPTION: _checksum(description)}
        with atomic_file(new / DESCRIPTION) as temporary:
            text = json.dumps(description, indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        read(new)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as problem:
        raise write_error(folder, problem) from problem
    finally:
        shutil.rmtree(new, ignore_errors=True)


def read(folder: str | Path) -> Bundle:
    """Read a bundle and check it. Raises EarmarkError for a damaged, foreign or newer one."""
    description = _description(Path(folder))
    try:
        for name, expected in description["checksums"].items():
            if name == DESCRIPTION:
                found = _checksum(description)
            # Its name must not lead elsewhere.
            elif name != os.path.basename(name):
                raise ValueError(f"the name {printable(name)}")
            else:
                found = hashing.hash_of(Path(folder) / name)[1]
            if found != expected:
                raise ValueError(f"{name} is {'not as it was written' if found else 'missing'}")
        return _parse(description)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise damaged(folder, problem) from problem


def read_card(folder: str | Path) -> str:
    """The model card of a bundle, in Markdown."""
    read(folder)
    return (Path(folder) / CARD).read_text(encoding="utf-8")


def damaged(folder: str | Path, problem: Exception) -> EarmarkError:
    """The error, to be raised, for a bundle that caused ``problem``."""
    reason = " ".join(str(problem).split())
    if not isinstance(problem, ValueError | EarmarkError):
        reason = f"{type(problem).__name__}: {reason}"
    return EarmarkError(
        f"The bundle {folder} is damaged ({printable(reason, 300)}). Copy it again, or write it "
        f"again by `snakemake tagger`."
    )


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        why = "has no tagger.json" if folder.is_dir() else "is no folder"
        raise EarmarkError(
            f"{folder} {why}, so it is no bundle. Name the folder that `snakemake tagger` wrote, "
            f"such as results/demo/tagger."
        )
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise damaged(folder, problem) from problem
    known = isinstance(description, dict) and {"classes", "systems", "checksums"} <= {*description}
    number = description.get("format") if known else None
    if isinstance(number, int) and number > FORMAT:
        raise EarmarkError(
            f"The bundle {folder} was written by a newer Earmark "
            f"({printable(str(description.get('earmark')))}, format {number}; this one reads up to "
            f"{FORMAT}). Install that version."
        )
    if number != FORMAT:
        raise EarmarkError(
            f"The {DESCRIPTION} in {folder} was not written by Earmark. Name the folder that "
            f"`snakemake tagger` wrote."
        )
    return description


def _parse(description: Mapping[str, Any]) -> Bundle:
    entries = {field.name: description[field.name] for field in fields(Bundle)}
    mean = entries["combination"] = Combination(**entries["combination"])
    entries["systems"] = {name: System(**entry) for name, entry in entries["systems"].items()}
    bundle = Bundle(**entries)
    right = {
        "classes": _are_names(bundle.classes),
        "longest_seconds": bundle.longest_seconds > 0,
        "combination": mean.kind in KINDS
        and _are_names(mean.members)
        and set(mean.members) <= set(bundle.systems)
        and (mean.kind != "weighted" or len(mean.scores or []) == len(mean.members)),
        **{
            f"system {name}": _are_names(system.weights)
            and set(system.weights) <= set(description["checksums"])
            and system.feature in bundle.features
            and system.temperature > 0
            for name, system in bundle.systems.items()
        },
    }
    for what, is_right in right.items():
        if not is_right:
            raise ValueError(f"its {what} cannot be used")
    return bundle


def _are_names(values: Any) -> bool:
    return isinstance(values, list) and values != [] and all(isinstance(v, str) for v in values)


def _checksum(description: Mapping[str, Any]) -> str:
    """Of all entries but the checksums."""
    entries = {name: value for name, value in description.items() if name != "checksums"}
    content = json.dumps(entries, sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
