"""The code's hash: it changes with what runs and with nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import REPO

from earmark.planning import code

SCRIPTS = REPO / "workflow_scripts"

TREE = {
    "job.py": (
        '"""A job."""\n\nfrom house import floor\n\n\ndef main(x):\n    """Run."""\n'
        "    # a comment\n    return floor.value(x) + 1\n"
    ),
    "house/__init__.py": '"""A house."""\n',
    "house/floor.py": "from . import cellar\n\n\ndef value(x):\n    return cellar.value(x)\n",
    "house/cellar.py": "from .deep.well import DEPTH\n\n\ndef value(x):\n    return x * DEPTH\n",
    "house/deep/__init__.py": "",
    "house/deep/well.py": (
        'from ..names import NAME\n\n\nclass Well:\n    """A well."""\n\n    depth = 3\n\n\n'
        "DEPTH = Well.depth\nTITLE = NAME\n"
    ),
    "house/names.py": 'NAME = "well"\n',
    "house/cellar.html": "<p>wet</p>\n",
    "house/attic.py": "HEIGHT = 1\n",
    "house/attic.css": "p { margin: 0; }\n",
    "other_job.py": "from house import attic\n",
}


def write_tree(folder: Path, edits: dict[str, tuple[str, str]] | None = None) -> Path:
    """Write the tree with ``edits``: file -> (text, its replacement). Returns the script."""
    for name, content in TREE.items():
        old, new = (edits or {}).get(name, ("", ""))
        assert old in content
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace(old, new) if old else content + new)
    return folder / "job.py"


def hashes(tmp_path: Path, edits: dict[str, tuple[str, str]]) -> tuple[str, str]:
    before = code.code_of(write_tree(tmp_path / "before"))
    return before, code.code_of(write_tree(tmp_path / "after", edits))


def test_the_hash_does_not_depend_on_where_the_tree_lies(tmp_path: Path) -> None:
    before, after = hashes(tmp_path, {})
    assert before == after
    assert len(before) == 16


@pytest.mark.parametrize(
    "edits",
    [
        {"job.py": ("# a comment", "# another comment")},
        {"job.py": ("    # a comment\n", "")},
        {"job.py": ('"""A job."""', '"""Quite another docstring."""')},
        {"job.py": ('    """Run."""\n', "")},
        {"job.py": ("floor.value(x) + 1", "(floor.value( x )\n            + 1)")},
        {"house/__init__.py": ('"""A house."""\n', "")},
        {"house/deep/well.py": ('"""A well."""', '"""A deep well."""')},
        {"house/deep/well.py": ("depth = 3", "depth = 3  # metres")},
        {"house/names.py": ('"well"', "'well'")},
        {"house/cellar.py": ("\n\n\n", "\n\n\n\n\n")},
        {"house/attic.py": ("1", "2")},
        {"house/attic.css": ("0", "1")},
        {"other_job.py": ("", "print(1)\n")},
    ],
    ids=lambda edits: f"{next(iter(edits))}: {next(iter(edits.values()))[1].strip()[:20]}",
)
def test_edits_that_change_nothing_that_runs_keep_the_hash(
    tmp_path: Path, edits: dict[str, tuple[str, str]]
) -> None:
    before, after = hashes(tmp_path, edits)
    assert before == after


@pytest.mark.parametrize(
    "edits",
    [
        {"job.py": ("+ 1", "+ 2")},
        {"job.py": ("def main(x):", "def main(x, y=0):")},
        {"house/__init__.py": ("", "print(1)\n")},
        {"house/floor.py": ("cellar.value(x)", "-cellar.value(x)")},
        {"house/cellar.py": ("x * DEPTH", "x + DEPTH")},
        {"house/deep/__init__.py": ("", "X = 1\n")},
        {"house/deep/well.py": ("depth = 3", "depth = 4")},
        {"house/names.py": ('"well"', '"Well"')},
        {"house/names.py": ('"well"', '"well "')},
        {"house/cellar.html": ("wet", "dry")},  # the page of a module that writes it
    ],
    ids=lambda edits: next(iter(edits)),
)
def test_edits_of_what_runs_change_the_hash(
    tmp_path: Path, edits: dict[str, tuple[str, str]]
) -> None:
    before, after = hashes(tmp_path, edits)
    assert before != after


WORDS = (
    'import logging\n\nlog = logging.getLogger("a")\n\n\ndef f(x):\n'
    '    log.info("so many: %d", x)\n    if x:\n'
    '        raise ValueError(f"{x} is too much. " + "Lower it.")\n    return "kept"\n'
)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("so many", "this many", True),
        ("is too much. ", "is far too much. ", True),
        ("Lower it.", "Raise it.", True),
        ("log.info", "log.warning", False),
        ('%d", x)', '%d", x + 1)', False),
        ("{x} is", "{x + 1} is", False),
        ("ValueError", "TypeError", False),
        ('"kept"', '"lost"', False),
        ('getLogger("a")', 'getLogger("b")', False),
    ],
)
def test_words_of_errors_and_of_the_log_do_not_count(
    tmp_path: Path, old: str, new: str, same: bool
) -> None:
    found = []
    for name, text in (("a", WORDS), ("b", WORDS.replace(old, new))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "job.py").write_text(text)
        found.append(code.code_of(tmp_path / name / "job.py"))
    assert (found[0] == found[1]) == same


def test_a_string_that_is_no_docstring_counts(tmp_path: Path) -> None:
    for name, value in (("a", "x"), ("b", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "job.py").write_text(f'def f():\n    return "{value}"\n')
    found = [code.code_of(tmp_path / name / "job.py") for name in ("a", "b")]
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "statement",
    [
        "import tool",
        "import tool as t",
        "import numpy, tool",
        "from tool import thing",
        "from tool import *",
        "def f():\n    import tool",
        "try:\n    import tool\nexcept ImportError:\n    pass",
        "import box.part",
        "from box import part",
        "from box.part import thing",
    ],
)
def test_every_form_of_import_is_followed(tmp_path: Path, statement: str) -> None:
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        (folder / "box").mkdir(parents=True)
        (folder / "tool.py").write_text(f"thing = {number}\n")
        (folder / "box/__init__.py").write_text("")
        (folder / "box/part.py").write_text(f"thing = {number}\n")
        (folder / "job.py").write_text(f"{statement}\n")
        found.append(code.code_of(folder / "job.py"))
    assert found[0] != found[1]


def test_what_only_a_type_checker_imports_does_not_count(tmp_path: Path) -> None:
    head = "\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    "
    hashes_found = {
        code.code_of(write_tree(tmp_path / str(number), {"house/floor.py": ("", head + line)}))
        for number, line in enumerate(["import house.attic\n", "from os import path\n", "pass\n"])
    }
    assert len(hashes_found) == 1


def test_modules_that_import_each_other_are_no_endless_loop(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("import a\n")
    (tmp_path / "job.py").write_text("import a\n")
    assert len(code.code_of(tmp_path / "job.py")) == 16


def test_a_module_is_hashed_with_what_it_imports(tmp_path: Path) -> None:
    def found(name: str, edits: dict[str, tuple[str, str]], module: str) -> str:
        write_tree(tmp_path / name, edits)
        return code.code_of_module(module, tmp_path / name)

    deep = {"house/names.py": ('"well"', '"Well"')}
    assert found("a", {}, "house.cellar") != found("b", deep, "house.cellar")
    assert found("c", {}, "house.attic") == found("d", deep, "house.attic")


def names_in_closure(script: str) -> set[str]:
    path = SCRIPTS / script
    return {found.name for found in code._closure(path, SCRIPTS)}


def test_what_the_real_scripts_depend_on() -> None:
    training = names_in_closure("train_model.py")
    assert {"train_model.py", "build.py", "loop.py", "batches.py", "store.py"} <= training
    assert {"scoring.py", "spreading.py", "plots.py", "autoencoder.py"}.isdisjoint(training)
    # Found by name, and hashed by name.
    assert {"catalogue.py", "vgg.py", "compact.py", "stft.py", "settings.py"}.isdisjoint(training)
    extracting = names_in_closure("extract_features.py")
    assert {"settings.py", "store.py"} <= extracting
    assert {"catalogue.py", "stft.py", "mel.py"}.isdisjoint(extracting)
    coding = names_in_closure("train_autoencoder.py")
    assert {"autoencoder.py", "loop.py", "checkpoints.py"} <= coding
    assert {"build.py", "classifier.py", "metrics.py"}.isdisjoint(coding)
    score = names_in_closure("score.py")
    assert {"scoring.py", "metrics.py", "submission.py"} <= score
    assert {"build.py", "loop.py", "settings.py", "classifier.py"}.isdisjoint(score)


def test_every_rule_with_a_script_has_the_hash_of_that_script() -> None:
    blocks = []
    for path in [REPO / "Snakefile", *(REPO / "rules").glob("*.smk")]:
        text = path.read_text(encoding="utf-8")
        blocks += re.split(r"^ *(?=(?:rule|checkpoint) \w+:$)", text, flags=re.M)[1:]
    scripts = []
    for block in blocks:
        for name in re.findall(r"/workflow_scripts/(\w+\.py)", block):
            scripts.append(name)
            assert f'code=code_of("{name}")' in block, block
    # All scripts but the one that `make` runs by itself; nothing else is run.
    there = {path.name for path in SCRIPTS.glob("*.py")} - {"print_scores.py"}
    assert set(scripts) == there
    assert not [block for block in blocks if re.search(r"^ +(shell|run|notebook):", block, re.M)]


def test_every_module_that_a_script_loads_is_in_its_closure() -> None:
    # The interpreter's own answer, for a script that imports little and one that imports a lot.
    for script in ("score.py", "train_model.py"):
        command = (
            f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import {script[:-3]}\n"
            "for m in list(sys.modules.values()):\n"
            f"    if (getattr(m, '__file__', '') or '').startswith({str(SCRIPTS)!r}):\n"
            "        print(m.__file__)"
        )
        loaded = subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True, check=True
        ).stdout.split()
        closure = {str(path) for path in code._closure(SCRIPTS / script, SCRIPTS)}
        assert str(SCRIPTS / script) in loaded
        # What can change no result is left out, and nothing else.
        runtime = str(SCRIPTS / "earmark" / "runtime")
        assert {path for path in loaded if not path.startswith(runtime)} <= closure


LIGHT = (
    "score",
    "select_labels",
    "spread_labels",
    "combine_predictions",
    "inspect_clips",
    "read_labels",
    "draw_folds",
    "copy_submission",
    "summarise_spreading",
    "measure_labels",
    "print_scores",
    "write_out_of_fold",
    "tabulate_systems",
    "tabulate_spreading",
    "tabulate_selftraining",
    "plot_classes",
    "plot_examples",
    "plot_history",
    "plot_schedule",
    "plot_tsne",
    "write_page",
)


def test_light_scripts_do_not_load_torch() -> None:
    # Importing torch takes seconds; a job that only counts rows must not pay for it.
    command = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        f"for name in {LIGHT!r}:\n"
        "    __import__(name)\n"
        "    assert not {'torch', 'torchaudio'} & set(sys.modules), name\n"
        "print('all', len([name for name in sys.modules if name == 'earmark.runtime.job']))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all 1\n"


def test_planning_loads_nothing_heavy() -> None:
    command = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from earmark.planning import clip_index, code, config, data_source, plan, records\n"
        "from earmark.features import catalogue, settings\n"
        "from earmark.networks import catalogue as networks\n"
        "for kind in catalogue.KINDS:\n"
        "    assert not [*settings.parse({'kind': kind}).mistakes()]\n"
        "for name in networks.NETWORKS:\n"
        "    assert [*networks.mistakes(name, {'x': 1}, (1, 1))]\n"
        "heavy = {'torch', 'torchaudio', 'sklearn', 'scipy', 'matplotlib', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
