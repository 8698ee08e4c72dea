"""Where the files of a data set are: the Kaggle and the Zenodo layout (report, section 1).

Only names are looked at here, with the standard library alone, so that planning stays fast.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from earmark.runtime.errors import EarmarkError

# Files that an unpacked folder must have; as declared outputs, Snakemake may delete one of them.
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
        paths = [path and folder / path.relative_to(self.folder) for path in vars(self).values()]
        return Layout(*paths)


def kaggle_layout(folder: str | Path) -> Layout:
    """Return the Kaggle layout's paths below ``folder``, whether they exist or not."""
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
    """Return the Zenodo layout's paths below ``folder``, whether they exist or not."""
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

    Raises EarmarkError when the folder, its train list or its clips are missing or unreadable.
    """
    folder = Path(folder)
    try:
        layouts = [kaggle_layout(folder), zenodo_layout(folder)]
        layout = next((one for one in layouts if one.train_list.exists()), None)
        if layout is None:
            raise EarmarkError(
                f"There is no data set in {folder}: neither {layouts[0].train_list} (Kaggle) nor "
                f"{layouts[1].train_list} (Zenodo). Set `dataset` to demo, fsdkaggle2018 or the "
                f"path of a folder with audio_train, audio_test and a train.csv with the columns "
                f"fname,label,manually_verified."
            )
        for audio in (layout.audio_train, layout.audio_test):
            if not audio.is_dir():
                raise EarmarkError(f"The folder {audio} does not exist. Put the clips there.")
        # Only lists and files with the ground truth can be missing here.
        paths = vars(layout).items()
        absent: dict[str, Any] = {name: None for name, path in paths if path and not path.exists()}
        return replace(layout, **absent)
    except OSError as problem:
        raise EarmarkError(
            f"{problem.filename or folder} cannot be read ({problem.strerror}). Check its "
            f"permissions, or set `dataset` to another folder."
        ) from problem


def base_folder(audio: Sequence[str], folder: str) -> Path:
    """The folder of the index's files: that of ``audio``, if a rule made these, or ``folder``."""
    return Path(audio[0]).parent if audio else Path(folder)


def missing_archives(folder: str | Path, archives: Iterable[str]) -> list[str]:
    """The archives X.zip whose unpacked folder X is not in ``folder`` yet.

    Such a folder appears by one rename: if it has files in it, it is complete.
    """

    def is_complete(stem: str) -> bool:
        names = visible(Path(folder) / stem)
        return bool(names) and names.issuperset(REQUIRED.get(stem, ()))

    return [name for name in archives if not is_complete(name.removesuffix(".zip"))]


def check_unfetched(folder: Path, archives: Iterable[str]) -> None:
    """Raise EarmarkError where ``archives`` would be downloaded though ``folder`` may have them."""
    stems = [name.removesuffix(".zip") for name in archives]
    own = {"downloads", *stems, *(f"{stem}.unpacking" for stem in stems)}
    for name in sorted(visible(folder) - own):
        if name.removesuffix(".zip") in stems:
            raise EarmarkError(
                f"{folder / name} would be downloaded again. Move it to {folder / 'downloads'}, "
                f"from where it is checked and unpacked."
            )
        if visible(folder / name):
            raise EarmarkError(
                f"The folder {folder / name} is none of those that the archives unpack to: "
                f"{', '.join(stems)}. Rename it to the one that it is, or set `fetch.folder` to "
                f"another folder to download them all."
            )


def visible(folder: Path) -> set[str]:
    """The names in a folder that are not hidden; none if there is no such folder."""
    # Hidden files do not count: Snakemake puts its timestamp into directories it declares.
    return {path.name for path in folder.glob("[!.]*")}
