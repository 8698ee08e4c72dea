"""Draw one group's latents or spectrograms by t-SNE, with labels before and after spreading."""

from typing import Any

import numpy as np

from earmark.evaluation import truth as ground_truth
from earmark.features import store
from earmark.labels import spreading
from earmark.reporting import figures, tsne
from earmark.runtime import job


def main(
    *,
    vectors: str,
    spread: str,
    truth: list[str],
    png: str,
    svg: str,
    cfg: dict[str, Any],
    seed: int,
) -> None:
    """Write the figure of ``cfg["group"]``, whose spreading table is ``spread``.

    ``vectors`` is the file of latents or spectrograms, ``truth`` that of the train clips' labels,
    if it is known; ``cfg`` further has the ``perplexity``.
    """
    table = spreading.read(spread)
    points = store.read_vectors(vectors, table["clip"].tolist())
    points = tsne.embed(points, cfg["perplexity"], seed)
    verified = (table["state"] == "verified").to_numpy()
    after = np.where(verified, table["given"], table["spread"])
    true = None
    if truth:
        known = ground_truth.read_train(truth[0]).set_index("clip")["label"]
        true = known.reindex(table["clip"]).fillna("").tolist()
    title = f"{figures.readable(cfg['group'])}: t-SNE of {len(table)} clips"
    given = table["given"].tolist()
    figure = tsne.before_and_after(points, given, after, title, verified, true)
    figures.save(figure, png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
