"""From a data set's lists and files to its manifest: every clip is opened and judged."""

import logging
import os
import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark import audio, clip_lists, folds, manifest
from earmark.layout import Layout
from earmark.runtime import pools, progress
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Test clips of which nothing can be heard, though something should be.
DEAF = ("non_finite", "unreadable", "not_audio", "absent")
# So many lines of the log name single clips.
NAMED = 20


def build(
    layout: Layout, fold_count: int, seed: int, policy: Mapping[str, Any], threads: int
) -> pd.DataFrame:
    """Read the lists, open every clip, draw the folds.

    ``policy`` is the config's ``clips``: what becomes of each status (use, skip, stop), and the
    limits. Test clips keep their rows whatever they are. Raises EarmarkError for every kind of bad
    list, and for clips that the policy does not let pass, with file, value and remedy.
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
    clips["path"] = clips["folder"] + "/" + _found_names(layout, clips)
    facts = _inspect_all(layout.folder, clips["path"].tolist(), policy, threads)
    for name in ("seconds", "sample_rate", "channels", "format", "peak", "status", "checksum"):
        clips[name] = [getattr(fact, name) for fact in facts]
    clips["problem"] = [fact.problem for fact in facts]
    clips["use"] = _uses(clips, policy)
    _name_bad(layout, clips, policy)
    _stop_if_asked(layout, clips, policy)
    usable = clips.index.isin(manifest.usable(clips).index)
    _check_classes(layout.train_list, clips[clips["split"] == "train"])
    _check_verified(layout.train_list, clips[usable], clips[clips["split"] == "train"])
    rng = np.random.default_rng([seed, 101])
    clips["fold"] = -1
    clips.loc[usable, "fold"] = folds.draw(
        clips.loc[usable, "label"].tolist(), clips.loc[usable, "verified"].tolist(), fold_count, rng
    )
    return clips[list(manifest.COLUMNS)]


def _found_names(layout: Layout, clips: pd.DataFrame) -> pd.Series:
    """The names of the files that hold the listed clips.

    Mac archives spell accents as signs of their own, so a list's name may differ from its file's
    in that. Any other difference is left for the reader: see ``_likely_name``.
    """
    names = clips["fname"].copy()
    for split, folder in (("train", layout.audio_train), ("test", layout.audio_test)):
        with os.scandir(folder) as entries:
            present = {entry.name for entry in entries if entry.is_file()}
        spelled = {unicodedata.normalize("NFC", name): name for name in present}
        mine = clips["split"] == split
        names[mine] = [
            name if name in present else spelled.get(unicodedata.normalize("NFC", name), name)
            for name in clips.loc[mine, "fname"]
        ]
        listed = set(names[mine])
        beyond = sorted(name for name in present - listed if not name.startswith("."))
        if beyond:
            log.warning(
                "%d files in %s are in no list and are not used, the first is %s.",
                len(beyond),
                folder,
                beyond[0],
            )
    return names


def _inspect_all(
    folder: Path, paths: list[str], policy: Mapping[str, Any], threads: int
) -> list[audio.ClipFacts]:
    inspect = partial(
        audio.inspect,
        shortest_seconds=policy["shortest_seconds"],
        longest_seconds=policy["longest_seconds"],
    )
    found = pools.in_order(inspect, [folder / path for path in paths], threads)
    return list(progress.track(found, len(paths), "clips checked"))


def _uses(clips: pd.DataFrame, policy: Mapping[str, Any]) -> list[int]:
    """1 for train clips to learn from and test clips to hear, 0 for the others."""
    learned = {status for status in audio.STATUSES if policy.get(status, "use") == "use"}
    return [
        int(status in (learned if split == "train" else audio.HEARD))
        for split, status in zip(clips["split"], clips["status"], strict=True)
    ]


def _name_bad(layout: Layout, clips: pd.DataFrame, policy: Mapping[str, Any]) -> None:
    """Name the first clips that are not used, or that the policy stops at, in the log."""
    stops = clips["status"].map(lambda status: policy.get(status) == "stop")
    bad = clips[(clips["use"] == 0) | stops]
    for _, clip in bad[:NAMED].iterrows():
        words = f": {clip['problem']}" if clip["problem"] else ""
        log.warning("%s is %s%s", layout.folder / clip["path"], _said(clip["status"]), words)
    if len(bad) > NAMED:
        log.warning("... and %d more; the manifest names them all.", len(bad) - NAMED)


def _stop_if_asked(layout: Layout, clips: pd.DataFrame, policy: Mapping[str, Any]) -> None:
    """Raise EarmarkError for a status that is to stop, or when too many clips are not used."""
    for status in audio.STATUSES:
        bad = clips[clips["status"] == status]
        if policy.get(status) != "stop" or bad.empty:
            continue
        first = bad.iloc[0]
        words = f" ({first['problem']})" if first["problem"] else ""
        likely = _likely_name(layout, first) if status == "absent" else ""
        raise EarmarkError(
            f"{len(bad)} of {len(clips)} clips are {_said(status)}; the first is "
            f"{layout.folder / first['path']}{words}.{likely} Put sound files there, or remove "
            f"their lines from {_list_of(layout, first)}, or write `{status}: skip` under `clips` "
            f"in the config to go on without them (test clips then still get a guess)."
        )
    most = policy["most_skipped_percent"]
    train, test = clips[clips["split"] == "train"], clips[clips["split"] == "test"]
    for part, bad, what in (
        (train, train[train["use"] == 0], "cannot be learned from"),
        (test, test[test["status"].isin(DEAF)], "cannot be heard"),
    ):
        if len(bad) * 100 > most * len(part):
            counts = bad["status"].value_counts()
            kinds = ", ".join(f"{count} {_said(status)}" for status, count in counts.items())
            raise EarmarkError(
                f"{len(bad)} of {len(part)} {bad.iloc[0]['split']} clips {what} ({kinds}); the "
                f"first is {layout.folder / bad.iloc[0]['path']}. That is more than the "
                f"{most:g} % of `most_skipped_percent`: look whether the data set is whole. If it "
                f"is as it should be, write a higher number there, under `clips` in the config."
            )


def _list_of(layout: Layout, clip: pd.Series) -> Path:
    listed = layout.train_list if clip["split"] == "train" else layout.test_list
    return listed or layout.audio_test


def _likely_name(layout: Layout, clip: pd.Series) -> str:
    """A sentence that names the file that may be meant by a listed name without one, or nothing."""
    folder = (layout.folder / clip["path"]).parent
    wanted = clip["fname"].casefold()
    for entry in sorted(folder.iterdir()):
        if wanted in (entry.name.casefold(), entry.stem.casefold()):
            return f" There is {entry.name}: write names as the files have them."
    return ""


def _said(status: str) -> str:
    return status.replace("_", " ")


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


def summary(clips: pd.DataFrame) -> list[str]:
    """Lines that count a manifest's clips by split, status and use, and by their formats."""
    lines = []
    for split, part in clips.groupby("split", sort=False):
        used = part["use"] == 1
        lines.append(f"{split}: {len(part)} clips, {int(used.sum())} of them used.")
        without = "skipped" if split == "train" else "guessed as if silent"
        for status in audio.STATUSES:
            count = int((part["status"] == status).sum())
            if count:
                fate = "" if used[part["status"] == status].all() else f", {without}"
                lines.append(f"{split}: {count} {_said(status)} ({audio.STATUSES[status]}){fate}")
    opened = clips[clips["format"] != ""]
    for name, unit in (("sample_rate", " Hz"), ("channels", ""), ("format", "")):
        counts = opened[name].value_counts().items()
        kinds = ", ".join(f"{value}{unit}: {count}" for value, count in counts)
        lines.append(f"{_said(name)} of clips: {kinds}")
    return lines


def repeated(clips: pd.DataFrame) -> list[str]:
    """Lines that count clips whose files have the same bytes: tests heard before, labels at odds.

    Clips with nothing to hear are alike anyway and do not count.
    """
    heard = clips[clips["status"].isin(audio.HEARD)]
    # A CRC-32 alone may agree by chance among thousands of clips.
    facts = ["checksum", "seconds", "peak"]
    same = heard[heard.duplicated(facts, keep=False)].groupby(facts, sort=False)
    groups = [part for _, part in same]
    leaks = [part for part in groups if part["split"].nunique() > 1]
    odd = [part for part in groups if part.loc[part["split"] == "train", "label"].nunique() > 1]
    lines = []
    if leaks:
        first = leaks[0]
        names = " and ".join(first.drop_duplicates("split")["path"])
        count = sum(int((part["split"] == "test").sum()) for part in leaks)
        lines.append(
            f"{count} test clips have the same bytes as a train clip ({names}): their scores say "
            f"nothing of new sounds."
        )
    if odd:
        names = " and ".join(odd[0][odd[0]["split"] == "train"].drop_duplicates("label")["path"])
        lines.append(
            f"{len(odd)} sounds are train clips more than once, with different labels ({names}): "
            f"keep the right ones."
        )
    return lines
