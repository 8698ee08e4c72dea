"""From the index to the clips table: every clip is opened and judged."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import audio, clips
from earmark.runtime import pools, progress
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Test clips of which nothing can be heard, though something should be.
DEAF = ("non_finite", "unreadable", "not_audio", "absent")
# So many lines of the log name single clips.
NAMED = 20


def inspect(
    index: pd.DataFrame, folder: Path, part: str, policy: Mapping[str, Any], threads: int
) -> pd.DataFrame:
    """Open every clip of an index (clip, file, start, end) and say what it is.

    ``folder`` is what files are relative to, ``part`` train or test. ``policy`` is the config's
    ``clips``: what becomes of each status (use, skip, stop), and the limits. Test clips keep their
    rows whatever they are. Raises EarmarkError for clips that the policy does not let pass, with
    file, value and remedy.
    """
    facts = _inspect_all(folder, index["file"].tolist(), policy, threads)
    table = index[["clip", "file", "start", "end"]].copy()
    for name in ("seconds", "sample_rate", "channels", "format", "peak", "status", "problem"):
        table[name] = [getattr(fact, name) for fact in facts]
    table["use"] = _uses(table["status"], part, policy)
    _name_bad(folder, table, policy)
    _stop_if_asked(folder, table, part, policy)
    return table[list(clips.COLUMNS)]


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


def _uses(statuses: pd.Series, part: str, policy: Mapping[str, Any]) -> pd.Series:
    """1 for train clips to learn from and test clips to hear, 0 for the others."""
    learned = {status for status in audio.STATUSES if policy.get(status, "use") == "use"}
    return statuses.isin(learned if part == "train" else audio.HEARD).astype(int)


def _name_bad(folder: Path, table: pd.DataFrame, policy: Mapping[str, Any]) -> None:
    """Name the first clips that are not used, or that the policy stops at, in the log."""
    stops = table["status"].map(lambda status: policy.get(status) == "stop")
    bad = table[(table["use"] == 0) | stops]
    for _, clip in bad[:NAMED].iterrows():
        words = f": {clip['problem']}" if clip["problem"] else ""
        log.warning("%s is %s%s", folder / clip["file"], _said(clip["status"]), words)
    if len(bad) > NAMED:
        log.warning("... and %d more; the table of clips names them all.", len(bad) - NAMED)


def _stop_if_asked(folder: Path, table: pd.DataFrame, part: str, policy: Mapping[str, Any]) -> None:
    """Raise EarmarkError for a status that is to stop, or when too many clips are not used."""
    for status in audio.STATUSES:
        bad = table[table["status"] == status]
        if policy.get(status) != "stop" or bad.empty:
            continue
        first = bad.iloc[0]
        words = f" ({first['problem']})" if first["problem"] else ""
        likely = _likely_name(folder, first) if status == "absent" else ""
        raise EarmarkError(
            f"{len(bad)} of {len(table)} {part} clips are {_said(status)}; the first is "
            f"{folder / first['file']}{words}.{likely} Put sound files there, or remove their "
            f"lines from the {part} list, or write `{status}: skip` under `clips` in the config to "
            f"go on without them (test clips then still get a guess)."
        )
    if part == "train":
        bad, what = table[table["use"] == 0], "cannot be learned from"
    else:
        bad, what = table[table["status"].isin(DEAF)], "cannot be heard"
    most = policy["most_skipped_percent"]
    if len(bad) * 100 > most * len(table):
        counts = bad["status"].value_counts()
        kinds = ", ".join(f"{count} {_said(status)}" for status, count in counts.items())
        raise EarmarkError(
            f"{len(bad)} of {len(table)} {part} clips {what} ({kinds}); the first is "
            f"{folder / bad.iloc[0]['file']}. That is more than the {most:g} % of "
            f"`most_skipped_percent`: look whether the data set is whole. If it is as it should "
            f"be, write a higher number there, under `clips` in the config."
        )


def _likely_name(folder: Path, clip: pd.Series) -> str:
    """A sentence that names the file that may be meant by a listed name without one, or nothing."""
    meant = folder / clip["file"]
    wanted = meant.name.casefold()
    there = sorted(meant.parent.iterdir()) if meant.parent.is_dir() else []
    for entry in there:
        if wanted in (entry.name.casefold(), entry.stem.casefold()):
            return f" There is {entry.name}: write names as the files have them."
    return ""


def _said(status: str) -> str:
    return status.replace("_", " ")


def summary(table: pd.DataFrame, part: str) -> list[str]:
    """Lines that count a table's clips by status and use, and by their formats."""
    used = table["use"] == 1
    lines = [f"{part}: {len(table)} clips, {int(used.sum())} of them used."]
    without = "skipped" if part == "train" else "guessed as if silent"
    for status in audio.STATUSES:
        count = int((table["status"] == status).sum())
        if count:
            fate = "" if used[table["status"] == status].all() else f", {without}"
            lines.append(f"{part}: {count} {_said(status)} ({audio.STATUSES[status]}){fate}")
    opened = table[table["format"] != ""]
    for name, unit in (("sample_rate", " Hz"), ("channels", ""), ("format", "")):
        counts = opened[name].value_counts().items()
        kinds = ", ".join(f"{value}{unit}: {count}" for value, count in counts)
        lines.append(f"{_said(name)} of clips: {kinds}")
    return lines
