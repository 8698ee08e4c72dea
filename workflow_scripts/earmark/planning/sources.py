"""What the main process does with the data set while a run is planned: the index, and checks.

The index of a user's folder is written here and by no rule, and only if its bytes change: touched
clips, files that no list names and a moved or copied folder change nothing. So that clips are not
hashed at each start, their sizes and times are remembered in Snakemake's own folder; that memory
can be deleted at any time.
"""

import contextlib
import json
import logging
import os
import stat
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from earmark.dataset import index
from earmark.dataset.hashing import hash_of
from earmark.dataset.layout import Layout
from earmark.planning.config import Source
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import unwritable, whole_file

log = logging.getLogger("earmark")

# In a folder of results, the link to the data set.
LINK = "source"
# A file may change again within its time stamp: one that is so new is hashed again next time.
SETTLED_SECONDS = 2.0
# Clocks of file servers differ a little.
FUTURE_SECONDS = 60.0


def prepare(source: Source, results: Path) -> None:
    """All that the main process does before the plan is made; ``results`` are this data set's.

    Raises EarmarkError with a sentence for what would end in old or mixed results, or in none.
    """
    check_folders("results", "logs")
    check_design(results)
    check_apart(source, results)
    if source.is_there:
        check_times(lists_of(source))
        check_corrections(source)
        update_index(source.layout, results, _memory(source))


def update_index(layout: Layout, results: Path, memory: Path) -> None:
    """Write ``results``/index/{train,test}.csv for the clips in ``layout``, where they changed.

    ``memory`` is the file that remembers sizes and times. Raises EarmarkError when the clips in
    ``results`` are those of another folder.
    """
    known = _Memory(memory)
    found = index.of_layout(layout, known.hash_all)
    paths = {part: results / "index" / f"{part}.csv" for part in index.PARTS}
    changed = [part for part, path in paths.items() if _text(path) != index.text_of(found[part])]
    if changed:
        before = _owner(memory)
        # A folder that is no longer there was moved, and may have been edited since.
        other = before is not None and before != layout.folder.resolve() and before.exists()
        if other and results.exists():
            raise EarmarkError(
                f"The results in {results} are of the clips in {before}, and {layout.folder} has "
                f"others. Write `name: another_name` in the config (or add name=another_name after "
                f"--config) to keep both, or delete {results} if you do not need it any more."
            )
        if not any(path.exists() for path in paths.values()):
            _tell_of_the_same(found, results)
        index.warn_of_copies(found)
        index.warn_of_unlisted(layout, found)
        for part in changed:
            index.write(found[part], paths[part])
    known.save()


def begin(source: Source) -> None:
    """Note, when a run begins, of which folder the results are; a dry run changes nothing of it."""
    if source.kind == "folder":
        claim(source.layout, _memory(source))


def claim(layout: Layout, memory: Path) -> None:
    """Note beside ``memory`` that results are of the folder of ``layout``."""
    with contextlib.suppress(OSError):
        note = memory.with_suffix(".folder")
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(str(layout.folder.resolve()), encoding="utf-8")


def _owner(memory: Path) -> Path | None:
    """The folder that the results were made of, as far as that is known."""
    try:
        return Path(memory.with_suffix(".folder").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _memory(source: Source) -> Path:
    return Path(f".snakemake/earmark/{source.name}.json")


def _tell_of_the_same(found: dict[str, list[index.Row]], results: Path) -> None:
    """Log a warning if there are results of the same clips by another name."""
    text = index.text_of(found["train"])
    for path in sorted(results.parent.glob("*/index/train.csv")):
        if path.parents[1] != results and _text(path) == text:
            log.warning(
                "%s is of the same train clips: with `name: %s` in the config, or name=%s after "
                "--config, this run would go on from it.",
                path.parents[1],
                path.parents[1].name,
                path.parents[1].name,
            )


def lists(source: Source, results: Path, is_main: bool) -> Layout:
    """The layout whose paths are the inputs of rules: of a user's folder, by way of ``link``."""
    return link(source.layout, results, is_main) if source.kind == "folder" else source.layout


def link(layout: Layout, results: Path, is_main: bool) -> Layout:
    """The same layout by way of the link ``results``/source, for the paths of rules' inputs.

    A data set that was moved, or is named otherwise, so has the paths that it had before. The main
    process lets the link lead to the data set; others (jobs, perhaps on another machine) make it
    where there is none. Raises EarmarkError where it cannot be made.
    """
    path, folder = results / LINK, layout.folder.resolve()
    new = path.with_name(f".{LINK}.{os.getpid()}")
    linked = _linked(results)
    if linked != folder and (is_main or linked is None):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.symlink_to(folder)
            os.replace(new, path)
        except OSError as problem:
            with contextlib.suppress(OSError):
                new.unlink()
            raise unwritable(path, problem) from problem
    return layout.moved_to(path)


def _linked(results: Path) -> Path | None:
    """Where the link leads to, whether there is something or not."""
    try:
        return Path(os.readlink(results / LINK))
    except OSError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


class _Memory:
    """Sizes, times and hashes of files as they were when they were hashed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = _remembered(path)
        self._changed = False

    def hash_all(self, folder: Path, files: Sequence[str]) -> list[tuple[int, str]]:
        """As ``index.hash_all``, but a file of the same size and times is not read again."""
        stamps = [_stamp(folder / file) for file in files]
        unknown = [
            file
            for file, stamp in zip(files, stamps, strict=True)
            if stamp and self._files.get(file, [None])[0] != stamp
        ]
        begin = time.time_ns()
        hashes = dict(zip(unknown, index.hash_all(folder, unknown), strict=True))
        found = []
        for file, stamp in zip(files, stamps, strict=True):
            if not stamp:
                found.append((-1, ""))
            elif file not in hashes:
                found.append((stamp[0], self._files[file][1]))
            else:
                found.append(hashes[file])
                if max(stamp[1:]) < begin - SETTLED_SECONDS * 1e9 and hashes[file][1]:
                    self._files[file] = [stamp, hashes[file][1]]
                    self._changed = True
        return found

    def save(self) -> None:
        """Write what is remembered, if it is new; where that cannot be done, it is no loss."""
        if not self._changed:
            return
        try:
            with whole_file(self.path) as temporary:
                text = json.dumps(self._files)
                temporary.write_text(text, encoding="utf-8")
        except (OSError, EarmarkError) as problem:
            log.warning("%s Clips are compared anew at each start.", problem)


def _remembered(path: Path) -> dict[str, Any]:
    try:
        return {
            str(name): [list(known[0]), str(known[1])]
            for name, known in json.loads(path.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _stamp(path: Path) -> list[int] | None:
    """What tells that a file is as it was; None if there is none."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):  # a pipe would be waited for
        return None
    # The third is the time of the last change of any kind, which nobody can set; the last two tell
    # files of other folders apart.
    times = [facts.st_mtime_ns, facts.st_ctime_ns]
    return [facts.st_size, *times, facts.st_dev, facts.st_ino]


def lists_of(source: Source) -> list[Path]:
    """The files of a data set that rules read as they lie there."""
    own = source.layout
    listed = [own.train_list, own.test_list, own.test_truth, own.train_truth]
    return [path for path in (*listed, *corrections_of(source)) if path]


def corrections_of(source: Source) -> list[Path]:
    """The file of people's corrections of this data set's labels, if there is one."""
    path = Path("corrections", f"{source.name}.csv")
    return [path] if path.exists() else []


def check_apart(source: Source, results: Path) -> None:
    """Raise EarmarkError where results and data would get in each other's way.

    Snakemake deletes what rules make, before it makes them: no rule's output may be a user's file.
    """
    other = "Write another `name` in the config, or move the folder of results away."
    if source.kind != "folder":
        if (results / LINK).is_symlink():
            raise EarmarkError(f"The results in {results} are of a folder of clips. {other}")
        return
    if (results / "dataset").is_dir():
        raise EarmarkError(f"The results in {results} are of the synthesised data set. {other}")
    data, made = source.layout.folder.resolve(), results.resolve()
    if data == made or made in data.parents:
        raise EarmarkError(
            f"The data set {source.layout.folder} lies where its results would go. Write another "
            f"`name` in the config, or run in another folder with `snakemake --directory`."
        )


def check_corrections(source: Source) -> None:
    """Raise EarmarkError for mistakes in people's corrections, if there are any."""
    for path in corrections_of(source):
        from earmark.labels import corrections  # imports pandas

        corrections.read(path, source.labels)


def check_folders(*names: str) -> None:
    """Raise EarmarkError if a file stands where a folder of outputs is to be."""
    for name in names:
        if Path(name).exists() and not Path(name).is_dir():
            raise EarmarkError(
                f"The output folder {Path(name).resolve()} cannot be written: a file has its name. "
                f"Move that file away, or run in another folder with `snakemake --directory`."
            )


def content_of(path: Path | None) -> str:
    """Hash of a list: a rule's parameter, for one that was put in place with an older time."""
    return hash_of(path)[1] if path else ""


def check_times(paths: Iterable[str | Path]) -> None:
    """Raise EarmarkError for files whose time lies in the future: Snakemake could never use them.

    All of them are told at once. Files that are not there do not count.
    """
    latest = time.time() + FUTURE_SECONDS
    ahead = [path for path in map(Path, paths) if path.exists() and path.stat().st_mtime > latest]
    if ahead:
        names = ", ".join(map(str, ahead))
        raise EarmarkError(
            f"The time of {names} lies in the future, so that all that is made from it would seem "
            f"too old. Give it today's with `touch`, and set the clock right if it is wrong."
        )


def check_design(results: Path) -> None:
    """Raise EarmarkError if an earlier Earmark, with other files, made what is in ``results``."""
    if (results / "manifest.csv").exists():
        raise EarmarkError(
            f"{results} was made by an Earmark before version 0.2, whose files are others (it has "
            f"manifest.csv). Move it away or delete it, or write `name: another_name` in the "
            f"config."
        )
