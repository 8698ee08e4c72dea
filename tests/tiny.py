"""Support for tests: small data sets of noisy tones, and Snakemake as a subprocess.

Nothing of the product is imported here, so that what the tests compare with is not its own work.
"""

import copy
import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import dry_runs
import numpy as np
import soundfile
import yaml

REPO = Path(__file__).parents[1]
RATE = 8000
TRAIN_HEADER = ("fname", "label", "manually_verified")
LISTED_HEADER = ("clip", "label", "verified", "recording", "fold")


@dataclass
class TinySet:
    """A written data set, and what is true of it.

    ``train`` has (fname, label, verified) in the train list's order, ``test`` the test clips in the
    test list's order, ``truth`` the class of every clip.
    """

    folder: Path
    audio_train: Path
    audio_test: Path
    train_list: Path
    test_list: Path | None
    train: list[tuple[str, str, int]]
    test: list[str]
    truth: dict[str, str] = field(default_factory=dict)


def tone(frequency: float, seconds: float = 0.3, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A sine at a level of 0.5 with a little noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * frequency * time) + 0.02 * rng.standard_normal(len(time))


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_listed(path: Path, train: Sequence[tuple[str, str, int]]) -> None:
    """Write the table of the train clips, each its own recording, without official folds."""
    write_rows(path, LISTED_HEADER, [(*row, row[0], "") for row in train])


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def make_set(
    folder: Path,
    classes: Sequence[str],
    clips: int = 4,
    test_clips: int = 2,
    zenodo: bool = False,
    truth: bool = False,
    empty_test_clips: int = 0,
    sound: bool = True,
    seed: int = 0,
) -> TinySet:
    """Write a data set of ``clips`` train and ``test_clips`` test clips of every class.

    Each second clip is verified; every fourth has a wrong label (never a verified one). Test clips
    come in an order that is not sorted. Without ``sound`` the files hold no audio at all, which is
    enough for planning. ``truth`` adds the truth files of both parts.
    """
    rng = np.random.default_rng(seed)
    prefix = "FSDKaggle2018." if zenodo else ""
    lists = folder / "FSDKaggle2018.meta" if zenodo else folder
    audio_train, audio_test = folder / f"{prefix}audio_train", folder / f"{prefix}audio_test"
    audio_train.mkdir(parents=True)
    audio_test.mkdir()

    def write_clip(path: Path, number: int) -> None:
        if sound:
            samples = tone(250.0 * 1.7**number, seed=int(rng.integers(2**31)))
            soundfile.write(path, samples, RATE, subtype="PCM_16")
        else:
            path.write_bytes(b"no audio")

    names = iter(f"{number:08x}.wav" for number in rng.permutation(16**5)[:10_000])
    train: list[tuple[str, str, int]] = []
    known: dict[str, str] = {}
    for number, label in enumerate(classes):
        for clip in range(clips):
            fname = next(names)
            write_clip(audio_train / fname, number)
            wrong = clip % 4 == 3 and len(classes) > 1
            given = classes[(number + 1) % len(classes)] if wrong else label
            train.append((fname, given, int(clip % 2 == 0)))
            known[fname] = label
    test: list[str] = []
    for number, label in enumerate(classes):
        for _ in range(test_clips):
            fname = next(names)
            write_clip(audio_test / fname, number)
            test.append(fname)
            known[fname] = label
    for _ in range(empty_test_clips):
        fname = next(names)
        soundfile.write(audio_test / fname, np.zeros(0), RATE, subtype="PCM_16")
        test.append(fname)
    train = [train[index] for index in rng.permutation(len(train))]
    test = [test[index] for index in rng.permutation(len(test))]
    train_list = lists / ("train_post_competition.csv" if zenodo else "train.csv")
    write_rows(train_list, TRAIN_HEADER, train)
    test_list = None
    if zenodo:
        test = sorted(test)
    else:
        test_list = lists / "sample_submission.csv"
        write_rows(test_list, ("fname", "label"), [(name, "Cello Flute Bark") for name in test])
    if truth:
        usages = ("Public", "Private")
        rows = [
            (name, known[name], usages[index % 2]) if name in known else (name, "None", "Ignored")
            for index, name in enumerate(test)
        ]
        name = "test_post_competition_scoring_clips.csv" if zenodo else "test_post_competition.csv"
        scored = [row for row in rows if row[2] != "Ignored"] if zenodo else rows
        write_rows(lists / name, ("fname", "label", "usage"), scored)
        if not zenodo:
            pairs = [(fname, known[fname]) for fname, _, _ in train]
            write_rows(lists / "train_truth.csv", ("fname", "true_label"), pairs)
    return TinySet(folder, audio_train, audio_test, train_list, test_list, train, test, known)


def default_config() -> dict[str, Any]:
    return yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))


def merged(config: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """What Snakemake makes of a config and an overlay: mappings merge, all else is replaced."""
    result = copy.deepcopy(dict(config))
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _prepared(
    directory: Path, arguments: Sequence[str], overlay: Mapping[str, Any] | None, tree: Path
) -> list[str]:
    """Make the folder and the overlay of a call, and return all its arguments."""
    directory.mkdir(parents=True, exist_ok=True)
    found = ["-s", str(tree / "Snakefile"), "--directory", str(directory), "-j2", "--nocolor"]
    found += arguments
    if overlay is not None:
        path = directory / "overlay.yaml"
        path.write_text(yaml.safe_dump(dict(overlay)), encoding="utf-8")
        found += ["--configfile", str(path)]
    return found


def _environment() -> dict[str, str]:
    # Snakemake looks for a default profile beside the Snakefile; the user's own must not matter.
    return {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE")}


def start_snakemake(
    directory: Path,
    *arguments: str,
    overlay: Mapping[str, Any] | None = None,
    tree: Path = REPO,
    output: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start the workflow of ``tree`` in ``directory``, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *_prepared(directory, arguments, overlay, tree)],
        cwd=directory,
        env=_environment(),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def snakemake(
    directory: Path,
    *arguments: str,
    overlay: Mapping[str, Any] | None = None,
    tree: Path = REPO,
    seconds: float = 900,
) -> tuple[int, str]:
    """Run the workflow of ``tree`` in ``directory``: exit code and everything printed."""
    if "-n" in arguments:
        prepared = _prepared(directory, arguments, overlay, tree)
        return dry_runs.run(directory, prepared, _environment(), seconds)
    run = start_snakemake(directory, *arguments, overlay=overlay, tree=tree)
    try:
        printed, _ = run.communicate(timeout=seconds)
    except BaseException:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        raise
    return run.returncode, printed


@dataclass
class Plan:
    """A dry run's outcome: jobs of each rule, and the wildcards of every job."""

    code: int
    text: str
    counts: Counter[str]
    wildcards: dict[str, list[dict[str, str]]]
    outputs: dict[str, list[str]]


def plan(
    directory: Path,
    *arguments: str,
    overlay: Mapping[str, Any] | None = None,
    tree: Path = REPO,
) -> Plan:
    """Dry-run the workflow and read its job table and job descriptions."""
    code, text = snakemake(directory, "-n", *arguments, overlay=overlay, tree=tree)
    counts: Counter[str] = Counter()
    table = re.search(r"^Job stats:\njob +count\n-+ +-+\n(.*?)^total +\d+", text, re.M | re.S)
    if table:
        for line in table.group(1).splitlines():
            name, count = line.split()
            counts[name] = int(count)
    wildcards: dict[str, list[dict[str, str]]] = {}
    outputs: dict[str, list[str]] = {}
    for block in re.split(r"^(?=(?:local)?(?:rule|checkpoint) \w+:$)", text, flags=re.M):
        head = re.match(r"(?:local)?rule (\w+):", block)
        if head:
            found = re.search(r"^ +wildcards: (.*)$", block, re.M)
            pairs = (pair.split("=", 1) for pair in found.group(1).split(", ")) if found else ()
            wildcards.setdefault(head.group(1), []).append(dict(pairs))
            made = re.search(r"^ +output: (.*)$", block, re.M)
            outputs.setdefault(head.group(1), []).extend(made.group(1).split(", ") if made else [])
    return Plan(code, text, counts, wildcards, outputs)


@dataclass
class Page:
    """What is embedded in the page that ``--report`` makes."""

    html: str
    text: str

    def data(self, name: str) -> Any:
        """The value of one of the page's variables: results, categories, rules ..."""
        found = re.search(rf'<script id="[\w-]+">\s*var {name} = (.*);\s*</script>', self.html)
        assert found, f"the page has no {name}"
        return json.loads(found.group(1))

    def sections(self) -> dict[str, tuple[str, str]]:
        """Path of each file shown -> its category and subcategory."""
        return {
            path: (category, subcategory)
            for category, parts in self.data("categories").items()
            for subcategory, paths in parts.items()
            for path in paths
        }


def report_page(directory: Path, *targets: str, overlay: Mapping[str, Any]) -> Page:
    """Have Snakemake make the report of a finished run; captions must be free of faults."""
    code, text = snakemake(directory, "--report", "report.html", *targets, overlay=overlay)
    assert code == 0, text
    page = Page((directory / "report.html").read_text(encoding="utf-8"), text)
    texts = {path: entry["caption"] for path, entry in page.data("results").items()}
    texts["the first page"] = page.data("workflow_desc")
    for path, caption in texts.items():
        words = re.sub(r"<[^>]*>", "", caption)
        assert len(words.split()) >= 10, path
        # Jinja's marks, what it writes for a name that is not there, and docutils' complaints.
        for fault in ("{{", "}}", "{%", "Undefined", "None", "<function", "system-message"):
            assert fault not in caption, (path, caption)
        # Where a name was empty, nothing stands before the next mark.
        assert not re.search(r"\s[.,;:)]|\(\s|\*\*", words), (path, words)
    assert "WARNING" not in text, text
    assert "ERROR" not in text, text
    return page
