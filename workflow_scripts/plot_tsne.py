"""Draw one group's latents or spectrograms by t-SNE, with labels before and after spreading."""

from typing import Any

import numpy as np

from earmark.features import store
from earmark.labels import spreading
from earmark.reporting import figures, tsne
from earmark.runtime import job


def main(*, vectors: str, spread: str, png: str, svg: str, cfg: dict[str, Any], seed: int) -> None:
    """Write the figure of ``cfg["group"]``, whose spreading table is ``spread``.

    ``vectors`` is the file of latents or spectrograms; ``cfg`` further has the ``perplexity``.
    """
    table = spreading.read(spread)
    points = store.read_vectors(vectors, table["clip"].tolist())
    points = tsne.embed(points, cfg["perplexity"], seed)
    after = np.where(table["state"] == "verified", table["given"], table["spread"])
    title = f"{figures.readable(cfg['group'])}: t-SNE of {len(table)} clips"
    figure = tsne.before_and_after(points, table["given"].tolist(), after, title)
    figures.save(figure, png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
