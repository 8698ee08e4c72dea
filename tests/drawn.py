"""Support for tests of figures: tables of given clips, and a figure's bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from earmark.dataset import clips
from earmark.labels import label_table
from earmark.reporting import figures

Rows = Sequence[tuple[str, str, int, float]]


def labelled_clips(rows: Rows) -> pd.DataFrame:
    """Usable train clips (clip, label, verified, seconds), with all else of the clips table."""
    facts = {
        "start": "",
        "end": "",
        "sample_rate": 44100,
        "channels": 1,
        "format": "WAV PCM_16",
        "peak": 0.5,
        "status": "ok",
        "use": 1,
        "problem": "",
    }
    found = pd.DataFrame(rows, columns=["clip", "label", "verified", "seconds"])
    return found.assign(file="audio_train/" + found["clip"], **facts)


def write_tables(folder: Path, rows: Rows, unusable: Sequence[str] = ()) -> dict[str, str]:
    """Write labels.csv and clips.csv of train clips; return scripts' arguments."""
    table = labelled_clips(rows).assign(present=1, origin="list")
    table.loc[table["clip"].isin(unusable), "use"] = 0
    files = {"labels_table": folder / "labels.csv", "clips_table": folder / "clips.csv"}
    table[list(label_table.COLUMNS)].to_csv(files["labels_table"], index=False)
    table[list(clips.COLUMNS)].sort_values("clip").to_csv(files["clips_table"], index=False)
    return {name: str(path) for name, path in files.items()}


def saved_bytes(make: Callable[[], Figure], folder: Path) -> tuple[bytes, bytes]:
    """The PNG and the SVG of a figure made anew."""
    png, svg = folder / "figure.png", folder / "figure.svg"
    figures.save(make(), png, svg)
    return png.read_bytes(), svg.read_bytes()


def assert_same_bytes(make: Callable[[], Figure], folder: Path) -> None:
    first = saved_bytes(make, folder)
    assert first == saved_bytes(make, folder)
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
