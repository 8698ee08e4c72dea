"""Write the page of a run: its scores, and its errors to listen to."""

import logging
import platform
from importlib.metadata import version
from typing import Any

from earmark.dataset import layout
from earmark.dataset.clips import Place
from earmark.reporting import media, results_page, web_page
from earmark.reporting.media import Media
from earmark.runtime import job
from earmark.tagging.command_line import version as own_version

log = logging.getLogger("earmark")


def main(
    *,
    evaluations: list[str],
    tables: list[str],
    figures: list[str],
    audio: list[str],
    page: str,
    cfg: dict[str, Any],
    threads: int,
    folders: dict[str, str],
) -> None:
    """Write ``page`` (HTML); the other arguments are those of ``results_page.sections``.

    ``cfg`` further has the ``title`` and ``longest_seconds``, what is used of a clip.
    """

    def media_of(kind: str, places: list[Place]) -> list[Media]:
        base = layout.base_folder(audio, folders["test" if kind == "test" else "train"])
        there = [place._replace(file=str(base / place.file)) for place in places]
        return media.of_clips(there, cfg["longest_seconds"], threads)

    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn"))
    made = f"Made with Earmark {own_version()}, Python {platform.python_version()}, {versions}."
    cfg = {**cfg, "remarks": [*cfg["remarks"], made]}
    sections = results_page.sections(evaluations, tables, figures, cfg, media_of)
    web_page.write(page, cfg["title"], sections)
    log.info("Open %s in a browser.", page, extra={"terminal": True})


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
