"""The hash of the code that a rule depends on: when it changes, the rule reruns.

Snakemake does not notice edits of imported modules, and reruns for edits of comments. So the hash
covers the syntax trees of a script and of all local modules that it imports, transitively, but not
what cannot change a result: comments, formatting, docstrings, texts of errors (strings inside
``raise``) and of the log (strings inside calls on ``log``), and the package ``runtime``. Modules of
networks and kinds of features are imported by name at run time: each is hashed by itself
(``code_of_module``).
"""

import ast
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from earmark.dataset import hashing

LEFT_OUT = "earmark/runtime/"
# Files of a module's own name that belong to it: a page's template, style and script.
BESIDE = (".html", ".css", ".js")


def code_of(script: Path) -> str:
    """Return the hash of ``script``; its local imports are looked up beside it."""
    return _hash_of(script, script.parent)


def code_of_module(name: str, root: Path) -> str:
    """Return the hash of the module with the dotted ``name`` below ``root``."""
    return _hash_of(root.joinpath(*name.split(".")).with_suffix(".py"), root)


def code_of_own(file: Path, data: Sequence[str], root: Path) -> str:
    """Return the hash of a user's own file, of modules below ``root`` that it imports, of ``data``.

    ``data`` are the files that its options name.
    """
    text, imports = _read(file, root)
    parts = [text, *sorted(_hash_of(path, root) for path in imports)]
    parts += [hashing.hash_of(Path(path))[1] for path in data]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]


@cache
def _hash_of(file: Path, root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(_closure(file, root)):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(_read(path, root)[0].encode())
        for kind in BESIDE:
            if (other := path.with_suffix(kind)).exists():
                digest.update(other.read_bytes())
    return digest.hexdigest()[:16]


def _closure(script: Path, root: Path) -> set[Path]:
    """The script and all local modules that it imports, transitively."""
    closure: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in closure and not path.relative_to(root).as_posix().startswith(LEFT_OUT):
            closure.add(path)
            waiting += _read(path, root)[1]
    return closure


@cache
def _read(path: Path, root: Path) -> tuple[str, list[Path]]:
    """A module's syntax tree as text, without what cannot change a result; its local imports."""
    tree = ast.parse(path.read_bytes(), str(path))
    for statement in tree.body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            statement.body = []  # never run
    # Once: the walks are most of the time of planning.
    nodes = [*ast.walk(tree)]
    imports = _imports(nodes, path, root)
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
        elif isinstance(node, ast.Raise) or _is_log_call(node):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = ""
    return ast.dump(tree), imports


def _is_log_call(node: ast.AST) -> bool:
    """Whether this is log.info(...) or the like."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
    )


def _imports(nodes: Sequence[ast.AST], path: Path, root: Path) -> list[Path]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (not node.level or path.is_relative_to(root)):
            package = ".".join(path.relative_to(root).parent.parts) if node.level else ""
            base = resolve_name("." * node.level + (node.module or ""), package)
            # The imported name may be a module or a name in it: try both.
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    files: list[Path] = []
    for name in names:
        parts = name.split(".")
        # Importing a.b.c runs a and a.b too.
        for length in range(1, len(parts) + 1):
            module = root.joinpath(*parts[:length])
            files += [module.with_suffix(".py"), module / "__init__.py"]
    return [file for file in files if file.is_file()]
