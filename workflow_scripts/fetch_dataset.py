"""Fetch FSDKaggle2018 from Zenodo, unless it is there already."""

from pathlib import Path
from typing import Any

from earmark import fetching
from earmark.runtime import job
from earmark.runtime.outputs import whole_file


def main(*, ready: str, cfg: dict[str, Any]) -> None:
    """Bring the data set into ``cfg["folder"]`` and write the note ``ready``.

    Only the note is declared as the rule's output: Snakemake deletes outputs before it runs a job,
    and gigabytes of audio must survive that. ``cfg`` further has ``base_url``, ``files`` (archive
    name -> checksum and bytes) and ``max_unpacked_gigabytes``.
    """
    fetching.fetch(
        cfg["folder"],
        cfg["files"],
        cfg["base_url"],
        max_unpacked_bytes=int(cfg["max_unpacked_gigabytes"] * 10**9),
    )
    with whole_file(Path(ready)) as temporary:
        temporary.write_text(f"{cfg['folder']} is complete.\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
