"""Packages: which one may import which, and what the bottom one may import at all."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "workflow_scripts" / "earmark"
# Bottom up: a module imports from its own package and from those before it.
ORDER = (
    "runtime",
    "features",
    "dataset",
    "networks",
    "inference",
    "labels",
    "training",
    "evaluation",
    "tagging",
    "reporting",
    "report2018",
    "synthesis",
    "planning",
)
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py")


def imported(path: Path) -> set[str]:
    """Dotted names of all that a module imports, at its top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_lies_in_a_known_package() -> None:
    packages = {path.relative_to(ROOT).parts[0] for path in MODULES}
    assert packages == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    own = ORDER.index(path.relative_to(ROOT).parts[0])
    used = {name.split(".")[1] for name in imported(path) if name.startswith("earmark.")}
    assert not [name for name in used & set(ORDER) if ORDER.index(name) > own]


def test_runtime_can_change_no_result() -> None:
    allowed = {*sys.stdlib_module_names, "earmark", "tqdm", "psutil", "filelock", "tensorboard"} - {
        "random"
    }
    for path in (ROOT / "runtime").glob("*.py"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert tops <= allowed, path


@pytest.mark.parametrize("package", ORDER)
def test_a_package_says_what_it_is_for(package: str) -> None:
    content = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(content))
