"""The page of the tags: sounds to listen to, with their labels."""

from pathlib import Path

import pandas as pd

from earmark.dataset import clips
from earmark.evaluation.tags import Tags
from earmark.reporting import media, web_page
from earmark.reporting.web_page import Section, Sound


def write(
    path: str | Path,
    title: str,
    tags: Tags,
    clip_table: pd.DataFrame,
    folder: Path,
    longest_seconds: float,
    processes: int,
) -> None:
    """Write the page of ``tags`` of the clips in ``clip_table``, whose files are in ``folder``."""
    listed = clip_table[: web_page.MOST_SOUNDS]
    found = media.of_clips(clips.places(listed, folder), longest_seconds, processes)
    sounds = []
    for clip, one, best, problem in zip(
        listed["clip"], found, tags.best(), tags.problems, strict=False
    ):
        keys: dict[str, str | float] = {}
        if best:
            keys = {"label": best[0].label, "probability": best[0].probability}
        sounds.append(Sound(clip, one, keys, [(*tag, "") for tag in best], problem))
    remark = f"{len(clip_table)} sounds are tagged; tags.csv has the labels of all."
    if len(listed) < len(clip_table):
        remark = f"The first {len(listed)} of {remark}"
    web_page.write(path, title, [Section("Sounds", [web_page.sounds(sounds, [])], [remark])])
