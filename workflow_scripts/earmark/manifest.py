"""The manifest: one row per clip, with its list's facts, its sound's facts and its fold.

Columns: fname, path (relative to the data set's folder), split {train, test}, label (empty for
test clips), verified {0, 1}, fold (-1: never held out), seconds, sample_rate (Hz), channels, peak,
status {ok, empty, silent, broken, unreadable}, checksum (CRC-32 of the file).
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import audio, job, tables
from earmark.errors import EarmarkError
from earmark.layout import Layout

log = logging.getLogger("earmark")

COLUMNS = (
    "fname",
    "path",
    "split",
    "label",
    "verified",
    "fold",
    "seconds",
    "sample_rate",
    "channels",
    "peak",
    "status",
    "checksum",
)
VERIFIED = {"1": 1, "0": 0, "true": 1, "false": 0, "1.0": 1, "0.0": 0}
BAD = ("broken", "unreadable")


def build(layout: Layout, folds: int, seed: int, bad_clips: str, threads: int) -> pd.DataFrame:
    """Read the lists, open every clip, draw the folds.

    ``bad_clips`` says what happens when audio cannot be used: "stop" raises, "skip" keeps the row
    with its status, so that such a train clip is not used and a test clip still gets a guess.
    Raises EarmarkError for every kind of bad list or clip, with file, value and remedy.
    """
    train = read_train_list(layout.train_list)
    test = pd.DataFrame({"fname": test_names(layout), "label": "", "verified": 0})
    train["split"], test["split"] = "train", "test"
    train["folder"] = layout.audio_train.name
    test["folder"] = layout.audio_test.name
    both = set(train["fname"]) & set(test["fname"])
    if both:
        raise EarmarkError(
            f"The clip {min(both)} is both in the train list {layout.train_list} and among the "
            f"test clips. Test clips are never trained on: remove it from one list, or rename it."
        )
    clips = pd.concat([train, test], ignore_index=True)
    clips["path"] = clips["folder"] + "/" + clips["fname"]
    _check_presence(layout, clips)
    facts = _inspect_all(layout.folder, clips["path"].tolist(), threads)
    _report_bad(layout, clips, facts, bad_clips)
    for name in ("seconds", "sample_rate", "channels", "peak", "status", "checksum"):
        clips[name] = [getattr(fact, name) for fact in facts]
    usable = (clips["split"] == "train") & (clips["status"] == "ok")
    _check_verified(layout.train_list, clips[usable], clips[clips["split"] == "train"])
    rng = np.random.default_rng([seed, 101])
    clips["fold"] = -1
    clips.loc[usable, "fold"] = draw_folds(
        clips.loc[usable, "label"].tolist(), clips.loc[usable, "verified"].tolist(), folds, rng
    )
    return clips[list(COLUMNS)]


def read(path: str | Path) -> pd.DataFrame:
    """Read a manifest; numbers come back as numbers."""
    table = tables.read_table(path, COLUMNS, "manifest")
    for name in ("verified", "fold", "sample_rate", "channels"):
        table[name] = table[name].astype(int)
    for name in ("seconds", "peak"):
        table[name] = table[name].astype(float)
    return table


def write(clips: pd.DataFrame, path: str | Path) -> None:
    """Write a manifest."""
    rounded = clips.assign(seconds=clips["seconds"].round(6), peak=clips["peak"].round(6))
    tables.write_table(rounded, path)


def read_train_list(path: Path) -> pd.DataFrame:
    """Return fname, label, verified (0 or 1) of a train list, checked row by row."""
    table = tables.read_table(path, ("fname", "label", "manually_verified"), "train list", True)
    clips = pd.DataFrame(
        {
            "fname": table["fname"].str.strip(),
            "label": table["label"].str.strip(),
            "verified": table["manually_verified"].str.strip().str.lower(),
        }
    )
    if clips.empty:
        raise EarmarkError(f"The train list {path} has no rows. List at least one clip per class.")
    for row, fname, label, verified in clips.itertuples():
        where = f"The train list {path}, line {row}"
        if not _is_plain_name(fname):
            raise EarmarkError(
                f"{where}, has the file name '{fname}'. Write the clip's name alone, without a "
                f"folder, as it lies in the audio folder."
            )
        if not label:
            raise EarmarkError(
                f"{where}, gives {fname} no label. Write its class, or remove the line."
            )
        if any(sign.isspace() for sign in label):
            raise EarmarkError(
                f"{where}, has the label '{label}' with a space in it. A submission separates "
                f"its guesses by spaces: write '{'_'.join(label.split())}'."
            )
        if verified not in VERIFIED:
            raise EarmarkError(
                f"{where}, says manually_verified '{verified}' for {fname}. Write 1 or 0."
            )
    _check_unique(path, clips["fname"])
    clips["verified"] = clips["verified"].map(VERIFIED).astype(int)
    return clips.reset_index(drop=True)


def test_names(layout: Layout) -> list[str]:
    """Return the test clips' names in the order of the submission.

    The order is the test list's; without one, the sorted names of the audio folder. The truth file
    is not opened.
    """
    if layout.test_list is None:
        names = sorted(
            entry.name
            for entry in layout.audio_test.iterdir()
            if entry.is_file() and not entry.name.startswith(".")
        )
        if not names:
            raise EarmarkError(
                f"The folder of the test clips {layout.audio_test} is empty. Put the clips to be "
                f"tagged there."
            )
        return names
    listed = tables.read_table(layout.test_list, ("fname",), "test list", True)["fname"].str.strip()
    if listed.empty:
        raise EarmarkError(f"The test list {layout.test_list} has no rows. List the clips to tag.")
    for row, fname in listed.items():
        if not _is_plain_name(fname):
            raise EarmarkError(
                f"The test list {layout.test_list}, line {row}, has the file name '{fname}'. Write "
                f"the clip's name alone, without a folder."
            )
    _check_unique(layout.test_list, listed)
    return listed.tolist()


def draw_folds(
    labels: Sequence[str], verified: Sequence[int], folds: int, rng: np.random.Generator
) -> np.ndarray:
    """Deal clips to ``folds`` validation folds, stratified by label and verified flag.

    Each stratum is shuffled and dealt like cards, going on where the one before stopped: counts per
    fold differ by at most one in every stratum and in all. A class's only verified clip is never
    held out (fold -1), so that something trusted is always left to learn from. Returns (n,)
    integers below ``folds``.
    """
    strata: dict[tuple[str, int], list[int]] = {}
    for index, key in enumerate(zip(labels, verified, strict=True)):
        strata.setdefault(key, []).append(index)
    fold = np.full(len(labels), -1)
    dealt = 0
    for key in sorted(strata):
        if key[1] == 1 and len(strata[key]) == 1:
            continue
        members = rng.permutation(strata[key])
        fold[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    return fold


def _is_plain_name(fname: str) -> bool:
    return bool(fname) and fname not in (".", "..") and not set(fname) & set("/\\\0")


def _check_unique(path: Path, names: pd.Series) -> None:
    again = names[names.duplicated()]
    if not again.empty:
        first = again.iloc[0]
        lines = [str(row) for row, name in names.items() if name == first]
        raise EarmarkError(
            f"The list {path} names the clip {first} more than once (lines {', '.join(lines)}; "
            f"{len(again)} such lines). Keep one line for each clip."
        )


def _check_presence(layout: Layout, clips: pd.DataFrame) -> None:
    present = [(layout.folder / path).is_file() for path in clips["path"]]
    absent = clips[~np.array(present)]
    if absent.empty:
        return
    first = absent.iloc[0]
    listed = layout.train_list if first["split"] == "train" else layout.test_list
    raise EarmarkError(
        f"{len(absent)} of {len(clips)} listed clips are absent, the first is "
        f"{layout.folder / first['path']}. Put the files there, or remove their lines from "
        f"{listed}."
    )


def _inspect_all(folder: Path, paths: list[str], threads: int) -> list[audio.ClipFacts]:
    with ThreadPoolExecutor(threads) as pool:
        facts = pool.map(lambda path: audio.inspect(folder / path), paths)
        return list(job.progress(facts, total=len(paths), what="clips checked"))


def _report_bad(
    layout: Layout, clips: pd.DataFrame, facts: list[audio.ClipFacts], bad_clips: str
) -> None:
    bad = [
        (path, fact) for path, fact in zip(clips["path"], facts, strict=True) if fact.status in BAD
    ]
    if not bad:
        return
    path, fact = bad[0]
    for each, why in bad[:20]:
        log.warning("%s is %s: %s", layout.folder / each, why.status, why.problem)
    if bad_clips == "stop":
        raise EarmarkError(
            f"{len(bad)} of {len(clips)} clips cannot be used; the first is {layout.folder / path} "
            f"({fact.status}: {fact.problem}). Replace them, or write `bad_clips: skip` in the "
            f"config to leave them out of training (test clips then still get a guess)."
        )


def _check_verified(train_list: Path, usable: pd.DataFrame, listed: pd.DataFrame) -> None:
    verified = set(usable.loc[usable["verified"] == 1, "label"])
    without = sorted(set(listed["label"]) - verified)
    if without:
        raise EarmarkError(
            f"The class '{without[0]}' of {train_list} has no usable clip with manually_verified 1 "
            f"({len(without)} such classes of {listed['label'].nunique()}). Its labels could "
            f"neither be spread nor validated: listen to some of its clips and mark the right "
            f"ones with 1."
        )
