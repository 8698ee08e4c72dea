"""From the index to the clips table: every clip is opened and inspected."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import audio, clips, other_files
from earmark.runtime import pools, progress
from earmark.runtime.errors import EarmarkError

log = logging.getLogger("earmark")

# Test clips with these count as not usable; the real test set has some that are silent or empty.
FAULTY_STATUSES = ("non_finite", "unreadable", "not_audio", "absent")
# Number of clips that the log names.
NAMED = 20


def inspect(
    index: pd.DataFrame, folder: Path, part: str, policy: Mapping[str, Any], threads: int
) -> pd.DataFrame:
    """Open every clip of an index (clip, file, start, end); return the clips table.

    Files are relative to ``folder``; ``part`` is train, test or sounds. ``policy`` is the config's
    ``clips``: how to treat each status (use, skip, stop), and the limits; of sounds to be tagged,
    which stop no run, the limits alone count. All clips have a row, whatever their status. Raises
    EarmarkError for clips whose status stops the run, with file, value and remedy.
    """
    limits = {name: policy[name] for name in ("shortest_seconds", "longest_seconds")}
    if part == "sounds":
        policy = limits
    places = clips.places(index, folder)
    results = pools.parallel_map(partial(facts_of, **limits), places, threads)
    facts = pd.DataFrame(progress.track(results, len(places), "clips checked"))
    table = index[["clip", "file", "start", "end"]].assign(**facts)
    used = [status for status in audio.STATUSES if policy.get(status, "use") == "use"]
    table["use"] = (
        table["status"].isin(used if part == "train" else audio.STATUSES_WITH_SOUND).astype(int)
    )
    _log_problems(folder, table, policy)
    if part != "sounds":
        _check_policy(folder, table, part, policy)
    return table[list(clips.COLUMNS)]


def facts_of(place: clips.Place, **limits: float) -> audio.ClipFacts:
    """The facts of the clip at a place."""
    return audio.inspect(place.file, **limits, start=place.start, end=place.end)


def _log_problems(folder: Path, table: pd.DataFrame, policy: Mapping[str, Any]) -> None:
    """Log the first clips that are not used or stop the run, and the first used only in part."""
    stops = [status for status in audio.STATUSES if policy.get(status) == "stop"]
    is_unused = (table["use"] == 0) | table["status"].isin(stops)
    # Too long ones are as the config says.
    is_cut = table["status"].isin(["truncated", "ok"]) & (table["problem"] != "")
    for told, use in ((table[is_unused], ""), (table[is_cut & ~is_unused], " (used)")):
        named = told[:NAMED]
        for place, clip in zip(clips.places(named, folder), named.itertuples(), strict=True):
            log.warning(f"{place} is {clip.status}{use}: {_problem(clip)}")
        if len(told) > NAMED:
            log.warning(f"... and {len(told) - NAMED} more; the table of clips has them all.")


def _problem(clip: Any) -> str:
    return str(clip.problem or audio.STATUSES[clip.status])


def _check_policy(folder: Path, table: pd.DataFrame, part: str, policy: Mapping[str, Any]) -> None:
    """Raise EarmarkError for clips whose status stops the run, or if too many are not used."""
    for status in audio.STATUSES:
        bad = table[table["status"] == status]
        if policy.get(status) == "stop" and len(bad):
            first = clips.places(bad[:1], folder)[0]
            problem = _problem(bad.iloc[0])
            hint = other_files.similar_file(first.file) if status == "absent" else ""
            raise EarmarkError(
                f"{len(bad)} of {len(table)} {part} clips are {status}; the first is {first} "
                f"({problem}).{hint} Put sound files there, or remove their lines from the {part} "
                f"list, or write `{status}: skip` under `clips` in the config to go on without "
                f"them (test clips then still get predictions)."
            )
    bad = table[table["use"] == 0 if part == "train" else table["status"].isin(FAULTY_STATUSES)]
    most = policy["most_skipped_percent"]
    if len(bad) * 100 > most * len(table):
        counts = bad["status"].value_counts().items()
        kinds = ", ".join(f"{count} {status}" for status, count in counts)
        raise EarmarkError(
            f"{len(bad)} of {len(table)} {part} clips cannot be used ({kinds}); the first is "
            f"{clips.places(bad[:1], folder)[0]}. That is more than the {most:g} % of "
            f"`most_skipped_percent`: check whether the data set is complete. If it is, write "
            f"a higher number there, under `clips` in the config."
        )


def summary(table: pd.DataFrame, part: str) -> list[str]:
    """Lines that count a table's clips by use, status and format."""
    lines = [f"{part}: {len(table)} clips, {int(table['use'].sum())} of them used"]
    opened = table[table["format"] != ""]
    for column in ("status", "sample_rate", "channels", "format"):
        counts = (table if column == "status" else opened)[column].value_counts().items()
        lines.append(f"{part}, {column}: " + ", ".join(f"{key} ({count})" for key, count in counts))
    return lines
