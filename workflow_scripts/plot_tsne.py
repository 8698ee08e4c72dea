"""Draw one group's latents or pictures by t-SNE, with labels before and after spreading."""

from typing import Any

import numpy as np

from earmark import job, plots, plots_of_tsne, spreading, store, tables


def main(*, vectors: str, spread: str, png: str, svg: str, cfg: dict[str, Any], seed: int) -> None:
    """Write the figure of the group whose spreading table is ``spread``.

    ``cfg`` has the ``group``, the ``perplexity``, and what the ``vectors`` are.
    """
    from sklearn.manifold import TSNE

    table = tables.read_table(spread, spreading.COLUMNS, "spreading table")
    found = store.read_vectors(vectors, table["fname"].tolist())
    # Perplexity is the number of neighbours that count; few clips have few.
    perplexity = min(cfg["perplexity"], max(1.0, (len(found) - 1) / 3))
    if len(found) < 4:
        points = np.pad(found[:, :2], ((0, 0), (0, max(0, 2 - found.shape[1]))))
    else:
        points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(found)
    after = np.where(table["state"] == "verified", table["given"], table["spread"])
    title = f"{plots.readable(cfg['group'])}: t-SNE of {len(table)} clips' {cfg['vectors']}"
    figure = plots_of_tsne.before_and_after(points, table["given"].tolist(), after, title)
    plots.save(figure, png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
