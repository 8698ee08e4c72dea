"""Where the clips of a data set are, and what says which they are: see ``description`` for users.

A ``Layout`` comes from a challenge's folders (report, section 1), a ``dataset.yaml``, a folder per
class or a list. Only names are looked at here, with the standard library alone, so that planning
stays fast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from earmark.runtime.errors import EarmarkError

# Files that an unpacked folder must have; as declared outputs, Snakemake may delete one of them.
REQUIRED = {
    "FSDKaggle2018.meta": ("train_post_competition.csv", "test_post_competition_scoring_clips.csv"),
}
# What a column, or a folder in a clip's path, can say about a clip.
ROLES = ("file", "label", "verified", "fold", "recording", "split", "start", "end")
# Of a cell with several labels: refuse it, leave the clip out, or take the one label whose parents
# all others are.
SEVERAL_LABELS = ("refuse", "leave_out", "most_specific")


@dataclass(frozen=True)
class ClipList:
    """Clips of one part: the rows of a table or, without one, the sound files in a folder.

    ``audio`` is the folder of the files. ``columns`` maps roles to columns of the ``table``;
    ``folders`` are the roles of the first folders in a clip's path below ``audio``. ``part`` is
    train or test where a role ``split`` decides; else all clips belong to it.
    """

    audio: Path
    table: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    part: str | None = None
    label_separator: str | None = None
    several_labels: str = "refuse"

    @property
    def roles(self) -> set[str]:
        """What is said about a clip."""
        return {*self.columns, *self.folders}


@dataclass(frozen=True)
class Layout:
    """The clips of a data set.

    ``test`` is None if there are no test clips. Of these, ``test_truth`` (fname,label,usage) or the
    labels in ``test`` are the ground truth; with ``train_truth`` it is for measuring only.
    """

    folder: Path
    train: ClipList
    test: ClipList | None = None
    test_truth: Path | None = None
    train_truth: Path | None = None

    @property
    def has_truth(self) -> bool:
        """Whether the ground truth of the test clips is known."""
        return bool(self.test_truth or (self.test and "label" in self.test.roles))

    def truth_settings(self) -> dict[str, Any]:
        """How the labels of test clips are listed, as plain values; no path."""
        if self.test is None:
            return {}
        settings = {name: value for name, value in vars(self.test).items() if name != "audio"}
        table = self.test.table
        return {**settings, "table": table and table.name, "folders": list(self.test.folders)}

    def moved_to(self, folder: Path) -> "Layout":
        """The same with the truth files below another folder."""

        def moved(path: Path | None) -> Path | None:
            return path and folder / path.relative_to(self.folder)

        return replace(self, test_truth=moved(self.test_truth), train_truth=moved(self.train_truth))


CHALLENGE_COLUMNS = {"file": "fname", "label": "label", "verified": "manually_verified"}


def kaggle_layout(folder: str | Path) -> Layout:
    """Return the Kaggle layout's paths below ``folder``, whether they exist or not."""
    folder = Path(folder)
    return Layout(
        folder=folder,
        train=ClipList(folder / "audio_train", folder / "train.csv", CHALLENGE_COLUMNS),
        test=ClipList(folder / "audio_test", folder / "sample_submission.csv", {"file": "fname"}),
        test_truth=folder / "test_post_competition.csv",
        train_truth=folder / "train_truth.csv",
    )


def zenodo_layout(folder: str | Path) -> Layout:
    """Return the Zenodo layout's paths below ``folder``, whether they exist or not.

    Its test clips are the files of their folder, in sorted order.
    """
    folder = Path(folder)
    meta = folder / "FSDKaggle2018.meta"
    full = meta / "test_post_competition.csv"
    scoring = meta / "test_post_competition_scoring_clips.csv"
    return Layout(
        folder=folder,
        train=ClipList(
            folder / "FSDKaggle2018.audio_train",
            meta / "train_post_competition.csv",
            CHALLENGE_COLUMNS,
        ),
        test=ClipList(folder / "FSDKaggle2018.audio_test"),
        test_truth=full if full.exists() else scoring,
    )


def challenge_layout(folder: Path) -> Layout | None:
    """The Kaggle or Zenodo layout, if the folder has its train list and folder of train clips.

    What it lacks of the rest is None. Raises EarmarkError for a test list without its clips.
    """
    for layout in (kaggle_layout(folder), zenodo_layout(folder)):
        if layout.train.table and layout.train.table.exists() and layout.train.audio.is_dir():
            break
    else:
        return None
    test = layout.test
    if test and test.table and not test.table.exists():
        test = replace(test, table=None, columns={})
    if test and not test.audio.is_dir():
        if test.table:
            raise EarmarkError(
                f"{test.table} lists test clips, but their folder {test.audio} does not exist. Put "
                f"them there, or remove the list."
            )
        test = None
    truths = [
        path if path and path.exists() else None for path in (layout.test_truth, layout.train_truth)
    ]
    return replace(layout, test=test, test_truth=truths[0] if test else None, train_truth=truths[1])


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
