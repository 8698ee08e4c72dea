"""Support for tests of figures: a manifest of given clips, and a figure's bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from earmark import plots


def manifest_of(rows: Sequence[tuple[str, str, int, float]], **same: object) -> pd.DataFrame:
    """A manifest of usable train clips (fname, label, verified, seconds), all in fold 0.

    ``same`` overrides a column for all clips.
    """
    clips = pd.DataFrame(rows, columns=["fname", "label", "verified", "seconds"])
    facts = {
        "path": "audio_train/" + clips["fname"],
        "split": "train",
        "fold": 0,
        "sample_rate": 44100,
        "channels": 1,
        "format": "WAV PCM_16",
        "peak": 0.5,
        "status": "ok",
        "use": 1,
        "problem": "",
        "checksum": "00000000",
    }
    return clips.assign(**{**facts, **same})


def saved_bytes(make: Callable[[], Figure], folder: Path) -> tuple[bytes, bytes]:
    """The PNG and the SVG of a figure made anew."""
    png, svg = folder / "figure.png", folder / "figure.svg"
    plots.save(make(), png, svg)
    return png.read_bytes(), svg.read_bytes()


def assert_same_bytes(make: Callable[[], Figure], folder: Path) -> None:
    first = saved_bytes(make, folder)
    assert first == saved_bytes(make, folder)
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
