"""Nothing that others wrote is run: no pickle, no eval, no shell, no careless loader or page."""

import ast
import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake import parser
from snakemake.sourcecache import infer_source_file
from tiny import REPO

PICKLING = {
    "pickle",
    "_pickle",
    "cPickle",
    "cloudpickle",
    "marshal",
    "shelve",
    "dill",
    "jsonpickle",
}
# Names that must not occur, wherever they stand: a call, an argument, an alias.
FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "joblib.load",
    "joblib.dump",
    "pandas.read_pickle",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "snakemake.shell",
    "snakemake.shell.shell",
    "workflow.shellcmd",  # what Snakemake makes of a rule's `shell:`
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
    "yaml.full_load",
    "yaml.full_load_all",
    "torch.jit.load",
    "torch.hub.load",
    "tempfile.mktemp",
    "ssl._create_unverified_context",
    "requests.packages.urllib3.disable_warnings",
}
WEAK_HASHES = {"hashlib.md5", "hashlib.sha1", "hashlib.new"}
SAFE_LOADERS = {"SafeLoader", "CSafeLoader"}


def faults(code: str) -> list[str]:
    """What in this Python code breaks the rules, each with its line."""
    tree = ast.parse(code)
    known = imported(tree)
    found = []
    for node in ast.walk(tree):
        told = []
        if isinstance(node, ast.Import):
            told = [a.name for a in node.names if a.name.split(".")[0] in PICKLING]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLING:
            told = [str(node.module)]
        elif isinstance(node, ast.Name | ast.Attribute):
            told = [name for name in [full_name(node, known)] if name in FORBIDDEN]
            if isinstance(node, ast.Attribute) and node.attr in ("to_pickle", "extractall"):
                told.append(node.attr)
        elif isinstance(node, ast.Call):
            told = careless(node, full_name(node.func, known) or "", tree)
        found += [f"line {node.lineno}: {name}" for name in told]
    return found


def imported(tree: ast.AST) -> dict[str, str]:
    """Local name -> what it stands for."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def full_name(node: ast.AST, known: dict[str, str]) -> str | None:
    """``np.load`` -> "numpy.load"; None for what is no plain name."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id).removeprefix("builtins.")
    if isinstance(node, ast.Attribute):
        below = full_name(node.value, known)
        return f"{below}.{node.attr}".removeprefix("builtins.") if below else None
    return None


def careless(call: ast.Call, name: str, tree: ast.AST) -> list[str]:
    """Calls whose arguments make them dangerous, or do not make them safe."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    told = []

    def is_not(argument: str, value: bool) -> bool:
        node = given[argument]
        return not (isinstance(node, ast.Constant) and node.value is value)

    if "shell" in given and is_not("shell", False):
        told.append("shell=True")
    if "verify" in given and not is_not("verify", False):
        told.append("verify=False")
    if "allow_pickle" in given and is_not("allow_pickle", False):
        told.append("allow_pickle=True")
    if name == "torch.load" and ("weights_only" not in given or is_not("weights_only", True)):
        told.append("torch.load without weights_only=True")
    if name in ("yaml.load", "yaml.load_all"):
        loader = given.get("Loader") or (call.args[1] if len(call.args) > 1 else None)
        if not is_safe_loader(loader, tree):
            told.append(f"{name} without a safe loader")
    if name in WEAK_HASHES and ("usedforsecurity" not in given or is_not("usedforsecurity", False)):
        told.append(f"{name} without usedforsecurity=False")
    return told


def is_safe_loader(loader: ast.AST | None, tree: ast.AST) -> bool:
    """Whether this names safe loaders only; a variable is looked up."""
    if loader is None:
        return False
    sources = [loader]
    if isinstance(loader, ast.Name):
        sources += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == loader.id for t in node.targets)
        ]
    named = {word for node in sources for word in re.findall(r"\w*Loader\b", ast.unparse(node))}
    return bool(named) and named <= SAFE_LOADERS


def code_of(path: Path) -> str:
    """Python code of a file; of a workflow file, what Snakemake's own parser makes of it."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cache = SimpleNamespace(open=lambda _: io.StringIO(path.read_text(encoding="utf-8")))
    return parser.parse(infer_source_file(str(path)), SimpleNamespace(sourcecache=cache), {})[0]


PRODUCT = sorted(
    path
    for pattern in ("Snakefile", "rules/*.smk", "workflow_scripts/**/*.py", "benchmarks/*.py")
    for path in REPO.glob(pattern)
) + sorted(REPO.glob("envs/*.py"))


def test_every_package_that_is_asked_for_is_reviewed() -> None:
    review = (REPO / "docs" / "dependencies.md").read_text(encoding="utf-8")
    asked = (REPO / "envs" / "requirements.in").read_text(encoding="utf-8")
    asked = asked.split("# only to hold back")[0]
    lines = [line.split("#")[0].strip() for line in asked.splitlines()]
    names = [re.split(r"[<>=!~ ]", line)[0] for line in lines if line]
    assert len(names) > 20
    missing = [n for n in names if not re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", review)]
    assert missing == []


def test_all_of_the_product_is_looked_at() -> None:
    names = {str(path.relative_to(REPO)) for path in PRODUCT}
    for name in ("Snakefile", "rules/common.smk", "workflow_scripts/train_model.py"):
        assert name in names
    for name in (
        "workflow_scripts/earmark/training/checkpoints.py",
        "benchmarks/disk.py",
        "envs/relock.py",
    ):
        assert name in names
    assert "@workflow.script" in code_of(REPO / "rules/models.smk")


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(REPO)))
def test_product_code_is_free_of(path: Path) -> None:
    # Users' own files are run, and those of a bundle if they are allowed: in this module alone.
    runs_files = (
        path.relative_to(REPO).as_posix() == "workflow_scripts/earmark/runtime/own_parts.py"
    )
    found = [fault.split(": ")[1] for fault in faults(code_of(path))]
    assert found == (["exec", "compile"] if runs_files else [])


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "import marshal as m",
        "from pickle import loads",
        "from dill import load as read",
        "import shelve, os",
        "def f():\n    import cloudpickle",
        "import joblib\njoblib.load(p)",
        "from joblib import load\nload(p)",
        "import pandas as pd\npd.read_pickle(p)",
        "frame.to_pickle(p)",
        "eval(text)",
        "exec(text)",
        "compile(text, 'f', 'exec')",
        "import builtins\nbuiltins.eval(text)",
        "run = eval",
        "__import__(name)",
        "import os\nos.system(f'rm {p}')",
        "from os import system\nsystem(p)",
        "import os as o\nrun = o.popen",
        "import subprocess\nsubprocess.run(p, shell=True)",
        "from subprocess import Popen\nPopen(p, shell=flag)",
        "import subprocess\nsubprocess.getoutput(p)",
        "from snakemake.shell import shell\nshell('ls {input}')",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import yaml\nyaml.load(text, yaml.FullLoader)",
        "import yaml\nL = yaml.UnsafeLoader\nyaml.load(text, Loader=L)",
        "import yaml\nyaml.load(text, Loader=L)",
        "import yaml\nyaml.unsafe_load(text)",
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "import torch as t\nt.load(p, weights_only=flag)",
        "import torch\ntorch.jit.load(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import tempfile\ntempfile.mktemp()",
        "import hashlib\nhashlib.md5(data)",
        "import hashlib\nhashlib.new(name)",
        "from hashlib import sha1\nsha1(data, usedforsecurity=True)",
        "import requests\nrequests.get(url, verify=False)",
        "archive.extractall(folder)",
    ],
)
def test_what_is_dangerous_is_seen(code: str) -> None:
    assert len(faults(code)) >= 1


def test_the_shell_directive_of_a_rule_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "Snakefile"
    path.write_text('rule a:\n    input: "x"\n    output: "y"\n    shell: "cp {input} {output}"\n')
    assert any("workflow.shellcmd" in fault for fault in faults(code_of(path)))


@pytest.mark.parametrize(
    "code",
    [
        "module.eval()",
        "import re\nre.compile('a')",
        "import torch\ntorch.load(p, map_location='cpu', weights_only=True)",
        "import numpy as np\nnp.load(p)\nnp.load(p, allow_pickle=False)",
        "import subprocess\nsubprocess.run([a, b], shell=False)",
        "import yaml\nyaml.safe_load(text)\nyaml.load(text, Loader=yaml.SafeLoader)",
        "import yaml\nL = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\nyaml.load(text, Loader=L)",
        "import hashlib\nhashlib.sha256(data)\nhashlib.md5(data, usedforsecurity=False)",
        "import json\njson.load(file)",
        "from safetensors.torch import load_file\nload_file(p)",
    ],
)
def test_what_is_safe_is_not_blamed(code: str) -> None:
    assert faults(code) == []
