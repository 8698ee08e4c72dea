"""Draw overview.png, the picture in README.md, from the results of the demo.

After ``make``: ``.venv/bin/python docs/pictures/overview.py``, from the top folder. Left: t-SNE of
the autoencoder's latents of one group of classes, with the labels that count before and after
spreading; right: MAP@3 of the demo's systems and of the ensemble that is submitted.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from earmark.features import store

SPREADING, GROUP, AUTOENCODER = "latent_two", "non_music", "stft"
STYLES = {"#0072b2": "o", "#d55e00": "s", "#009e73": "^", "#cc79a7": "D", "#e69f00": "v"}
SYSTEMS = {
    "vgg_fewer_semi": "VGG, self-trained",
    "vgg_more": "VGG, more layers",
    "cnn_logmel": "CNN on log-mel crops",
    "arithmetic": "Ensemble of the three",
}


def draw_labels(axes: Axes, points: np.ndarray, counted: pd.DataFrame, classes: list[str]) -> None:
    """Scatter points (n, 2): those of the clips in ``counted`` marked, the others pale."""
    pale = np.setdiff1d(np.arange(len(points)), counted.index)
    axes.scatter(*points[pale].T, s=8, color="0.85", linewidths=0, label="unverified")
    rest = counted.index[~counted["given"].isin(classes)]
    axes.scatter(*points[rest].T, s=14, color="0.5", linewidths=0, label="other classes")
    for label, (colour, marker) in zip(classes, STYLES.items(), strict=True):
        rows = counted.index[counted["given"] == label]
        name = label.replace("_", " ")
        axes.scatter(*points[rows].T, s=34, color=colour, marker=marker, linewidths=0, label=name)
    axes.set(xticks=[], yticks=[])


def draw_scores(axes: Axes, scores: pd.DataFrame) -> None:
    """Draw each system's score, with 1.96 standard errors to both sides."""
    for height, (name, title) in enumerate(reversed(SYSTEMS.items())):
        score, error = scores.loc[name, ["map3", "standard_error"]]
        colour = "#d55e00" if name == "arithmetic" else "#0072b2"
        axes.errorbar(
            score, height, xerr=1.96 * error, fmt="o", ms=8, capsize=5, lw=2, color=colour
        )
        axes.text(0.66, height + 0.2, f"{title}: {score:.3f}", fontsize=13)
    axes.set(yticks=[], xlim=(0.65, 0.95), ylim=(-0.35, 3.55), xticks=[0.7, 0.8, 0.9])
    axes.tick_params(labelsize=12)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)


def main(results: Path, png: Path) -> None:
    """Write the picture ``png`` of the results in ``results``."""
    table = pd.read_csv(results / f"spread/{SPREADING}/{GROUP}.csv")
    latents_file = results / f"autoencoders/{AUTOENCODER}/latents.h5"
    latents = store.read_vectors(str(latents_file), table["clip"].tolist())
    points = TSNE(perplexity=30, init="pca", random_state=1).fit_transform(latents)
    verified, promoted = (table[table["state"] == state] for state in ("verified", "promoted"))
    classes = sorted(promoted["given"].value_counts().index[: len(STYLES)])

    figure = Figure(figsize=(7.4, 7.4), dpi=130)
    before = figure.add_axes((0.01, 0.59, 0.47, 0.36))
    draw_labels(before, points, verified, classes)
    before.set_title(f"Verified: {len(verified)} of {len(table)} labels", fontsize=13)
    after = figure.add_axes((0.01, 0.17, 0.47, 0.36))
    draw_labels(after, points, pd.concat([verified, promoted]), classes)
    after.set_title(f"After spreading: {len(promoted)} more", fontsize=13)
    scores = pd.read_csv(results / "scores.csv").query("split == 'all'").set_index("system")
    axes = figure.add_axes((0.53, 0.17, 0.45, 0.78))
    draw_scores(axes, scores)
    axes.set_title(f"MAP@3 on {scores['clips'].iloc[0]} test clips", fontsize=13)
    axes.set_xlabel("with 95 % intervals over clips", fontsize=12)
    marks = after.get_legend_handles_labels()
    figure.legend(*marks, loc="lower left", ncols=4, fontsize=12, frameon=False, handletextpad=0.2)
    figure.savefig(png)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo"))
    parser.add_argument("--png", type=Path, default=Path(__file__).with_name("overview.png"))
    arguments = parser.parse_args()
    main(arguments.results, arguments.png)
