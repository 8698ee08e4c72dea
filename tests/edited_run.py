"""A finished run that can be edited: the workflow, its config and its data."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tiny import REPO, TinySet, merged, plan
from tiny_run import Run


class Edited:
    """A copy of the finished run, with a copy of the workflow: all of it can be edited.

    It has no sounds to tag, and no tagger.
    """

    def __init__(self, finished: Run, base: Path) -> None:
        run = finished.copy(base)
        self.directory, self.made, self.overlay = run.directory, run.made, run.overlay
        self.overlay.pop("sounds")
        for part in ("tagger", "models/cnn_logmel/seed1/foldall"):
            shutil.rmtree(run.results / part)
        self.tree = base / "tree"
        parts = (
            "Snakefile",
            "config.yaml",
            "rules",
            "workflow_scripts",
            "profiles",
            "presets",
            "envs",
        )
        self.tree.mkdir()
        for part in parts:
            source = REPO / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, self.tree / part, ignore=ignored)
            else:
                shutil.copy2(source, self.tree / part)
        (self.tree / "README.md").write_text("Read me.\n", encoding="utf-8")

    def planned(self, change: Mapping[str, Any] | None = None, *arguments: str) -> dict[str, int]:
        overlay = merged(self.overlay, change or {})
        found = plan(self.directory, "all", *arguments, overlay=overlay, tree=self.tree)
        assert found.code == 0, found.text
        return {name: count for name, count in found.counts.items() if name != "all"}

    @contextmanager
    def edit(self, path: Path, old: str, new: str) -> Iterator[None]:
        """Replace ``old`` in a file for a while; content and time come back."""
        text, facts = path.read_text(encoding="utf-8"), path.stat()
        assert text.count(old) >= 1, f"{path} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@contextmanager
def clip_more(made: TinySet, part: str) -> Iterator[str]:
    """One more clip, a copy of another, in the folder and the list of its part."""
    folder = made.audio_train if part == "train" else made.audio_test
    lists = made.train_list if part == "train" else made.test_list
    assert lists
    row = lists.read_text(encoding="utf-8").splitlines()[-1]
    content, facts = lists.read_text(encoding="utf-8"), lists.stat()
    (folder / "new").mkdir()
    added = shutil.copy2(folder / row.split(",", 1)[0], folder / "new" / "ffffffff.wav")
    lists.write_text(f"{content}new/ffffffff.wav,{row.split(',', 1)[1]}\n", encoding="utf-8")
    try:
        yield "new/ffffffff.wav"
    finally:
        shutil.rmtree(Path(added).parent)
        lists.write_text(content, encoding="utf-8")
        os.utime(lists, ns=(facts.st_atime_ns, facts.st_mtime_ns))
