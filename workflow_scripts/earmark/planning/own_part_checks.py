"""Checks of users' own files while a run is planned: by their syntax trees, as nothing is run."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError, did_you_mean

# In place of a default: there is none, or only running the file would tell it.
NONE, COMPUTED = object(), object()
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
# What a class derived from ``features.settings.Feature`` has to define.
OF_FEATURES = ("fixed", "dtype", "unit", "shape", "compute")


def call_mistakes(
    name: str, options: Mapping[str, Any], arguments: Sequence[str], key: str
) -> Iterator[str]:
    """Sentences on why ``name`` cannot be called with ``arguments``, then ``options``.

    ``key`` is where the config has the options.
    """
    try:
        function, bound = _definition(name), 0
    except EarmarkError as problem:
        yield str(problem)
        return
    if isinstance(function, ast.ClassDef):
        inits = [part for part in function.body if _name_of(part) == "__init__"]
        if not inits or not isinstance(inits[0], ast.FunctionDef):
            if [ast.unparse(base).split(".")[-1] for base in function.bases] != ["Module"]:
                return  # another class may bring it: then jobs tell what is wrong
            yield f"the class {name} has no __init__(self, {', '.join(arguments)}). Write it."
            return
        function, bound = inits[0], 1
    taken = function.args
    positional, count = [*taken.posonlyargs, *taken.args], bound + len(arguments)
    if len(positional) < count and not taken.vararg:
        yield f"{name} does not take {' and '.join(arguments)}. Write them as its first arguments."
        return
    defaults = [None] * (len(positional) - len(taken.defaults)) + taken.defaults
    values = zip([*positional, *taken.kwonlyargs], [*defaults, *taken.kw_defaults], strict=True)
    parameters = {
        arg.arg: _value(default) for arg, default in [*values][min(count, len(positional)) :]
    }
    yield from _option_mistakes(name, options, parameters, key, bool(taken.kwarg))


def feature_mistakes(entry: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on a feature of the config whose kind is in a user's file."""
    kind = entry["kind"]
    try:
        found = _definition(kind)
    except EarmarkError as problem:
        yield str(problem)
        return
    if not isinstance(found, ast.ClassDef):
        yield f"{kind} is a function. Write a class derived from earmark.features.settings.Feature."
        return
    # What another class brings is not known here: then jobs tell what is missing.
    is_known = [ast.unparse(base).split(".")[-1] for base in found.bases] == ["Feature"]
    missing = {*OF_FEATURES} - {_name_of(part) for part in found.body}
    if is_known and missing:
        yield f"the class {kind} lacks {' and '.join(sorted(missing))} (docs/adding_parts.md)."
    if not any("dataclass" in ast.unparse(part) for part in found.decorator_list):
        yield f"the class {kind} is no dataclass. Write @dataclass(frozen=True) above it."
    fields = {"sample_rate": NONE if is_known else COMPUTED}
    for part in found.body:
        if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
            fields[_name_of(part)] = _value(part.value)
    settings = {key: value for key, value in entry.items() if key != "kind"}
    yield from _option_mistakes(kind, settings, fields, "its entry", not is_known)


def is_fixed(kind: str) -> bool | None:
    """Whether a kind of feature has arrays of one size; None where its class does not tell."""
    try:
        found = _definition(kind)
    except EarmarkError:
        return None
    for part in found.body:
        if isinstance(part, ast.Assign | ast.AnnAssign) and _name_of(part) == "fixed":
            value = _value(part.value)
            return value if isinstance(value, bool) else None
    return None


def _definition(name: str) -> ast.FunctionDef | ast.ClassDef:
    """The function or class. Raises EarmarkError if there is none."""
    file, inside = own_parts.split(name)
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as problem:
        raise EarmarkError(
            f"the file {file} of {name} cannot be read ({problem.strerror}). Write its path from "
            f"the folder that you run Snakemake in."
        ) from problem
    except (SyntaxError, ValueError) as problem:
        raise EarmarkError(f"{file} is not Python ({problem}). Correct it.") from problem
    parts = [part for part in tree.body if isinstance(part, ast.FunctionDef | ast.ClassDef)]
    found = {part.name: part for part in parts}
    if inside not in found:
        raise EarmarkError(
            f"{file} has no function or class '{inside}'.{did_you_mean(inside, found)} Write one "
            f"that it has: {', '.join(found) or 'there is none yet'}."
        )
    return found[inside]


def _name_of(part: ast.stmt) -> str:
    """What a statement of a class defines, or nothing."""
    if isinstance(part, ast.Assign):
        return ast.unparse(part.targets[0])
    if isinstance(part, ast.AnnAssign):
        return ast.unparse(part.target)
    return part.name if isinstance(part, ast.FunctionDef) else ""


def _value(default: ast.expr | None) -> object:
    try:
        return ast.literal_eval(default) if default else NONE
    except ValueError:
        return COMPUTED


def _option_mistakes(
    name: str, options: Mapping[str, Any], parameters: Mapping[str, object], key: str, more: bool
) -> Iterator[str]:
    """Mistakes of options; ``more``: others than the known ``parameters`` are taken too."""
    for option, value in options.items():
        kind = type(parameters.get(option, COMPUTED))
        right = (int, float) if kind is float else (kind,)
        if option not in parameters and not more:
            known = ", ".join(parameters) or f"none, so leave {key} out"
            yield f"{name} has no option '{option}'. It has: {known}."
        elif kind in KINDS and type(value) not in right:
            yield f"the option '{option}' of {name} is {value!r}. Write {KINDS[kind]}."
    for option, default in parameters.items():
        if default is NONE and option not in options:
            yield f"{name} needs the option '{option}', which has no default. Write it in {key}."
