"""From a data set's lists and files to its manifest: every clip is opened and judged."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import audio, clip_lists, folds, job, manifest
from earmark.errors import EarmarkError
from earmark.layout import Layout

log = logging.getLogger("earmark")

BAD = ("broken", "unreadable")


def build(layout: Layout, fold_count: int, seed: int, bad_clips: str, threads: int) -> pd.DataFrame:
    """Read the lists, open every clip, draw the folds.

    ``bad_clips`` says what happens when audio cannot be used: "stop" raises, "skip" keeps the row
    with its status, so that such a train clip is not used and a test clip still gets a guess.
    Raises EarmarkError for every kind of bad list or clip, with file, value and remedy.
    """
    train = clip_lists.read_train_list(layout.train_list)
    test = pd.DataFrame({"fname": clip_lists.test_names(layout), "label": "", "verified": 0})
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
    _check_classes(layout.train_list, clips[clips["split"] == "train"])
    _check_verified(layout.train_list, clips[usable], clips[clips["split"] == "train"])
    rng = np.random.default_rng([seed, 101])
    clips["fold"] = -1
    clips.loc[usable, "fold"] = folds.draw(
        clips.loc[usable, "label"].tolist(), clips.loc[usable, "verified"].tolist(), fold_count, rng
    )
    return clips[list(manifest.COLUMNS)]


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


def _check_classes(train_list: Path, listed: pd.DataFrame) -> None:
    found = listed["label"].unique()
    if len(found) < 2:
        raise EarmarkError(
            f"All {len(listed)} clips of {train_list} have the label '{found[0]}': there is "
            f"nothing to tell apart. List clips of two classes or more, for example of "
            f"'{found[0]}' and 'Other'."
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
