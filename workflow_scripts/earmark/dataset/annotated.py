"""The list of clips of annotated recordings, which ``earmark init`` writes beside dataset.yaml."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from earmark.dataset import audio, clip_lists, csv_files, survey
from earmark.dataset.annotations import BACKGROUND, Annotation
from earmark.dataset.description import by_split
from earmark.dataset.layout import ClipList, Layout
from earmark.runtime.outputs import write_text

COLUMNS = ("file", "start", "end", "label")
Span = tuple[float, float]


def write(
    folder: Path,
    found: Mapping[str, Sequence[Annotation]],
    window: float,
    background: bool,
    table: Path,
    command: str,
) -> tuple[Layout, list[str]]:
    """Write the list of clips of the recordings in ``folder``, and return its layout and remarks.

    Each annotation that ``found`` has of a recording is a clip. Shorter ones, and points, become
    ``window`` seconds around their middle (0: they stay, and points are left out), but for those
    outside the recording. With ``background``, windows in stretches without annotation are clips of
    a class of their own: at most as many as there are others, evenly spread. ``command`` is the one
    to repeat.
    """
    rows: list[tuple[str, str, str, str]] = []
    free: list[tuple[str, Span]] = []
    overlaps = several = unlabelled = points = unnamed = 0
    free_seconds = 0.0
    for file, annotations in sorted(found.items()):
        if clip_lists.UNPRINTABLE.search(file):
            unnamed += 1
            continue
        length = audio.seconds(folder / file)
        spans: dict[Span, dict[str, None]] = {}
        for one in annotations:
            # Ids of clips have milliseconds.
            start, end = (round(time, 3) for time in _widened(one, window, length))
            spans.setdefault((start, end), {}).update({one.label: None} if one.label else {})
        before: list[tuple[float, str]] = []
        for (start, end), labels in sorted(spans.items()):
            label = ";".join(labels)
            unlabelled += not labels
            points += bool(labels) and start == end
            several += ";" in label
            if labels and start != end:
                rows.append((file, f"{start:.3f}", f"{end:.3f}", label))
                before = [other for other in before if other[0] > start]
                overlaps += any(other != label for _, other in before)
                before.append((end, label))
        for start, end in _gaps(sorted(spans), length):
            free_seconds += end - start
            count = int((end - start) / window + 1e-6) if window else 0
            free += [(file, (start + i * window, start + (i + 1) * window)) for i in range(count)]
    told = {
        "Recordings whose names a list cannot have, left out (rename them)": unnamed,
        "Annotations without a label, left out": unlabelled,
        "Points, which have no length, left out (`--window SECONDS` gives them one)": points,
        "Stretches with several labels, left out (write the one that fits)": several,
        "Annotations that overlap with one before of another label, both taken": overlaps,
    }
    remarks = [f"{sentence}: {count}." for sentence, count in told.items() if count]
    if background:
        most = min(len(rows), len(free))
        for file, (start, end) in [free[at * len(free) // most] for at in range(most)]:
            rows.append((file, f"{start:.3f}", f"{end:.3f}", BACKGROUND))
        remarks.append(f"Windows without annotation, taken as {BACKGROUND}: {most} of {len(free)}.")
    elif free_seconds:
        remarks.append(
            f"There are {free_seconds / 60:.1f} min without annotation: `{command} --window "
            f"SECONDS --background` takes windows of them as a class {BACKGROUND}."
        )
    write_text(table, csv_files.to_text([COLUMNS, *rows]))
    columns = {name: name for name in COLUMNS}
    return by_split(
        folder, ClipList(folder, table, columns, (), "train", ";", "leave_out")
    ), remarks


def _widened(one: Annotation, window: float, length: float) -> Span:
    if one.end < one.start or one.end - one.start >= window:
        return one.start, one.end
    if one.start < 0 or (length and one.end > length + survey.SLACK):  # is told, where it is
        return one.start, one.end if one.end > one.start else one.start + window
    start = max(0.0, (one.start + one.end - window) / 2)
    if length:
        start = max(0.0, min(start, length - window))
    return start, min(start + window, length or start + window)


def _gaps(spans: Sequence[Span], length: float) -> Iterator[Span]:
    """What of a recording is in none of the sorted spans."""
    reached = 0.0
    for start, end in (*spans, (length, length)):
        if min(start, length) > reached:
            yield reached, min(start, length)
        reached = max(reached, end)
