"""Ways to learn from partly verified labels, judged by the true ones; nothing else reads these.

    snakemake -j2 results/LIST/predictions/{everyone,verified,agreed}/seed1/train.h5 \
        --configfile benchmarks/partly_verified.yaml --config dataset=path/to/LIST.csv
    python benchmarks/partly_verified.py path/to/esc50.csv results/LIST [results/LIST2 ...]

The list of the truth has the columns filename, category, fold and src_file. Each clip that a
network held out is judged, verified or not. Differences are paired, with 95 % intervals over
recordings, for each run and for all together.
"""

import argparse
import sys
from pathlib import Path

import measuring
import numpy as np
import pandas as pd

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark.evaluation import comparison, out_of_fold, predictions
from earmark.inference import metrics


def main() -> None:
    """Print a table for each run, and differences of the last arm from the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("truth", type=Path)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--arms", nargs="+", default=["everyone", "verified", "agreed"])
    asked = parser.parse_args()
    truth = pd.read_csv(asked.truth, dtype=str).set_index("filename")
    scored = []
    for results in asked.results:
        for arm in asked.arms:
            found = predictions.read(results / "predictions" / arm / "seed1" / "train.h5")
            clips = out_of_fold.predicted_clips([found])
            true = truth.loc[clips]
            numbers = np.array([found.classes.index(name) for name in true["category"]])
            each = metrics.average_precision(metrics.top_classes(found.of(clips)), numbers)
            rows = {"run": results.name, "arm": arm, "fold": true["fold"], "clip": clips}
            scored.append(pd.DataFrame({**rows, "map3": each, "right": each == 1}))
    table = pd.concat(scored)
    print(table.groupby(["run", "fold", "arm"], sort=False)[["right", "map3"]].mean().round(4))
    print(table.groupby(["run", "arm"], sort=False)[["right", "map3"]].mean().round(4))
    *others, last = asked.arms
    for names in [[one] for one in table["run"].unique()] + [list(table["run"].unique())]:
        part = table[table["run"].isin(names)].set_index(["run", "clip"])
        for other in others:
            pair = [part[part["arm"] == arm] for arm in (last, other)]
            clips = pair[0].index.intersection(pair[1].index)
            recordings = truth.loc[clips.get_level_values("clip"), "src_file"].to_numpy()
            for score in ("right", "map3"):
                one, two = (side.loc[clips, score].to_numpy(float)[None] for side in pair)
                found = comparison.paired_bootstrap(one, two, 1, recordings=recordings)
                print(", ".join(names), f"{last} - {other}, {score}:", end=" ")
                print(f"{found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f})")


if __name__ == "__main__":
    main()
