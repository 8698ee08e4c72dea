"""Write the demo data set, in the Kaggle layout of FSDKaggle2018."""

from pathlib import Path
from typing import Any

from earmark.dataset import index, layout
from earmark.runtime import job
from earmark.synthesis import dataset


def main(
    *,
    train_list: str,
    test_list: str,
    truth: str,
    train_truth: str,
    audio_train: str,
    audio_test: str,
    index_train: str,
    index_test: str,
    index_listed: str,
    cfg: dict[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Synthesise the set that ``cfg`` and ``seed`` describe, and write its index.

    Lists, truths and folders of clips lie in one folder, that of ``train_list``.
    """
    folder = Path(train_list).parent
    dataset.synthesise(folder, cfg, seed, threads)
    paths = {"train": index_train, "test": index_test, "listed": index_listed}
    index.write(index.build(layout.kaggle_layout(folder)), paths)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
