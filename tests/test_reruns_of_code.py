"""Which rules rerun after which edit of code, of a finished tiny run.

The edits are followed in this process: whose hash changes, and which jobs read what theirs wrote.
A few of them are dry runs of Snakemake.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from edited_run import Edited
from rerun_edits import CODE
from tiny import Plan, plan
from tiny_run import Run

from earmark.features import catalogue as kinds
from earmark.networks import catalogue as networks
from earmark.planning import code


@pytest.fixture(scope="module")
def edited(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    return Edited(finished, tmp_path_factory.mktemp("reruns"))


class Jobs:
    """All jobs of ``all``, and what they read and write, as a dry run lists them."""

    # What the systems and features of the tiny run name.
    NETWORKS: ClassVar = {
        "vgg_fewer": "vgg_fewer",
        "vgg_fewer_semi": "vgg_fewer",
        "cnn_logmel": "cnn_logmel",
    }

    def __init__(self, listed: Plan) -> None:
        self.jobs = []
        for block in re.split(r"^(?=(?:local)?rule \w+:$)", listed.text, flags=re.M)[1:]:
            rule = re.match(r"(?:local)?rule (\w+):", block).group(1)  # type: ignore[union-attr]
            lines = dict(re.findall(r"^    (input|output|wildcards): (.*)$", block, re.M))
            files = {name: set(lines.get(name, "").split(", ")) for name in ("input", "output")}
            wildcards = dict(re.findall(r"(\w+)=(\w+)", lines.get("wildcards", "")))
            hashes = {rule}
            if rule in ("train_model", "selftrain_round"):
                hashes.add(f"network {self.NETWORKS[wildcards['system']]}")
            if rule == "extract_features":
                hashes.add(f"feature {wildcards['feature']}")
            self.jobs.append((rule, hashes, files["input"] - {""}, files["output"] - {""}))
        assert len(self.jobs) > 20

    def rerun(self, changed: set[str]) -> set[str]:
        """Rules of the jobs whose hashes changed, and of all that read what those wrote."""
        rules: set[str] = set()
        written: set[str] = set()
        count = -1
        while count < len(written):
            count = len(written)
            for rule, hashes, read, writes in self.jobs:
                if hashes & changed or read & written:
                    rules.add(rule)
                    written |= writes
        return rules - {"all"}


class Hashes:
    """The code's hashes in a tree that can be edited; files that stay are read once."""

    def __init__(self, scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scripts = scripts
        self._read: dict[Path, Any] = {}
        read = code._read.__wrapped__

        def read_once(path: Path, root: Path) -> Any:
            if path not in self._read:
                self._read[path] = read(path, root)
            return self._read[path]

        monkeypatch.setattr(code, "_read", read_once)

    def all(self) -> dict[str, str]:
        """Rule with a script, network or kind of feature -> its hash."""
        code._hash_of.cache_clear()
        modules = {f"network {name}": networks.module_of(name) for name in networks.NETWORKS}
        modules |= {f"feature {kind}": kinds.module_of(kind) for kind in kinds.KINDS}
        return {
            **{path.stem: code.code_of(path) for path in self.scripts.glob("*.py")},
            **{name: code.code_of_module(found, self.scripts) for name, found in modules.items()},
        }

    def changed(self, edited: Edited, name: str) -> set[str]:
        """Whose hash an edit changes."""
        file, old, new, _ = CODE[name]
        before = self.all()
        with edited.edit(self.scripts / file, old, new):
            self._read.pop(self.scripts / file, None)
            after = self.all()
        self._read.pop(self.scripts / file, None)
        return {each for each, value in after.items() if value != before[each]}


def test_edits_of_code(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = plan(edited.directory, "all", "--forceall", overlay=edited.overlay, tree=edited.tree)
    jobs = Jobs(listed)
    hashes = Hashes(edited.tree / "workflow_scripts", monkeypatch)
    found = {name: jobs.rerun(hashes.changed(edited, name)) for name in CODE}
    assert found == {name: rules for name, (_, _, _, rules) in CODE.items()}


@pytest.mark.parametrize(
    "name", ["the script of rounds", "another family", "a feature", "how predictions are made"]
)
def test_snakemake_reruns_after_an_edit_of_code(edited: Edited, name: str) -> None:
    file, old, new, rules = CODE[name]
    with edited.edit(edited.tree / "workflow_scripts" / file, old, new):
        assert set(edited.planned()) == rules
