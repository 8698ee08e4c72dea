"""Events: adjoining windows of one label, written for each recording as Raven or Audacity do."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from earmark.dataset import annotations, audio
from earmark.dataset.annotations import BACKGROUND, Annotation
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import write_text
from earmark.tagging.files import SoundFile

# Times of windows are rounded to milliseconds.
ROUNDED = 0.0015


def targets(folder: Path, form: str, files: Sequence[SoundFile]) -> dict[SoundFile, Path]:
    """The file to write for each recording, in ``folder``, which is made.

    Raises EarmarkError where two would be one, or where one is there that no such run has written.
    """
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
        if target.exists() and not any(folder.glob("tags.csv*")):
            raise EarmarkError(f"{target} exists and was not changed. Name another folder by -o.")
    folder.mkdir(parents=True, exist_ok=True)
    return {file: target for target, file in found.items()}


def write(table: Path, form: str, to_write: Mapping[SoundFile, Path]) -> None:
    """Write the events in a table of tags; windows of the class background are none."""
    by_name = {file.name: (file, target) for file, target in to_write.items()}
    with table.open(newline="", encoding="utf-8", errors="surrogateescape") as source:
        for name, rows in groupby(csv.DictReader(source), _recording):
            file, target = by_name[name]
            highest_hz = audio.header(file.path).sample_rate / 2
            text = annotations.to_text(form, merged(rows), Path(file.path).name, highest_hz)
            write_text(target, text)


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
