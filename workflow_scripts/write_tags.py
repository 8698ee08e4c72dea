"""Write the labels of the sounds to tag, and why others could not be heard."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from earmark.dataset import audio, clips
from earmark.evaluation import calibration, choosing, combining
from earmark.evaluation import tags as tag_table
from earmark.reporting import tags_page
from earmark.runtime import job
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")


def main(
    *,
    members: list[str],
    calibrations: list[str],
    choice: list[str],
    clips_table: str,
    tags: str,
    top: str,
    page: str,
    cfg: dict[str, Any],
    threads: int,
    folders: dict[str, str],
) -> None:
    """Write ``tags`` (CSV), ``top``, a copy of it, and a ``page`` (HTML) to listen to.

    ``members`` and ``calibrations`` are files of each of ``cfg["systems"]``, whose probabilities
    are calibrated; ``cfg["candidates"]`` are settings of the systems and ensembles, by name, of
    which ``choice`` (a file, or none) has the one to tag with; ``cfg["longest_seconds"]`` of a clip
    are used.
    """
    name = choosing.chosen(choice, list(cfg["candidates"]))
    settings, systems = cfg["candidates"][name], cfg["systems"]
    paths = dict(zip(systems, members, strict=True))
    by_system = combining.read_means({system: paths[system] for system in settings["members"]})
    known = calibration.read_all(dict(zip(systems, calibrations, strict=True)))
    mean = combining.combine(name, settings, by_system, known, calibrated=True)
    sounds = clips.read(clips_table)
    # Clips that cannot be heard were predicted as if they were silent.
    heard = sounds["status"].isin(audio.STATUSES_WITH_SOUND).to_numpy()[:, None]
    values = np.where(heard, mean.of(sounds["clip"].tolist()), np.nan)
    problems = [*map(tag_table.reason, sounds["status"], sounds["problem"])]
    found = tag_table.Tags(mean.classes, values, problems)
    rows = found.rows(zip(sounds["clip"], sounds["start"], sounds["end"], strict=True))
    for path in (tags, top):
        with atomic_file(path) as temporary:
            temporary.write_bytes(tag_table.header() + tag_table.encoded(rows))
    title, folder, longest = f"Tags by {name}", Path(folders["sounds"]), cfg["longest_seconds"]
    tags_page.write(page, title, found, sounds, folder, longest, threads)
    log.info(
        "%s has the tags of %d sounds by %s.",
        top,
        len(sounds) - found.unheard,
        name,
        extra={"terminal": True},
    )
    if found.unheard:
        log.warning(
            "Sounds that cannot be heard: %d. The column problem of %s says why.",
            found.unheard,
            top,
        )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
