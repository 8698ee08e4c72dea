"""A bundle: a folder with all that tagging needs, without the workflow.

Opening one runs no code but its own Python files, if it has some and they are allowed.

- ``tagger.json``: classes, features, networks, how they are combined, checksums (see ``Bundle``)
- ``*.safetensors``: the networks' weights; or ``tagger.onnx``, all of them as one graph
- ``*.py``: the author's own files with networks and kinds of features, if they use any, and the
  files that options of these name
- ``README.md``: the model card
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from earmark.dataset import hashing
from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError, printable
from earmark.runtime.outputs import write_text

FORMAT = 3  # 1 has neither a graph nor own files, 2 no own files
DESCRIPTION, CARD, GRAPH = "tagger.json", "README.md", "tagger.onnx"
KINDS = ("arithmetic", "weighted", "geometric", "power")


@dataclass(frozen=True)
class System:
    """A system: the feature's name, the network, how clips are cut for it, and files of weights.

    The probabilities of several weights are averaged, then calibrated by the ``temperature``
    (``calibration.calibrated``). ``recipe`` has what ``Crops.of_recipe`` needs.
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

    ``name`` is that of the results it comes from, ``versions`` are of the packages it was trained
    with. Clips below ``shortest_seconds`` are told, only the first ``longest_seconds`` of a clip
    are used. ``checksums``, which ``write`` adds, are of the other files, and of the description
    without them. Where one of the files is a graph, systems have no weights.
    """

    name: str
    classes: list[str]
    combination: Combination
    features: dict[str, dict[str, Any]]
    systems: dict[str, System]
    longest_seconds: float
    shortest_seconds: float = 0.0
    versions: dict[str, str] | None = None
    checksums: dict[str, str] | None = None

    @property
    def has_graph(self) -> bool:
        """Whether its networks are one graph, which needs no torch."""
        return GRAPH in (self.checksums or {})

    @property
    def own_files(self) -> list[str]:
        """The author's Python files that its networks and features need; a graph needs none."""
        names = [system.network for system in self.systems.values()]
        names += [feature["kind"] for feature in self.features.values()]
        found = {str(own_parts.split(name)[0]) for name in names if own_parts.is_own(name)}
        return [] if self.has_graph else sorted(found)


def write(folder: str | Path, bundle: Bundle, weights: Mapping[str, str | Path], card: str) -> None:
    """Write a bundle in place of ``folder``: the description last, without which it is none.

    ``weights`` are the files to copy, by their names in the bundle; ``card`` is Markdown. The
    user's own files with networks and kinds of features are copied too.
    """
    folder = Path(folder)
    if GRAPH not in weights:
        bundle, files = _with_own_files(bundle)
        weights = {**weights, **files}
    shutil.rmtree(folder, ignore_errors=True)  # it may have weights of other members
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in weights.items():
        shutil.copyfile(path, folder / name)
    (folder / CARD).write_text(card, encoding="utf-8")
    checksums = {name: hashing.hash_of(folder / name)[1] for name in [*weights, CARD]}
    number = FORMAT if bundle.own_files else 1
    description = {"format": 2 if GRAPH in weights else number, **asdict(bundle)}
    description["checksums"] = {**checksums, DESCRIPTION: _checksum(description)}
    text = json.dumps(description, indent=2, ensure_ascii=False)
    write_text(folder / DESCRIPTION, f"{text}\n")


def _with_own_files(bundle: Bundle) -> tuple[Bundle, dict[str, str]]:
    """The bundle as it names its own files' copies, and the files by the names of these."""
    used = {*bundle.own_files}
    for system in bundle.systems.values():
        if own_parts.is_own(system.network):
            used |= {*own_parts.data_files(system.network_options)}
    for entry in bundle.features.values():
        if own_parts.is_own(entry["kind"]):
            used |= {*own_parts.data_files(entry)}
    copies = {path: f"own-{n}-{Path(path).name}" for n, path in enumerate(sorted(used), start=1)}

    def renamed(name: str) -> str:
        file, inside = own_parts.split(name)
        return f"{copies[str(file)]}:{inside}" if own_parts.is_own(name) else name

    def of(options: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: copies.get(value, value) if isinstance(value, str) else value
            for key, value in options.items()
        }

    systems = {
        name: replace(
            system, network=renamed(system.network), network_options=of(system.network_options)
        )
        for name, system in bundle.systems.items()
    }
    features = {
        name: {**of(entry), "kind": renamed(entry["kind"])}
        for name, entry in bundle.features.items()
    }
    files = {copy: path for path, copy in copies.items()}
    return replace(bundle, systems=systems, features=features), files


def read(folder: str | Path) -> Bundle:
    """Read a bundle and check it. Raises EarmarkError for a damaged, foreign or newer one."""
    path = Path(folder) / DESCRIPTION
    if not path.is_file():
        raise EarmarkError(
            f"There is no {path}, so {folder} is no bundle. Name the folder that `snakemake "
            f"tagger` wrote, such as results/demo/tagger."
        )
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        number = description["format"]
        if type(number) is not int or number < 1:
            raise ValueError("its format is no whole number from 1")
        if number > FORMAT:
            raise EarmarkError(
                f"The bundle {folder} was written by a newer Earmark (format {number}; this one "
                f"reads up to {FORMAT}). Install a newer one."
            )
        for name, expected in description["checksums"].items():
            if name == DESCRIPTION:
                found = _checksum(description)
            else:  # with_name fails for a name that leads elsewhere
                found = hashing.hash_of(path.with_name(name))[1]
            if found != expected:
                raise ValueError(f"{name} is {'not as it was written' if found else 'missing'}")
        return _parse(description)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        raise damaged(folder, problem) from problem


def read_card(folder: str | Path) -> str:
    """The model card of a bundle, in Markdown. Raises EarmarkError as ``read``."""
    read(folder)
    try:
        return (Path(folder) / CARD).read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise damaged(folder, problem) from problem


def damaged(folder: str | Path, problem: Exception) -> EarmarkError:
    """The error, to be raised, for a bundle that caused ``problem``."""
    return EarmarkError(
        f"The bundle {folder} is damaged, or not Earmark's ({type(problem).__name__}: "
        f"{printable(' '.join(str(problem).split()), 300)}). Copy it again, or write it again by "
        f"`snakemake tagger`."
    )


def _parse(description: Mapping[str, Any]) -> Bundle:
    """The description as an object; what does not fit together otherwise shows when it is used."""
    names = {field.name for field in fields(Bundle)} & {*description}
    entries = {name: description[name] for name in names}
    entries["combination"] = Combination(**entries["combination"])
    entries["systems"] = {name: System(**entry) for name, entry in entries["systems"].items()}
    bundle = Bundle(**entries)
    if not isinstance(bundle.classes, list) or {*map(type, bundle.classes)} != {str}:
        raise ValueError("its classes are no list of names")
    if bundle.combination.kind not in KINDS:
        raise ValueError("its kind of mean is unknown")
    if not {*bundle.own_files} <= {*description["checksums"]}:
        raise ValueError("a Python file is missing")
    for name, system in bundle.systems.items():
        if not {*system.weights} <= {*description["checksums"]} or system.temperature <= 0:
            raise ValueError(f"its system {name} cannot be used")
    return bundle


def _checksum(description: Mapping[str, Any]) -> str:
    """Of all entries but the checksums."""
    entries = {name: value for name, value in description.items() if name != "checksums"}
    content = json.dumps(entries, sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
