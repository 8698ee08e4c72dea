"""Where a run's clips come from: the synthesised set, the fetched one, or a user's folder."""

import contextlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from earmark.dataset import csv_files, description, guessing, index, layout, listed
from earmark.dataset.index import Listed
from earmark.dataset.layout import Layout
from earmark.dataset.sound_files import SoundFiles
from earmark.labels import class_groups
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import check_kept, write_error

log = logging.getLogger("earmark")

DEMO, FETCHED = "demo", "fsdkaggle2018"
# In a folder of results, the link to their data set.
LINK = "source"


@dataclass(frozen=True)
class Source:
    """Where a run's clips come from.

    ``name`` is the results' folder name. ``kind`` is demo (a rule synthesises the clips), to_fetch
    (a rule downloads them), fetched (that was done) or folder (the user's own). ``labels`` are the
    classes; before they can be read, those of FSDKaggle2018. ``folds`` are the official folds, if
    there are any. ``path`` is where the user says that they are, ``clips`` what the
    lists there say, ``corrections`` the file of people's corrections of labels, if there is one.
    """

    name: str
    kind: str
    layout: Layout
    labels: list[str]
    folds: list[int] | None = None
    has_test: bool = True
    path: str = ""
    clips: Listed | None = None
    corrections: Path = Path("corrections")

    @property
    def clips_exist(self) -> bool:
        """Whether no rule makes or fetches the clips: then planning looks for edits."""
        return self.kind in ("fetched", "folder")

    @property
    def owner(self) -> Path:
        """What results belong to: the folder, or the list or dataset.yaml of another name."""
        path = Path(os.path.realpath(self.path))
        return path.parent if path.name == description.NAME else path

    @property
    def corrections_files(self) -> list[Path]:
        """The file of corrections, if it is there."""
        return [self.corrections] if self.corrections.is_file() else []


def source_of(config: Mapping[str, Any], is_main_process: bool = True) -> Source:
    """Return the data set of the config; a folder's lists are read.

    Jobs take from the index, where there is one, what the main process read. Raises EarmarkError
    for a folder that cannot be used, and for corrections that a clean run would delete.
    """
    source = _source_of(config, is_main_process)
    corrections = Path("corrections", f"{source.name}.csv")
    if "corrections" in config:
        corrections = Path(os.path.expanduser(config["corrections"]))
        check_kept(corrections)
        if not corrections.is_file():
            raise EarmarkError(
                f"corrections is {corrections}, which is no file. `earmark review --add` writes "
                f"one; leave the key out until then."
            )
    return replace(source, corrections=corrections)


def _source_of(config: Mapping[str, Any], is_main_process: bool) -> Source:
    dataset, name = config["dataset"], config.get("name")
    if dataset == DEMO:
        demo = layout.kaggle_layout(Path("results", name or DEMO, "dataset"))
        return Source(name or DEMO, "demo", demo, list(class_groups.CLASSES))
    if dataset == FETCHED:
        folder = Path(config["fetch"]["folder"])
        archives = config["fetch"]["files"]
        is_kaggle = (folder / "train.csv").exists()
        if layout.missing_archives(folder, archives) and not is_kaggle:
            layout.check_unfetched(folder, archives)
            fetched = layout.zenodo_layout(folder)
            return Source(name or FETCHED, "to_fetch", fetched, list(class_groups.CLASSES))
        # Once fetched, its edits are noticed like those of any folder.
        return _existing(folder, name or FETCHED, "fetched", is_main_process)
    # A shell does not expand the tilde of `--config dataset=~/sounds`.
    path = Path(os.path.expanduser(dataset))
    real = Path(os.path.realpath(path))  # unlike resolve(), of a loop of links too
    last = real.name or "data"
    if path.is_file():
        last = real.parent.name if path.name == description.NAME else path.stem
    default = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in last)
    if default in (DEMO, FETCHED):  # the results of the data sets that Earmark makes or fetches
        default += "_folder"
    return _existing(path, name or default, "folder", is_main_process)


def _existing(path: Path, name: str, kind: str, is_main_process: bool) -> Source:
    reserved = sorted(set("{}<>") & set(str(path)))
    if reserved and kind == "fetched":  # its lists are inputs of rules
        raise EarmarkError(
            f"The data set {path} has '{reserved[0]}' in its name, which Snakemake reads as a "
            f"wildcard. Rename it."
        )
    # Snakemake deletes rules' outputs before it makes them: none may be a user's file.
    results = Path("results", name)
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(results)):
        raise EarmarkError(
            f"The data set {path} is inside the results folder {results}. Write another `name` in "
            f"the config, or run in another folder with `snakemake --directory`."
        )
    folders: dict[Path, SoundFiles] = {}
    found = guessing.layout_of(path, folders)
    table = results / "index" / "listed.csv"
    clips = None
    if not is_main_process and table.exists():
        rows = csv_files.read(table, listed.COLUMNS, "table of train clips")
        labels, folds = {*rows.column("label")}, {*rows.column("fold")}
        has_test = (results / "index" / "test.csv").exists()
    else:
        clips = index.read_lists(found, folders)
        labels, folds = ({*map(attrgetter(role), clips.train)} for role in ("label", "fold"))
        has_test = bool(clips.test)
    official = sorted(int(fold) for fold in folds if fold) or None
    return Source(name, kind, found, sorted(labels), official, has_test, str(path), clips)


def check(source: Source, results: Path) -> None:
    """Raise EarmarkError for results of another kind of data set, or mistakes in corrections."""
    advice = "Write another `name` in the config, or delete them."
    if source.kind == "folder" and (results / "dataset").is_dir():
        raise EarmarkError(f"The results in {results} are of the demo. {advice}")
    if source.kind != "folder" and (results / LINK).is_symlink():
        raise EarmarkError(f"The results in {results} are of a folder of clips. {advice}")
    if not source.has_test and (results / "submission.csv").exists():
        log.warning(
            f"The data set has no test clips any more: submission.csv and scores in {results} are "
            f"of those that it had."
        )
    for path in source.corrections_files:
        from earmark.labels import corrections  # imports pandas

        corrections.read(path, source.labels)


def sounds_folder(config: Mapping[str, Any], results: Path, check_it: bool) -> Path | None:
    """The folder of sounds to be tagged that the config names, if it names one.

    With ``check_it``, raises EarmarkError for one that cannot be used.
    """
    if "sounds" not in config:
        return None
    folder = Path(os.path.expanduser(config["sounds"]))
    if not check_it:
        return folder
    if not folder.is_dir():
        what = "a file" if folder.exists() else "not there"
        raise EarmarkError(
            f"sounds is {folder}, which is {what}. Write the path of a folder of sounds to tag."
        )
    real, own = Path(os.path.realpath(folder)), Path(os.path.realpath(results))
    if real.is_relative_to(own) or own.is_relative_to(real):
        where = "inside" if real.is_relative_to(own) else "around"
        raise EarmarkError(
            f"The folder of sounds {folder} is {where} the results folder {results}. Write another "
            f"one, or run in another folder with `snakemake --directory`."
        )
    return folder


def linked_layout(source: Source, results: Path, is_main_process: bool) -> Layout:
    """The layout whose paths are rules' inputs; a user's folder is reached through a link.

    So paths stay the same when a data set is moved or renamed. The main process points the link
    ``results``/source to the data set; a job (perhaps on another machine) makes a missing one.
    Raises EarmarkError if that fails.
    """
    if source.kind != "folder":
        return source.layout
    link, folder = results / LINK, source.layout.folder.resolve()
    if not link.is_symlink() or (is_main_process and Path(os.readlink(link)) != folder):
        new = link.with_name(f".{LINK}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            new.symlink_to(folder)
            os.replace(new, link)
        except OSError as problem:
            with contextlib.suppress(OSError):
                new.unlink()
            raise write_error(link, problem) from problem
    return source.layout.moved_to(link)
