"""Write the embedded demo data set, in the Kaggle layout of FSDKaggle2018."""

from pathlib import Path
from typing import Any

from earmark.runtime import job
from earmark.synthesis import dataset


def main(*, train_list: str, cfg: dict[str, Any], seed: int, threads: int) -> None:
    """Synthesise the set that ``cfg`` and ``seed`` describe into the folder of ``train_list``.

    The rule declares the other files and folders of the layout too; they are written together.
    """
    dataset.synthesise(Path(train_list).parent, cfg, seed, threads)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
