"""Events: adjoining windows of one label, written for each recording as Raven or Audacity do."""

import csv
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path

from earmark.dataset import annotations, audio
from earmark.dataset.annotations import BACKGROUND, Annotation
from earmark.evaluation import tags
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import write_text
from earmark.tagging.files import SoundFile

# Times of windows are rounded to milliseconds.
ROUNDED = 0.0015
# The table of tags, and beside it the hashes of what was written.
TABLE, WRITTEN = "tags.csv", "tags.csv.tables"


def targets(folder: Path, form: str, files: Sequence[SoundFile]) -> dict[SoundFile, Path]:
    """The file to write for each recording, in ``folder``, which is made.

    Raises EarmarkError where two would be one, and where one is there that no run has written.
    """
    table, written = folder / TABLE, _written(folder)
    if table.is_file():
        with table.open("rb") as before:
            if before.readline() != tags.header():
                raise EarmarkError(f"{table} is no table of tags. Name another folder after -o.")
    found: dict[Path, SoundFile] = {}
    for file in files:
        name = Path(file.name)
        name = Path(name.name) if name.is_absolute() or ".." in name.parts else name
        target = folder / name.with_suffix(annotations.ENDINGS[form])
        other = found.setdefault(target, file)
        if other != file:
            raise EarmarkError(
                f"Both {other.path} and {file.path} would have the events in {target}. Tag them "
                f"into two folders."
            )
        _check(target, written)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise EarmarkError(f"{folder} is a file, or below one. Name a folder after -o.") from None
    return {file: target for target, file in found.items()}


def write(table: Path, form: str, to_write: Mapping[SoundFile, Path]) -> None:
    """Write the events in a table of tags; windows of the class background are none.

    A recording without events gets a file without them; one that cannot be decoded gets none.
    """
    by_name = {file.name: (file, target) for file, target in to_write.items()}
    written, seen = _written(table.parent), set()
    with table.open(newline="", encoding="utf-8", errors="surrogateescape") as source:
        tagged = groupby(csv.DictReader(source), _recording)
        for name, group in chain(tagged, ((name, ()) for name in by_name if name not in seen)):
            seen.add(name)
            rows = [*group]
            file, target = by_name[name]
            _check(target, written)
            if rows and not rows[0]["end"] and not float(rows[0]["start"]):
                target.unlink(missing_ok=True)
                continue
            highest_hz = audio.header(file.path).sample_rate / 2
            text = annotations.to_text(form, merged(rows), Path(file.path).name, highest_hz)
            digest = _hash(target, text.encode("utf-8", "surrogateescape"))
            if digest not in written:  # known before the file is there, whatever stops the writing
                with (table.parent / WRITTEN).open("a", encoding="utf-8") as hashes:
                    hashes.write(f"\n{digest}")
            write_text(target, text)


def _written(folder: Path) -> set[str]:
    """The hashes of all files that were written into a folder."""
    path = folder / WRITTEN
    return {*path.read_text(encoding="utf-8", errors="replace").split()} if path.exists() else set()


def _hash(target: Path, content: bytes) -> str:
    named = os.fsencode(target.name) + b"\0" + content
    return hashlib.blake2b(named, digest_size=16).hexdigest()


def _check(target: Path, written: set[str]) -> None:
    """Raise EarmarkError if there is a file that is none of those ``written``."""
    is_own = target.is_file() and _hash(target, target.read_bytes()) in written
    if os.path.lexists(target) and not is_own:
        raise EarmarkError(
            f"{target} is not what `earmark tag` wrote there, and was not changed. Move it "
            f"elsewhere, or name another folder after -o."
        )


def _recording(row: Mapping[str, str]) -> str:
    """The name of the recording that a window is of."""
    if not row["end"]:
        return row["clip"]
    return row["clip"].removesuffix(f"#{float(row['start']):.3f}-{float(row['end']):.3f}")


def merged(rows: Iterable[Mapping[str, str]]) -> list[Annotation]:
    """The events of a recording in order, each with the highest probability of its windows."""
    found: list[Annotation] = []
    last: dict[str, int] = {}
    for row in rows:
        label = row["label"]
        if not label or label == BACKGROUND:
            continue
        window = Annotation(
            float(row["start"]), float(row["end"]), label, float(row["probability"])
        )
        before = found[last[label]] if label in last else None
        if before and window.start <= before.end + ROUNDED:
            highest = max(before.probability or 0.0, window.probability or 0.0)
            found[last[label]] = before._replace(
                end=max(before.end, window.end), probability=highest
            )
        else:
            last[label] = len(found)
            found.append(window)
    return found
