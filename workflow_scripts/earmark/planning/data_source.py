"""Where a run's clips come from: the synthesised set, the fetched one, or a user's folder."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.dataset import clip_lists, layout
from earmark.dataset.layout import Layout
from earmark.labels import class_groups
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import write_error

DEMO, FETCHED = "demo", "fsdkaggle2018"
# In a folder of results, the link to their data set.
LINK = "source"


@dataclass(frozen=True)
class Source:
    """Where a run's clips come from.

    ``name`` is the results' folder name. ``kind`` is demo (a rule synthesises the clips), to_fetch
    (a rule downloads them), fetched (that was done) or folder (the user's own). ``labels`` are the
    classes; before they can be read, those of FSDKaggle2018.
    """

    name: str
    kind: str
    layout: Layout
    labels: list[str]

    @property
    def clips_exist(self) -> bool:
        """Whether no rule makes or fetches the clips: then planning looks for edits."""
        return self.kind in ("fetched", "folder")

    @property
    def corrections(self) -> list[Path]:
        """The file of people's corrections of this data set's labels, if there is one."""
        path = Path("corrections", f"{self.name}.csv")
        return [path] if path.exists() else []


def source_of(config: Mapping[str, Any]) -> Source:
    """Return the data set of the config; a folder's lists are read.

    Raises EarmarkError for a folder that cannot be used.
    """
    dataset, name = config["dataset"], config.get("name")
    if dataset == DEMO:
        demo = layout.kaggle_layout(Path("results", name or DEMO, "dataset"))
        return Source(name or DEMO, "demo", demo, list(class_groups.CLASSES))
    if dataset == FETCHED:
        folder = Path(config["fetch"]["folder"])
        archives = config["fetch"]["files"]
        is_kaggle = layout.kaggle_layout(folder).train_list.exists()
        if layout.missing_archives(folder, archives) and not is_kaggle:
            layout.check_unfetched(folder, archives)
            fetched = layout.zenodo_layout(folder)
            return Source(name or FETCHED, "to_fetch", fetched, list(class_groups.CLASSES))
        # Once fetched, its edits are noticed like those of any folder.
        return _existing(folder, name or FETCHED, "fetched")
    # A shell does not expand the tilde of `--config dataset=~/sounds`.
    folder = Path(os.path.expanduser(dataset))
    last = folder.resolve().name or "data"
    default = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in last)
    if default in (DEMO, FETCHED):  # the results of the data sets that Earmark makes or fetches
        default += "_folder"
    return _existing(folder, name or default, "folder")


def _existing(folder: Path, name: str, kind: str) -> Source:
    reserved = sorted(set("{}<>") & set(str(folder)))
    if reserved:
        raise EarmarkError(
            f"The data set folder {folder} has '{reserved[0]}' in its name, which Snakemake reads "
            f"as a wildcard. Rename it, or set `dataset` to a link to it."
        )
    # Snakemake deletes rules' outputs before it makes them: none may be a user's file.
    results = Path("results", name)
    if folder.resolve().is_relative_to(results.resolve()):
        raise EarmarkError(
            f"The data set {folder} is inside the results folder {results}. Write another `name` "
            f"in the config, or run in another folder with `snakemake --directory`."
        )
    files = layout.find_layout(folder)
    labels = sorted({row.label for row in clip_lists.train_rows(files.train_list)})
    return Source(name, kind, files, labels)


def check(source: Source, results: Path) -> None:
    """Raise EarmarkError for results of another kind of data set, or mistakes in corrections."""
    advice = "Write another `name` in the config, or delete them."
    if source.kind == "folder" and (results / "dataset").is_dir():
        raise EarmarkError(f"The results in {results} are of the demo. {advice}")
    if source.kind != "folder" and (results / LINK).is_symlink():
        raise EarmarkError(f"The results in {results} are of a folder of clips. {advice}")
    for path in source.corrections:
        from earmark.labels import corrections  # imports pandas

        corrections.read(path, source.labels)


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
