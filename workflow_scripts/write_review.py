"""Write the pages on which people listen to suspects and correct their labels."""

import logging
from pathlib import Path
from typing import Any

from earmark.dataset import clips, layout
from earmark.dataset.clips import Place
from earmark.labels import suspect_table
from earmark.reporting import media, review_page
from earmark.reporting.media import Media
from earmark.runtime import job

log = logging.getLogger("earmark")


def main(
    *,
    found: str,
    counts: str,
    clips_table: str,
    audio: list[str],
    pages: str,
    cfg: dict[str, Any],
    threads: int,
    folders: dict[str, str],
) -> None:
    """Write a folder of ``pages`` of the first ``cfg["review"]`` suspects in ``found``.

    ``counts`` is wrong_labels.csv. ``cfg`` further has the data set's ``name`` and
    ``longest_seconds``, what is used of a clip.
    """
    suspects, expected = suspect_table.read(found), suspect_table.read_counts(counts)
    table = clips.read(clips_table)
    folder = layout.base_folder(audio, folders["train"])
    places = dict(zip(table["clip"], clips.places(table, folder), strict=True))

    def media_of(wanted: list[Place]) -> list[Media]:
        return media.of_clips(wanted, cfg["longest_seconds"], threads)

    Path(pages).mkdir()
    number = review_page.write(
        Path(pages), cfg["name"], suspects, expected, places, cfg["review"], media_of
    )
    if number:
        log.info("Open %s/page_1.html to listen.", pages, extra={"terminal": True})
    else:
        log.info("There is no label to review.", extra={"terminal": True})


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
