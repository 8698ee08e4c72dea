"""What is in a folder or list of sounds, and what is wrong with it: for ``earmark init``.

Files are opened, not decoded: a run does that, and puts every clip's status into ``clips/*.csv``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from earmark.dataset import audio, clip_lists, csv_files, folds, index, other_files
from earmark.dataset.clip_lists import RowError
from earmark.dataset.layout import Layout
from earmark.dataset.sound_files import SoundFiles, is_sound, read_all
from earmark.runtime.errors import EarmarkError, printable
from earmark.runtime.outputs import write_text

# Problems of a kind, and classes, that are printed.
EXAMPLES, MOST_CLASSES = 3, 12
# Seconds that a part may end after its file, as lengths are rounded.
SLACK = 0.05


class Problem(NamedTuple):
    """A problem of a clip, or of a row of a list; ``stops`` is 1 if a run would stop at it."""

    kind: str
    clip: str
    problem: str
    stops: int = 0


@dataclass(frozen=True)
class Survey:
    """What was found: clips with their files' facts, and problems (kind, clip, problem)."""

    layout: Layout
    clips: pd.DataFrame
    problems: pd.DataFrame


def survey(layout: Layout) -> Survey:
    """Read the lists of a layout and open every file that they name."""
    problems: list[Problem] = []
    parts = []
    files: dict[Path, SoundFiles] = {}
    for name, listed in (("train", layout.train), ("test", layout.test)):
        if listed is None:
            continue
        there = files.setdefault(listed.audio, SoundFiles(listed.audio))
        rows: list[tuple[int | str, EarmarkError]] = []
        clips = clip_lists.read(listed, name == "train", there, rows)
        for line, problem in rows:
            kind = problem.kind if isinstance(problem, RowError) else "list"
            place = f"{listed.table.name}, line {line}" if listed.table else str(line)
            # Only labels of test clips may be missing.
            problems.append(Problem(kind, place, str(problem), stops=1))
        table = pd.DataFrame(clips, columns=clip_lists.Clip._fields, dtype=object)
        table = table.assign(part=name)
        parts.append(table.assign(path=[str(listed.audio / clip.file) for clip in clips]))
    clips = pd.concat(parts, ignore_index=True)
    if len(clips):
        paths = clips["path"].unique().tolist()
        facts = read_all(audio.header, Path(), paths, "files opened")
        clips = clips.merge(pd.DataFrame(facts).assign(path=paths), on="path")
        clips["content"] = _contents(clips)
        problems += [*_file_problems(clips), *_leaks(clips), *_class_problems(clips)]
        problems += _unlisted(files.values(), {*paths})
    return Survey(layout, clips, pd.DataFrame(problems, columns=Problem._fields))


def _contents(clips: pd.DataFrame) -> pd.Series:
    """Equal for clips with identical content; empty where it is unlike all others'."""
    paths = clips["path"].drop_duplicates()
    # Files of different sizes differ: only the others are read.
    sizes = {path: Path(path).stat().st_size for path in paths if Path(path).is_file()}
    count = Counter(sizes.values())
    same_size = [path for path, size in sizes.items() if count[size] > 1]
    digests = [digest for _, digest in index.hash_all(Path(), same_size)]
    content = clips["path"].map(dict(zip(same_size, digests, strict=True))).fillna("")
    return content.where(content == "", content + "#" + clips["start"] + "-" + clips["end"])


def _file_problems(clips: pd.DataFrame) -> Iterator[Problem]:
    for row in clips[clips["status"] != "ok"].itertuples():
        is_absent, meaning = row.status == "absent", audio.STATUSES[row.status]
        hint = other_files.similar_file(row.path) if is_absent else ""
        sentence = f"{row.path}: {row.problem or meaning}.{hint}"
        yield Problem(meaning, row.clip, sentence, int(is_absent))
    ends = pd.to_numeric(clips["end"], errors="coerce")
    is_known = (clips["status"] == "ok") & (clips["seconds"] > 0)
    for row in clips[is_known & (ends > clips["seconds"] + SLACK)].itertuples():
        sentence = f"the part ends at {row.end} s, {row.path} at {row.seconds:g} s"
        yield Problem("part beyond the end of its file", row.clip, sentence)


def _leaks(clips: pd.DataFrame) -> Iterator[Problem]:
    """Clips of one content or recording that are where they should not be together."""
    train = clips[clips["part"] == "train"]
    held_out = train[train["fold"] != ""]
    for kind, table, by, differs in (
        ("same content in train and test", clips, "content", "part"),
        ("same content with two labels", train, "content", "label"),
        ("same content in two folds", held_out, "content", "fold"),
        ("one recording in train and test", clips, "recording", "part"),
        ("one recording in two folds", held_out, "recording", "fold"),
    ):
        for value, group in folds.rows_apart(table, by, differs).groupby(by):
            name = f"{by} {value}: " if by == "recording" else ""
            shown = ", ".join(f"{row.clip} ({getattr(row, differs)})" for row in group.itertuples())
            yield Problem(kind, group["clip"].iloc[0], f"{name}{shown}")


def _class_problems(clips: pd.DataFrame) -> Iterator[Problem]:
    train, test = (clips[clips["part"] == part] for part in ("train", "test"))
    for label, meant in clip_lists.spelled_otherwise(train["label"], test["label"]).items():
        clip = test.loc[test["label"] == label, "clip"].iloc[0]
        problem = f"'{label}' is '{meant}' among the train clips: write it in the same way"
        yield Problem("class of test clips in another spelling", clip, problem)
    for label, group in train.groupby("label"):
        clip = group["clip"].iloc[0]
        if len(group) == 1:
            yield Problem("class with one clip", clip, f"{label}: it cannot be held out")
        elif group["recording"].nunique() == 1:
            yield Problem("class within one recording", clip, f"{label}: it cannot be held out")
        if not group["verified"].any():
            advice = f"{label}: listen to some of its {len(group)} clips and mark the right ones"
            yield Problem("class without a verified clip", clip, advice)


def _unlisted(folders: Iterable[SoundFiles], used: set[str]) -> Iterator[Problem]:
    for files in folders:
        for name in filter(is_sound, files.names):
            path = str(files.folder / name)
            if path not in used:
                yield Problem("sound file that is no clip", name, path)
        for path in filter(lambda path: path not in used, files.unreadable):
            yield Problem("folder or link that cannot be read", path, other_files.why_absent(path))


def lines(found: Survey) -> list[str]:
    """The survey in words, for a terminal."""
    layout, clips = found.layout, found.clips
    if clips.empty:
        table = layout.train.table
        reason = "" if len(found.problems) else f": there is none in {table or layout.train.audio}"
        return [f"  No clip can be used{reason}.", *_problem_lines(found)]
    files = clips.drop_duplicates("path")
    train = clips[clips["part"] == "train"]
    parts = [part for part in (layout.train, layout.test) if part]
    where = " and ".join(dict.fromkeys(str(part.audio) for part in parts))
    rows = [
        ("clips", f"{len(train):,} to learn from, {len(clips) - len(train):,} test clips"),
        ("files", f"{len(files):,} in {where}, {files['seconds'].sum() / 3600:.2f} h"),
    ]
    if layout.train.table:
        columns = ", ".join(f"{role}: {name}" for role, name in layout.train.columns.items())
        rows.append(("list", f"{layout.train.table}, columns {columns}"))
        header = csv_files.read(layout.train.table, [], "list of clips", by_hand=True).columns
        unused = [name for name in header if name not in layout.train.columns.values()]
        if unused:
            rows.append(("not used", f"columns {', '.join(unused)}"))
    if layout.train.folders:
        rows.append(("folders", f"{'/'.join(layout.train.folders)}/..."))
    opened = files[files["format"] != ""]
    kinds = opened["format"] + ", " + opened["sample_rate"].astype(str) + " Hz, "
    rows.append(("formats", _counted(kinds + opened["channels"].astype(str) + " ch")))
    rows.append(("classes", f"{train['label'].nunique()}: {_counted(train['label'])}"))
    verified = f"{train['verified'].sum():,} of {len(train):,}"
    if "verified" not in layout.train.roles:
        verified += ", as the data set does not say which are"
    rows.append(("verified", verified))
    official = train.loc[train["fold"] != "", "fold"]
    rows.append(("folds", f"official: {_counted(official)}" if len(official) else "to be drawn"))
    if {"recording", "start"} & layout.train.roles:
        rows.append(("recordings", f"{train['recording'].nunique():,}"))
    rows.append(("problems", f"{len(found.problems):,}" if len(found.problems) else "none found"))
    facts = [f"  {name:<11} {printable(value, 1000)}" for name, value in rows]
    return facts + _problem_lines(found)


def _problem_lines(found: Survey) -> list[str]:
    text = []
    for kind, group in found.problems.groupby("kind", sort=False):
        stops = ", at which a run stops" if group["stops"].any() else ""
        text.append(f"    {kind} ({len(group):,}){stops}")
        text += [
            f"      {printable(row.clip)}: {printable(row.problem, 200)}"
            for row in group[:EXAMPLES].itertuples()
        ]
    return text


def _counted(values: Sequence[str] | pd.Series) -> str:
    """Values with their counts, the most frequent first; of many, the first and the last."""
    counts = [f"{value} ({count:,})" for value, count in Counter(values).most_common()]
    if len(counts) > MOST_CLASSES:
        counts = [*counts[: MOST_CLASSES - 3], "...", *counts[-3:]]
    return ", ".join(counts) or "none"


def write_problems(found: Survey, path: Path) -> None:
    """Write a CSV of all problems."""
    # Not by pandas: names of files may be odd, which are the problem then.
    rows = found.problems.itertuples(index=False)
    write_text(path, csv_files.to_text([found.problems.columns, *rows]))
