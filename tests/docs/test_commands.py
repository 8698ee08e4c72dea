"""The commands of the README and of docs/, run in a fresh clone: `make docs-test`.

Each row of the README's table is done, with short trainings on tones. Of the docs, `earmark` runs
and `snakemake` plans; what cannot run here is named in ``NOT_RUN``, with why.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny import REPO, make_set, read_rows, tone, write_rows

README = (REPO / "README.md").read_text(encoding="utf-8")
ROWS = [row for row in README.split("|---|---|---|---|\n")[1].split("\n\n")[0].splitlines()]
COMMAND = re.compile(r"(\.venv/bin/)?(snakemake|earmark|python|make|pip|sbatch|tmux)\b")
SHORT = "'recipes={crops: {epochs: 1}, crops_coarse: {epochs: 1}}'"
CONFIG = f"--configfile presets/own.yaml --config dataset=path/to/sounds {SHORT}"
# The rows of the table, in order: what the user has, and what it must write; nothing: not run here.
WRITTEN = (
    ("a folder per class", "results/sounds/page.html"),
    ("a list with labels", "lists/dataset.yaml"),
    ("labels that nobody checked", "results/sounds/review/page_1.html"),
    ("decisions saved", "corrections/sounds.csv"),
    ("a trained tagger", "results/sounds/tagger/tagger.json"),
    ("that folder", "found.csv"),
    ("another program", "results/sounds/tagger_onnx/tagger.onnx"),
    ("recordings with Raven", "tables/tags.csv"),
    ("a list in which some", "results/list/page.html"),
    ("an idea for a setting", "results/sounds/sweep.csv"),
    ("a challenge's folder", "submission.csv"),
    ("a GPU", ""),
)
NOT_RUN = {
    r"^make|pip install|^\.venv/bin/python benchmarks": "takes long, and has a test of its own",
    r"storage-provider|tmux|sbatch|slurm|--unlock|profiles/mine": "tests/long and its own tests",
    r"--configfile \.\.\.|FILE-OR-FOLDER": "a pattern, not a command",
    r"fsdkaggle2018|report2018\.yaml": "fetches the full set",
    r"tests/slurm_cluster": "in test_slurm",
    r"results/field|init esc50": "needs other sounds; as the README's rows",
    r"--report": "after an hour of training",
}  # fmt: skip


class Clone:
    """A fresh clone with sounds of three classes, and what commands find in it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{REPO}", folder], check=True)
        self.folder = folder
        (folder / ".venv").symlink_to(REPO / ".venv")
        rows = []
        for number, name in enumerate(["dog", "cat", "bell"]):
            for clip in range(10):
                path = folder / "path" / "to" / "sounds" / name / f"{clip}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, tone(300 * 2**number, seed=clip), 8000)
                rows.append((f"{name}/{clip}.wav", name, clip % 2, int(clip % 3 > 0)))
        shutil.copytree(folder / "path/to/sounds", folder / "lists")
        columns = ("file", "label", "fold", "verified")
        write_rows(folder / "lists" / "list.csv", columns, rows)
        beside = [(f"sounds/{file}", *cells) for file, *cells in rows]
        write_rows(folder / "path" / "to" / "partly_verified_1.csv", columns, beside)
        make_set(folder / "path" / "to" / "folder", ["Cello", "Flute", "Bark"], clips=8)
        settings = "extends: own\nsweep: {cnn_logmel: {network_options.width: [4, 8]}}\n"
        (folder / "idea.yaml").write_text(settings)
        for place in ("recordings", "path/to/recordings"):
            self.record(folder / place)

    def record(self, folder: Path) -> None:
        """A recording with a tone for 2 s of each 10, and its Audacity labels."""
        folder.mkdir(parents=True)
        sound = 0.01 * np.random.default_rng(0).standard_normal(60 * 8000)
        labels = ""
        for start in range(4, 60, 10):
            name, frequency = [("dog", 300), ("cat", 600)][start // 10 % 2]
            sound[start * 8000 : (start + 2) * 8000] += tone(frequency, 2.0)
            labels += f"{start}.0\t{start + 2}.0\t{name}\n"
        soundfile.write(folder / "night.wav", sound, 8000)
        (folder / "night.txt").write_text(labels)

    def run(self, command: str) -> str:
        """Run a command as it is written, with the programs of .venv; it must succeed."""
        paths = f"{self.folder / '.venv' / 'bin'}:{os.environ['PATH']}"
        scripts = str(self.folder / "workflow_scripts")
        environment = {**os.environ, "PATH": paths, "PYTHONPATH": scripts}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("docs") / "earmark")


def commands_of(row: str) -> list[str]:
    """What a row of the table says to write."""
    cell = row.split(" | ")[2]
    return [code for code in re.findall(r"`([^`]+)`", cell) if COMMAND.match(code)]


def test_every_row_of_the_table_is_tried() -> None:
    assert len(ROWS) == len(WRITTEN)
    for row, (begins, _) in zip(ROWS, WRITTEN, strict=True):
        assert row.startswith(f"| {begins}")


@pytest.mark.parametrize("number", range(len(WRITTEN)), ids=[begins for begins, _ in WRITTEN])
def test_a_row_of_the_table_writes_what_it_says(clone: Clone, number: int) -> None:
    written = WRITTEN[number][1]
    if not written:
        pytest.skip("needs the full set")
    before_row(clone, number)
    (clone.folder / written).unlink(missing_ok=True)
    for command in commands_of(ROWS[number]):
        clone.run(in_full(command, number))
    assert (clone.folder / written).stat().st_size > 0
    if number == 1:  # "then as above"
        folder = CONFIG.replace("path/to/sounds", "lists")
        assert "train_model" in clone.run(f"snakemake -n all {folder}")


def before_row(clone: Clone, number: int) -> None:
    """What the user brings along."""
    if number == 3:
        wrong = read_rows(clone.folder / "suspects.csv")[0]
        right = "bell" if wrong["label"] != "bell" else "dog"
        write_rows(
            clone.folder / "sounds_corrections.csv",
            ("clip", "label", "decision", "previous_label", "time"),
            [(wrong["clip"], right, "wrong", wrong["label"], "2026-11-28T12:00:00")],
        )


def in_full(command: str, number: int) -> str:
    """A command of the table with what it leaves to the reader."""
    if number == 7 and command.startswith("earmark tag"):
        command = command.replace(
            "results/recordings/tagger new", "results/sounds/tagger recordings"
        )
    if number == 8:
        command += " " + SHORT[:-2] + ", again: {epochs: 1}, again_coarse: {epochs: 1}}'"
    if number == 9:
        command += " " + CONFIG.replace("presets/own.yaml", "idea.yaml")
    if number == 10:
        epochs = ", ".join(
            f"{name}: {{epochs: 1}}" for name in ("autoencoder", "vgg", "crops", "adjust")
        )
        command += f" 'recipes={{{epochs}}}'"
    return command.replace("path/to/list.csv", "lists/list.csv").replace("CONFIG", CONFIG)


def commands_of_pages() -> Iterator[tuple[str, str]]:
    for page in sorted((REPO / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\n(.*?)^```", text, re.S | re.M)
        blocks += re.findall(r"(?:^    [^\n]*\n)+", text, re.M)
        for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+", " ", line).strip().removeprefix("$ ")
            if COMMAND.match(command) and not any(re.search(part, command) for part in NOT_RUN):
                yield page.name, command


@pytest.mark.parametrize(("page", "command"), list(commands_of_pages()))
def test_commands_of_the_pages(clone: Clone, page: str, command: str) -> None:
    for path in ("path/to/clips", "path/to/esc50.csv"):
        command = command.replace(path, "path/to/sounds")
    if "sweep" in command:
        command = in_full(command, 9)
    if "snakemake" in command:
        # As a plan, in which a wrong target, setting or file is an error.
        command = command.replace("snakemake ", "snakemake -n ", 1)
        clone.run(command)
    else:
        clone.run(command.replace("results/demo", "results/sounds"))
