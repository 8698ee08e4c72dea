"""The documents for readers agree with what is there: links, files, rules, commands, packages."""

import re
from pathlib import Path

import pytest
import test_packages
import yaml
from tiny import REPO

PAGES = sorted([*REPO.glob("*.md"), *REPO.glob("docs/*.md")])
README = (REPO / "README.md").read_text(encoding="utf-8")
CI = (REPO / ".github/workflows/ci.yml").read_text(encoding="utf-8")
MAKE_TARGETS = set(
    re.findall(r"^([a-z][\w-]*):", (REPO / "Makefile").read_text(encoding="utf-8"), re.M)
)
# What CONTRIBUTING adds as examples.
EXAMPLES = {"workflow_scripts/my_step.py", "workflow_scripts/earmark/networks/small.py"}
# Folders of the repository; other paths in the documents are those of results.
FOLDERS = "benchmarks|docs|envs|presets|profiles|rules|tests|workflow_scripts"


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)


def links(text: str) -> list[tuple[str, str]]:
    """(text, target) of every link and picture."""
    return re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", without_code(text))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links_lead_somewhere(page: Path) -> None:
    for text, target in links(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(REPO), target
        assert file.exists(), f"[{text}]({target})"
        if anchor:
            assert anchor in anchors(file), f"[{text}]({target})"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_make_targets_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]+\.(?:py|md|yaml|smk)\b", text):
        if name not in EXAMPLES:
            assert (REPO / name).exists(), name
    if page.name != "CHANGELOG.md":
        assert set(re.findall(r"`(?:sudo )?make ([a-z-]+)", text)) <= MAKE_TARGETS


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    targets = {target.partition("#")[0] for _, target in links(README)}
    linked = targets | {
        f"docs/{target}"
        for name in targets
        if name.startswith("docs/") and name.endswith(".md")
        for _, target in links((REPO / name).read_text(encoding="utf-8"))
    }
    pages = {str(page.relative_to(REPO)) for page in PAGES} - {"README.md"}
    assert pages <= linked


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def rule_block(path: Path, name: str) -> str:
    text = path.read_text(encoding="utf-8")
    match = re.search(rf"^ *rule {name}:\n(.*?)(?=^ *rule \w|\Z)", text, re.M | re.S)
    assert match, f"{path} has no rule {name}"
    return match.group(1)


def test_the_table_of_steps_names_each_rule_with_its_file_and_script() -> None:
    text = (REPO / "docs/workflow.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|[^|]+\| \[(\w+)\]\((.+?)\) \| \[(.+?)\]\((.+?)\) \| \[", text, re.M)
    assert len(rows) >= 12
    for rule, rule_file, script, path in rows:
        assert Path(path).name == script
        assert f"workflow_scripts/{script}" in rule_block(REPO / "docs" / rule_file, rule)


def test_contributing_has_every_package_in_the_order_of_imports() -> None:
    text = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("| package | what is in it |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.M)) == test_packages.ORDER


def test_the_ci_file_is_yaml_and_its_make_targets_exist() -> None:
    jobs = yaml.safe_load(CI)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = "\n".join(step["run"] for step in steps if "run" in step)
    targets = re.findall(r"\bmake ([a-z-]+)", commands)
    assert {"env", "lint", "test"} <= set(targets) <= MAKE_TARGETS
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
