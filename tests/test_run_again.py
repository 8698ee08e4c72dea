"""A finished run again: with nothing new, from another clone, with a clip that is spoiled."""

import shutil
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from tiny import REPO, merged, plan, snakemake
from tiny_run import CLASSES, Run


@pytest.fixture(scope="module")
def run(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finished.copy(tmp_path_factory.mktemp("again"))


def test_one_more_sound_redoes_the_tags_alone(run: Run) -> None:
    folder = Path(run.overlay["sounds"])
    added = shutil.copy(folder / CLASSES[0] / "sound, 1.wav", folder / "another.wav")
    try:
        found = plan(run.directory, "all", "tagger", overlay=run.overlay)
    finally:
        Path(added).unlink()
    found.counts.pop("all")
    rules = ("inspect_clips", "extract_features", "predict", "write_tags")
    assert found.counts == dict.fromkeys(rules, 1)
    assert {found.wildcards[rule][0]["part"] for rule in rules[:3]} == {"sounds"}


def test_a_second_call_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    # Of sounds that were copied elsewhere, too.
    shutil.copytree(run.overlay["sounds"], tmp_path / "copy")
    overlay = merged(run.overlay, {"sounds": str(tmp_path / "copy")})
    code, text = snakemake(run.directory, "-n", "all", "tagger", overlay=overlay)
    assert code == 0
    assert "Nothing to be done" in text, text


NO_LOCKS = """
import errno, fcntl

def flock(handle, operation):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = flock
"""


def python_without_locks(folder: Path) -> Path:
    """A Python with the packages of this one, in which no file can be locked."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "no_locks.py").write_text(NO_LOCKS)
    (packages / "these.pth").write_text(f"{Path(np.__file__).parents[1]}\nimport no_locks\n")
    return folder / "bin" / "python"


def test_the_same_bytes_from_another_clone_another_home_and_moved_data(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path
    tree = base / "My Projects; it's #1" / "elsewhere"
    for part in ("rules", "workflow_scripts", "profiles", "presets", "envs"):
        shutil.copytree(REPO / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Snakefile", "config.yaml"):
        shutil.copy2(REPO / part, tree)
    moved = base / "moved" / "four"
    shutil.copytree(finished.made.folder, moved, copy_function=shutil.copy)
    home = base / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    other = base / "second"
    overlay = merged(finished.overlay, {"dataset": str(moved)})
    # Where files cannot be locked, from a notebook, and with a person's own style of figures.
    monkeypatch.setattr(sys, "executable", str(python_without_locks(tree / ".venv")))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("MPLCONFIGDIR", "/dev/null/none")
    other.mkdir()
    (other / "matplotlibrc").write_text("backend: tkagg\nfont.size: 30\nsavefig.bbox: tight\n")
    figure = "results/four/report/clips_per_class.png"
    code, text = snakemake(other, "submission.csv", "scores", figure, overlay=overlay, tree=tree)
    assert code == 0, text
    assert "Files cannot be locked" in text
    assert (other / "submission.csv").read_bytes() == (
        finished.directory / "submission.csv"
    ).read_bytes()
    results = other / "results" / "four"
    made = [path.relative_to(results) for path in results.rglob("*") if path.is_file()]
    # How long jobs took differs.
    made = [path for path in made if path.parts[0] != "benchmarks" and "tfevents" not in path.name]
    assert len(made) > 50
    different = [
        p for p in made if (results / p).read_bytes() != (finished.results / p).read_bytes()
    ]
    assert different == []


def test_a_clip_exchanged_is_noticed_and_a_bad_one_stops_without_loss(run: Run) -> None:
    clip = run.made.audio_train / run.made.train[0][0]
    before = {
        path: path.read_bytes()
        for path in [run.directory / "submission.csv", *run.results.rglob("weights.safetensors")]
    }
    assert len(before) == 7
    content = clip.read_bytes()
    clip.write_text("I am no audio.")
    try:
        code, text = snakemake(run.directory, "all", overlay=run.overlay)
    finally:
        clip.write_bytes(content)
    assert code != 0
    sentence = f"1 of {len(run.made.train)} train clips cannot be used (1 not_audio); the"
    for told in (text, (run.directory / "logs/four/inspect_clips/train.log").read_text()):
        assert sentence in told
        assert str(clip) in told
        assert "most_skipped_percent" in told
    # A mistake of the user's is told in a sentence, not by a traceback through the product.
    assert "Traceback" not in (run.directory / "logs/four/inspect_clips/train.log").read_text()
    assert "workflow_scripts/earmark/dataset/inspection.py" not in text
    for path, bytes_before in before.items():
        assert path.read_bytes() == bytes_before


def test_results_that_cannot_be_written_stop_at_once(finished: Run, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    code, text = snakemake(tmp_path, "submission.csv", overlay=finished.overlay)
    assert code != 0
    assert (tmp_path / "results").read_text() == "mine"
    assert "results is a file" in text, text
    assert "Traceback" not in text
