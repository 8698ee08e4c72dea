"""Where things lie in a data set's folder: the Kaggle and the Zenodo layout (report, section 1).

Only names are looked at here, with the standard library alone, so that planning stays fast.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from earmark.runtime.errors import EarmarkError

# The lists that a fetched folder needs beside "some file"; Snakemake deletes a declared one alone.
REQUIRED = {
    "FSDKaggle2018.meta": ("train_post_competition.csv", "test_post_competition_scoring_clips.csv"),
}


@dataclass(frozen=True)
class Layout:
    """Files of a data set. Paths that a set may lack are None.

    ``test_list`` gives the test clips and their order; without one (Zenodo) they are the files of
    ``audio_test`` in sorted order. ``test_truth`` and ``train_truth`` are for measuring only.
    """

    folder: Path
    train_list: Path
    audio_train: Path
    audio_test: Path
    test_list: Path | None
    test_truth: Path | None
    train_truth: Path | None

    def moved_to(self, folder: Path) -> "Layout":
        """The same files below another folder."""
        names = [field.name for field in fields(self) if field.name != "folder"]
        paths: dict[str, Any] = {name: getattr(self, name) for name in names}
        moved = {
            name: path and folder / path.relative_to(self.folder) for name, path in paths.items()
        }
        return Layout(folder=folder, **moved)


def kaggle_layout(folder: str | Path) -> Layout:
    """Return the Kaggle layout's paths below ``folder``; whether they exist is not looked at."""
    folder = Path(folder)
    return Layout(
        folder=folder,
        train_list=folder / "train.csv",
        audio_train=folder / "audio_train",
        audio_test=folder / "audio_test",
        test_list=folder / "sample_submission.csv",
        test_truth=folder / "test_post_competition.csv",
        train_truth=folder / "train_truth.csv",
    )


def zenodo_layout(folder: str | Path) -> Layout:
    """Return the Zenodo layout's paths below ``folder``; whether they exist is not looked at."""
    folder = Path(folder)
    meta = folder / "FSDKaggle2018.meta"
    full = meta / "test_post_competition.csv"
    scoring = meta / "test_post_competition_scoring_clips.csv"
    return Layout(
        folder=folder,
        train_list=meta / "train_post_competition.csv",
        audio_train=folder / "FSDKaggle2018.audio_train",
        audio_test=folder / "FSDKaggle2018.audio_test",
        test_list=None,
        test_truth=full if full.exists() else scoring,
        train_truth=None,
    )


def find_layout(folder: str | Path) -> Layout:
    """Return the layout of an existing data set, with None for the optional files that it lacks.

    Raises EarmarkError when the folder, its train list or its clips are absent or out of reach.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise _no_folder(folder)
        candidates = [kaggle_layout(folder), zenodo_layout(folder)]
        for layout in candidates:
            if layout.train_list.is_file():
                return _existing(layout)
            if layout.train_list.is_dir():
                raise EarmarkError(
                    f"The train list {layout.train_list} is a folder. Put a CSV file in its place, "
                    f"with the columns fname,label,manually_verified."
                )
    except OSError as problem:
        raise _unreadable(Path(problem.filename or folder), problem) from problem
    raise EarmarkError(
        f"The data set folder {folder} has no train list: neither {candidates[0].train_list.name} "
        f"(Kaggle) nor {candidates[1].train_list.relative_to(folder)} (Zenodo). Write a train.csv "
        f"with the columns fname,label,manually_verified."
    )


def _no_folder(folder: Path) -> EarmarkError:
    if folder.is_file():
        return EarmarkError(
            f"The data set folder {folder} is a file. Set `dataset` to the folder that it lies in; "
            f"unpack it first if it is an archive."
        )
    return EarmarkError(
        f"The data set folder {folder} does not exist. Set `dataset` to demo, fsdkaggle2018 "
        f"or the path of a folder with train.csv and audio_train."
    )


def _unreadable(path: Path, problem: OSError) -> EarmarkError:
    return EarmarkError(
        f"The folder or file {path} of the data set cannot be looked at ({problem.strerror}). Make "
        f"it readable for you, or set `dataset` to another folder."
    )


def _existing(layout: Layout) -> Layout:
    if not layout.audio_train.is_dir():
        raise EarmarkError(
            f"The folder of the train clips {layout.audio_train} does not exist. Put the clips of "
            f"{layout.train_list} there."
        )
    if not layout.audio_test.is_dir():
        raise EarmarkError(
            f"The folder of the test clips {layout.audio_test} does not exist. Put the clips to "
            f"be tagged there."
        )

    def present(path: Path | None) -> Path | None:
        return path if path is not None and path.is_file() else None

    return Layout(
        layout.folder,
        layout.train_list,
        layout.audio_train,
        layout.audio_test,
        present(layout.test_list),
        present(layout.test_truth),
        present(layout.train_truth),
    )


def missing_archives(folder: str | Path, archives: Iterable[str]) -> list[str]:
    """The archives X.zip whose unpacked folder X is not in ``folder`` yet.

    Such a folder appears by one rename: when it is there with files in it, it is whole.
    """

    def whole(stem: str) -> bool:
        there = visible(Path(folder) / stem)
        return bool(there) and there.issuperset(REQUIRED.get(stem, ()))

    return [name for name in archives if not whole(name.removesuffix(".zip"))]


def visible(folder: Path) -> set[str]:
    """The names in a folder that are not hidden; none if there is no such folder."""
    # Hidden files do not count: Snakemake puts its timestamp into directories it declares.
    try:
        return {entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")}
    except OSError:
        return set()
