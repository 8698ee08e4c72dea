"""Fetch FSDKaggle2018 from Zenodo, unless it is there already."""

from typing import Any

from earmark.dataset import fetching, index, layout
from earmark.runtime import job


def main(
    *,
    train_list: str,
    truth: str,
    index_train: str,
    index_test: str,
    index_listed: str,
    cfg: dict[str, Any],
) -> None:
    """Download the data set to ``cfg["folder"]`` and write the index of its clips.

    Only its lists are declared as outputs: Snakemake deletes outputs before it runs a job, and the
    audio should not be downloaded again. ``cfg`` also has ``base_url``, ``files`` (archive name ->
    checksum and bytes) and ``max_unpacked_gigabytes``.
    """
    most_bytes = cfg["max_unpacked_gigabytes"] * 1e9
    fetching.fetch(cfg["folder"], cfg["files"], cfg["base_url"], most_bytes)
    paths = {"train": index_train, "test": index_test, "listed": index_listed}
    index.write(index.build(layout.zenodo_layout(cfg["folder"])), paths)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
