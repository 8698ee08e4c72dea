"""dataset.yaml, which says where the clips of a folder are, and what says what they are.

Keys: ``audio`` (the folder of the clips, relative to this file), ``list`` (a CSV or TSV) with
``columns`` (role: column), or ``folders`` (roles of the first folders in a clip's path), and
``test`` with the same keys for test clips apart. ``earmark init`` writes it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from earmark.dataset import yaml_files
from earmark.dataset.layout import ROLES, SEVERAL_LABELS, ClipList, Layout
from earmark.runtime.errors import EarmarkError, did_you_mean, printable
from earmark.runtime.outputs import write_text

NAME = "dataset.yaml"
KEYS = ("audio", "list", "columns", "folders", "label_separator", "several_labels")

HEADING = """\
# What is in this folder, as `earmark init` understood it: check it, and edit what is wrong.
# Paths are relative to this file. `columns` says which column of `list` has a clip's
#   file, label, verified (1 or 0; left out: all are), fold (official folds, used as they are),
#   recording (clips of one recording, speaker or source are never parted by folds),
#   split (train, validation or test), start and end (seconds: the clip is a part of its file).
# Without a list, `folders` says what the folders in a clip's path are, for example [split, label].
# Under `test`, the same keys describe test clips that are listed apart.
"""


def read(path: Path) -> Layout:
    """Return the layout that a dataset.yaml describes. Raises EarmarkError with all mistakes."""
    content = yaml_files.read(path)
    mistakes = [*_mistakes(content, path.parent, "", (*KEYS, "test"))]
    test = content.get("test")
    if isinstance(test, dict):
        mistakes += _mistakes(test, path.parent, "test.", KEYS)
    elif test is not None:
        mistakes.append("test is no group of keys. Write `audio:` and more below it.")
    if not mistakes and "label" not in _clip_list(content, path.parent, None).roles:
        mistakes.append(
            "nothing says what the labels are. Write `label` under `columns`, or in `folders`."
        )
    if mistakes:
        raise EarmarkError("\n".join([f"{path} cannot be used.", *(f"- {m}" for m in mistakes)]))
    train = _clip_list(content, path.parent, "train")
    if test is not None:
        return Layout(path.parent, train, _clip_list(test, path.parent, "test"))
    return by_split(path.parent, train)


def by_split(folder: Path, train: ClipList) -> Layout:
    """The layout of a list whose role ``split``, if it has one, tells train from test clips."""
    return Layout(folder, train, replace(train, part="test") if "split" in train.roles else None)


def _mistakes(
    content: Mapping[Any, Any], folder: Path, where: str, keys: tuple[str, ...]
) -> Iterator[str]:
    for key in content:
        if key not in keys:
            meant = did_you_mean(key, keys)
            yield f"{where}{printable(key)} is unknown. It can have: {', '.join(keys)}.{meant}"
    for key in ("audio", "list", "label_separator"):
        if key in content and not (isinstance(content[key], str) and content[key]):
            yield f"{where}{key} is {_shown(content[key])}. Write text, in quotes."
    if not {"audio", "list"} & set(content):
        yield f"{where or 'it '}names no folder of clips. Write `audio:`, for example `audio: .`."
    audio = folder / str(content.get("audio", "."))
    if not audio.is_dir():
        yield f"{where}audio is {_shown(content['audio'])}, but there is no such folder."
    elif "list" in content and not (folder / str(content["list"])).is_file():
        yield f"{where}list is {_shown(content['list'])}, but there is no such file."
    columns = content.get("columns", {})
    is_text = isinstance(columns, dict) and all(isinstance(one, str) for one in columns.values())
    if not is_text or not {*columns} <= {*ROLES}:
        unknown = [role for role in columns if role not in ROLES] if is_text else []
        meant = did_you_mean(unknown[0], ROLES) if unknown else ""
        yield (
            f"{where}columns is {_shown(columns)}. Write role: column, in quotes if it is no word; "
            f"roles are {', '.join(ROLES)}.{meant}"
        )
    elif columns and "list" not in content:
        yield f"{where}columns needs a list that has them. Write `list:`, or `folders`."
    elif "list" in content and "file" not in columns:
        yield f"{where}columns does not say which column has the file names. Write `file: COLUMN`."
    folders = content.get("folders", [])
    if not isinstance(folders, list) or not {*map(str, folders)} <= {*ROLES} - {"file"}:
        yield f"{where}folders is {_shown(folders)}. Write a list of roles, such as [label]."
    elif len({*map(str, folders)}) < len(folders):
        yield f"{where}folders is {_shown(folders)}. Write each role once."
    several = content.get("several_labels", "refuse")
    if several not in SEVERAL_LABELS:
        words = ", ".join(SEVERAL_LABELS)
        yield f"{where}several_labels is {_shown(several)}. Write one of {words}."
    elif several != "refuse" and not {"list", "label_separator"} <= set(content):
        yield f"{where}several_labels needs a list and its label_separator."
    elif several == "most_specific" and is_text and "label" not in columns:
        yield f"{where}several_labels needs a column `label`. Write it, or leave_out."


def _shown(value: object) -> str:
    return printable(repr(value), 200)


def _clip_list(content: Mapping[str, Any], folder: Path, part: str | None) -> ClipList:
    return ClipList(
        audio=folder / content.get("audio", "."),
        table=folder / content["list"] if "list" in content else None,
        columns=content.get("columns", {}),
        folders=tuple(content.get("folders", [])),
        part=part,
        label_separator=content.get("label_separator"),
        several_labels=content.get("several_labels", "refuse"),
    )


def write(layout: Layout, path: Path) -> None:
    """Write the dataset.yaml of a layout; paths outside its folder are absolute."""
    content = _content(layout.train, path.parent)
    test = layout.test
    if test and test != by_split(layout.folder, layout.train).test:
        content["test"] = _content(test, path.parent)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
    write_text(path, HEADING + text)


def _content(listed: ClipList, folder: Path) -> dict[str, Any]:
    def relative(path: Path) -> str:
        within = os.path.relpath(path, folder)
        return os.path.abspath(path) if within.startswith("..") else Path(within).as_posix()

    content: dict[str, Any] = {"audio": relative(listed.audio)}
    if listed.table:
        content |= {"list": relative(listed.table), "columns": dict(listed.columns)}
    if listed.folders:
        content["folders"] = list(listed.folders)
    if listed.label_separator:
        content["label_separator"] = listed.label_separator
        content["several_labels"] = listed.several_labels
    return content
