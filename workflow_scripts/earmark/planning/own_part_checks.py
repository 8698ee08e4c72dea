"""Checks of users' own files while a run is planned: by their syntax trees, as nothing is run."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.runtime import own_parts
from earmark.runtime.errors import EarmarkError, did_you_mean

# Of a parameter: it has no default, or one that only running the file would tell.
NONE, COMPUTED = object(), object()
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
# What a class derived from ``features.settings.Feature`` has to say.
OF_FEATURES = ("fixed", "dtype", "unit", "shape", "compute")

Definition = ast.FunctionDef | ast.ClassDef


def call_mistakes(
    name: str, options: Mapping[str, Any], arguments: Sequence[str], key: str
) -> Iterator[str]:
    """Sentences on why ``name`` cannot be called with ``arguments``, then ``options``.

    ``key`` is where the config has the options.
    """
    try:
        found = _definitions(name)[own_parts.split(name)[1]]
    except EarmarkError as problem:
        yield str(problem)
        return
    function, bound = found, 0
    if isinstance(found, ast.ClassDef):
        inits = [
            part
            for each in _family(name, found)
            for part in each.body
            if isinstance(part, ast.FunctionDef) and part.name == "__init__"
        ]
        if not inits:
            yield f"the class {name} has no __init__. Write one: (self, {', '.join(arguments)})."
            return
        function, bound = inits[0], 1
    taken: ast.arguments = function.args  # type: ignore[union-attr]
    positional = [*taken.posonlyargs, *taken.args]
    defaults = [NONE] * (len(positional) - len(taken.defaults)) + [*map(_value, taken.defaults)]
    first = bound + len(arguments)
    if len(positional) < first and not taken.vararg:
        yield f"{name} does not take {' and '.join(arguments)}. Write them as its first arguments."
        return
    parameters = {
        **{arg.arg: value for arg, value in zip(positional, defaults, strict=True)},
        **{arg.arg: _value(v) for arg, v in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)},
    }
    for arg in positional[:first]:
        del parameters[arg.arg]
    yield from _option_mistakes(name, options, parameters, key, bool(taken.kwarg))


def feature_mistakes(entry: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on a feature of the config whose kind is in a user's file."""
    kind = entry["kind"]
    try:
        found = _definitions(kind)[own_parts.split(kind)[1]]
    except EarmarkError as problem:
        yield str(problem)
        return
    if not isinstance(found, ast.ClassDef):
        yield f"{kind} is a function. Write a class derived from earmark.features.settings.Feature."
        return
    family = _family(kind, found)
    fields: dict[str, object] = {"sample_rate": NONE}
    members: set[str] = set()
    for part in (part for each in reversed(family) for part in each.body):
        name = _name_of(part)
        members.add(name)
        if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
            fields[name] = _value(part.value)
    bases = {ast.unparse(base).split(".")[-1] for each in family for base in each.bases}
    # What classes of other files bring is not known here: then jobs tell what is missing.
    is_known = bases <= {"Feature", *(each.name for each in family)}
    missing = [name for name in OF_FEATURES if name not in members]
    if is_known and missing:
        yield f"the class {kind} lacks {' and '.join(missing)} (docs/adding_parts.md)."
    if not any("dataclass" in ast.unparse(part) for part in found.decorator_list):
        yield f"the class {kind} is no dataclass. Write @dataclass(frozen=True) above it."
    settings = {key: value for key, value in entry.items() if key != "kind"}
    yield from _option_mistakes(kind, settings, fields, "its entry", not is_known)


def is_fixed(kind: str) -> bool | None:
    """Whether a kind of feature has arrays of one size; None where its class does not tell."""
    try:
        family = _family(kind, _definitions(kind)[own_parts.split(kind)[1]])
    except EarmarkError:
        return None
    for part in (part for each in family for part in each.body):
        if isinstance(part, ast.Assign | ast.AnnAssign) and _name_of(part) == "fixed":
            value = _value(part.value)
            return value if isinstance(value, bool) else None
    return None


def _definitions(name: str) -> dict[str, Definition]:
    """The functions and classes of a file. Raises EarmarkError if ``name`` is none of them."""
    file, inside = own_parts.split(name)
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as problem:
        raise EarmarkError(
            f"the file {file} of {name} cannot be read ({problem.strerror}). Write its path from "
            f"the folder that you run Snakemake in."
        ) from problem
    except (SyntaxError, ValueError) as problem:
        where = f" in line {problem.lineno}" if isinstance(problem, SyntaxError) else ""
        raise EarmarkError(f"{file} is not Python{where} ({problem}). Correct it.") from problem
    found = {part.name: part for part in tree.body if isinstance(part, Definition)}
    if inside not in found:
        guess = did_you_mean(inside, found)
        raise EarmarkError(
            f"{file} has no function or class '{inside}'.{guess} Write one of: "
            f"{', '.join(found) or 'none are there'}."
        )
    return found


def _family(name: str, found: Definition) -> list[ast.ClassDef]:
    """A class, and those of the same file that it is derived from, nearest first."""
    known, family = _definitions(name), [found]
    for each in family:
        bases = [known.get(ast.unparse(base)) for base in getattr(each, "bases", [])]
        family += [base for base in bases if isinstance(base, ast.ClassDef) and base not in family]
    return [each for each in family if isinstance(each, ast.ClassDef)]


def _name_of(part: ast.stmt) -> str:
    """What a statement of a class defines, or nothing."""
    if isinstance(part, ast.Assign):
        return ast.unparse(part.targets[0])
    if isinstance(part, ast.AnnAssign):
        return ast.unparse(part.target)
    return part.name if isinstance(part, ast.FunctionDef) else ""


def _value(default: ast.expr | None) -> object:
    if default is None:
        return NONE
    try:
        return ast.literal_eval(default)
    except ValueError:
        return COMPUTED


def _option_mistakes(
    name: str, options: Mapping[str, Any], parameters: Mapping[str, object], key: str, more: bool
) -> Iterator[str]:
    """Mistakes of options; ``more``: others than the known ``parameters`` are taken too."""
    for option, value in options.items():
        default = parameters.get(option, COMPUTED)
        kind = type(default)
        right = (int, float) if kind is float else (kind,)
        if option not in parameters and not more:
            known = ", ".join(parameters) or f"none, so leave {key} out"
            yield f"{name} has no option '{option}'. It has: {known}."
        elif kind in KINDS and type(value) not in right:
            yield f"the option '{option}' of {name} is {value!r}. Write {KINDS[kind]}."
    for option, default in parameters.items():
        if default is NONE and option not in options and not (more and option == "sample_rate"):
            yield f"{name} needs the option '{option}', which has no default. Write it in {key}."
