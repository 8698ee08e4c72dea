"""Which rules rerun after which edit, of a finished tiny run.

Edits of code are followed in this process: whose hash changes, and which jobs read what theirs
wrote. A few of them, and all other edits, are dry runs of Snakemake.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rerun_edits import CLIPS, CODE, CONFIG, EVERYTHING, LABELLING, SCORING, SUBMITTING
from test_end_to_end import CLASSES, TINY
from tiny import REPO, Plan, TinySet, make_set, merged, plan, snakemake

from earmark.features import catalogue as kinds
from earmark.networks import catalogue as networks
from earmark.planning import code


class Finished:
    """A finished run of ``all``, from a copy of the workflow that can be edited."""

    def __init__(self, base: Path) -> None:
        self.tree, self.directory = base / "tree", base / "run"
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
        self.made: TinySet = make_set(base / "four", CLASSES, clips=8, truth=True)
        self.overlay = merged(
            TINY, {"dataset": str(self.made.folder), "selftraining": {"short": {"rounds": 2}}}
        )

    def run(self) -> None:
        status, text = snakemake(self.directory, "all", overlay=self.overlay, tree=self.tree)
        assert status == 0, text

    def planned(self, change: Mapping[str, Any] | None = None, *arguments: str) -> dict[str, int]:
        overlay = merged(self.overlay, change or {})
        found = plan(self.directory, "all", *arguments, overlay=overlay, tree=self.tree)
        assert found.code == 0, found.text
        return {name: count for name, count in found.counts.items() if name != "all"}

    @contextmanager
    def edited(self, path: Path, old: str, new: str) -> Iterator[None]:
        """Replace ``old`` in a file for a while; content and time come back."""
        text, facts = path.read_text(encoding="utf-8"), path.stat()
        assert text.count(old) >= 1, f"{path} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    made = Finished(tmp_path_factory.mktemp("reruns"))
    made.run()
    return made


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

    def changed(self, finished: Finished, name: str) -> set[str]:
        """Whose hash an edit changes."""
        file, old, new, _ = CODE[name]
        before = self.all()
        with finished.edited(self.scripts / file, old, new):
            self._read.pop(self.scripts / file, None)
            after = self.all()
        self._read.pop(self.scripts / file, None)
        return {each for each, value in after.items() if value != before[each]}


def test_edits_of_code(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = plan(
        finished.directory, "all", "--forceall", overlay=finished.overlay, tree=finished.tree
    )
    jobs = Jobs(listed)
    hashes = Hashes(finished.tree / "workflow_scripts", monkeypatch)
    found = {name: jobs.rerun(hashes.changed(finished, name)) for name in CODE}
    assert found == {name: rules for name, (_, _, _, rules) in CODE.items()}


@pytest.mark.parametrize(
    "name", ["the script of rounds", "another family", "a feature", "how predictions are made"]
)
def test_snakemake_reruns_after_an_edit_of_code(finished: Finished, name: str) -> None:
    file, old, new, rules = CODE[name]
    with finished.edited(finished.tree / "workflow_scripts" / file, old, new):
        assert set(finished.planned()) == rules


@pytest.mark.parametrize("name", CONFIG)
def test_edit_of_the_config(finished: Finished, name: str) -> None:
    change, rules = CONFIG[name]
    found = finished.planned(change)
    assert set(found) == rules
    if name == "one round more":
        assert found["selftrain_round"] == 1
    if name == "one model's learning rate":
        assert found["train_model"] == 1


# Files and texts in them, and what takes their place.
HARMLESS = {
    **{
        file: (None, "  # another word")
        for file in (
            "README.md",
            "profiles/default/config.yaml",
            "envs/earmark.yaml",
            "Snakefile",
            "config.yaml",
            "rules/common.smk",
            "rules/schemas/config.schema.yaml",
            "presets/small.yaml",
        )
    },
    "rules/models.smk": ("gpu=GPUS", "gpu=GPUS + 1"),
    "rules/features.smk": ("threads: 8", "threads: 2"),
    "rules/selftraining.smk": (
        "{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
        "{{system}}_seed{{seed}}_fold{{fold}}_round{{round}}.log",
    ),
}


def test_edits_that_no_result_depends_on(finished: Finished) -> None:
    with ExitStack() as edits:
        for file, (old, new) in HARMLESS.items():
            path = finished.tree / file
            last = path.read_text(encoding="utf-8").splitlines()[-1]
            edit = finished.edited(path, old or last, new if old else f"{last}{new}")
            edits.enter_context(edit)
        for file, before, after, rules in CODE.values():
            if not rules:
                path = finished.tree / "workflow_scripts" / file
                edits.enter_context(finished.edited(path, before, after))
        assert finished.planned() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        (
            *("--cores", "1", "--resources", "gpu=2"),
            *("--set-threads", "train_model=2", "--set-resources", "train_model:gpu=1"),
        ),
        ("--workflow-profile", "none"),
        ("--workflow-profile", "slurm"),
    ],
    ids=" ".join,
)
def test_how_it_is_run_reruns_nothing(finished: Finished, arguments: tuple[str, ...]) -> None:
    assert finished.planned(None, *arguments) == {}


def test_a_label_flipped_or_verified_reads_no_audio(finished: Finished) -> None:
    (fname, label, verified), (second, its_label, its_verified) = finished.made.train[:2]
    other = next(name for name in CLASSES if name != label)
    train_list = finished.made.train_list
    flipped = (f"{fname},{label},{verified}", f"{fname},{other},{verified}")
    confirmed = (
        f"{second},{its_label},{its_verified}",
        f"{second},{its_label},{1 - its_verified}",
    )
    for edit in (flipped, confirmed):
        with finished.edited(train_list, *edit):
            assert set(finished.planned()) == {"draw_folds", *LABELLING}


def test_a_correction_moves_no_fold(finished: Finished) -> None:
    path = finished.directory / "corrections" / "four.csv"
    path.parent.mkdir()
    fname, label, _ = finished.made.train[0]
    header = "clip,label,decision,previous_label,time"
    path.write_text(f"{header}\n{fname},,right,{label},2026-01-02T03:04:05\n", encoding="utf-8")
    try:
        assert set(finished.planned()) == LABELLING
    finally:
        shutil.rmtree(path.parent)


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


def test_a_train_clip_more(finished: Finished) -> None:
    with clip_more(finished.made, "train"):
        found = finished.planned()
    assert set(found) == EVERYTHING
    # Those of the test clips are not computed again.
    assert found["inspect_clips"] == 1
    assert found["extract_features"] == 2


def test_a_test_clip_more_trains_nothing(finished: Finished) -> None:
    with clip_more(finished.made, "test"):
        found = plan(finished.directory, "all", overlay=finished.overlay, tree=finished.tree)
    rules = {name for name in found.counts if name != "all"}
    assert rules == {"inspect_clips", "extract_features", "predict", *SUBMITTING}
    for name in ("inspect_clips", "extract_features", "predict"):
        assert {wildcards["part"] for wildcards in found.wildcards[name]} == {"test"}


def test_a_thousand_sounds_to_tag_train_nothing(finished: Finished, tmp_path: Path) -> None:
    clip = finished.made.audio_test / finished.made.test[0]
    for number in range(1000):
        os.link(clip, tmp_path / f"{number}.wav")
    found = finished.planned({"sounds": str(tmp_path)})
    rules = ("inspect_clips", "extract_features", "predict", "write_tags")
    assert found == dict.fromkeys(rules, 1)


def test_a_network_on_every_clip_redoes_nothing_else(finished: Finished) -> None:
    found = plan(finished.directory, "tagger", overlay=finished.overlay, tree=finished.tree)
    assert found.counts == {"train_model": 1, "tagger": 1}
    assert found.wildcards["train_model"][0]["fold"] == "all"


def test_a_clip_exchanged_is_a_clip_changed(finished: Finished) -> None:
    clip = finished.made.audio_train / finished.made.train[0][0]
    content, facts = clip.read_bytes(), clip.stat()
    clip.write_bytes(content[:-2])
    try:
        assert set(finished.planned()) == {"draw_folds", *CLIPS}
    finally:
        clip.write_bytes(content)
        os.utime(clip, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_touched_files_and_files_that_are_no_listed_clip(finished: Finished) -> None:
    made = finished.made
    assert made.test_list
    for path in (made.audio_train / made.train[0][0], made.train_list, made.test_list):
        os.utime(path)
    strangers = [
        made.audio_train / ".DS_Store",
        made.audio_test / "._x.wav",
        made.audio_train / "unlisted.wav",
        made.folder / "notes.txt",
    ]
    for path in strangers:
        path.write_bytes(b"x")
    try:
        assert finished.planned() == {}
    finally:
        for path in strangers:
            path.unlink()


def test_a_list_put_in_place_with_an_older_time_is_noticed(finished: Finished) -> None:
    path = finished.made.train_list
    content, facts = path.read_text(encoding="utf-8"), path.stat()
    fname, label, _ = finished.made.train[0]
    other = next(name for name in CLASSES if name != label)
    path.write_text(content.replace(f"{fname},{label}", f"{fname},{other}"), encoding="utf-8")
    os.utime(path, (1, 1))
    try:
        assert set(finished.planned()) == {"draw_folds", *LABELLING}
    finally:
        path.write_text(content, encoding="utf-8")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_moved_or_copied_data_set(finished: Finished, tmp_path: Path) -> None:
    folder = finished.made.folder
    assert finished.planned({}) == {}  # the index is of what is there now
    for place in (tmp_path / "copy" / "four", tmp_path / "link"):
        if place.name == "four":
            shutil.copytree(folder, place)
        else:
            place.symlink_to(folder)
    assert finished.planned({"dataset": str(tmp_path / "copy" / "four")}) == {}
    named = {"dataset": str(tmp_path / "link"), "name": "four"}
    assert finished.planned(named) == {}


def test_another_folder_of_the_same_name_is_refused(finished: Finished, tmp_path: Path) -> None:
    other = make_set(tmp_path / "four", CLASSES, clips=8, seed=1)
    overlay = merged(finished.overlay, {"dataset": str(other.folder)})
    found = plan(finished.directory, "all", overlay=overlay, tree=finished.tree)
    assert found.code != 0
    assert "name: another_name" in found.text
    assert "Traceback" not in found.text


def test_results_without_records_are_refused_or_taken_over(
    finished: Finished, tmp_path: Path
) -> None:
    directory = tmp_path / "copied"
    directory.mkdir()
    shutil.copytree(finished.directory / "results", directory / "results", symlinks=True)
    shutil.copy2(finished.directory / "submission.csv", directory)
    overlay = finished.overlay
    found = plan(directory, "submission.csv", overlay=overlay, tree=finished.tree)
    assert found.code != 0
    assert "--touch --forceall" in found.text
    assert "Traceback" not in found.text
    status, text = snakemake(
        directory, "--touch", "--forceall", "all", overlay=overlay, tree=finished.tree
    )
    assert status == 0, text
    found = plan(directory, "all", overlay=overlay, tree=finished.tree)
    assert found.code == 0, found.text
    assert "Nothing to be done" in found.text


def test_after_all_these_edits_nothing_is_to_be_done(finished: Finished) -> None:
    assert finished.planned() == {}


def test_the_truth_of_the_test_clips_concerns_the_scores_alone(finished: Finished) -> None:
    truth = finished.made.folder / "test_post_competition.csv"
    with finished.edited(truth, ",Private", ",Public"):
        assert set(finished.planned()) == SCORING
