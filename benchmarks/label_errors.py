"""How well `suspects.csv` finds wrong labels, beside cleanlab and label spreading.

Labels of a list with known truth are made wrong, or a list with wrong labels is given; `snakemake
suspects.csv` runs with the short recipe of label_errors.yaml; the labels that nobody checked are
compared with the truth, which nothing else reads. With --listen, a tenth of them is then checked.
cleanlab (pip install cleanlab) gets the same out-of-fold probabilities of the networks, and its
best score by average precision counts.

    python benchmarks/label_errors.py FOLDER --truth esc50.csv --wrong 0.2 --seeds 1 2 3
    python benchmarks/label_errors.py FOLDER --truth esc50.csv --list partly_verified_1.csv
    python benchmarks/label_errors.py FOLDER --truth train_truth.csv --run results/demo

FOLDER has the lists, whose columns are named as in ESC-50's, and the clips in audio/. With --run, a
run that is there is judged; FOLDER only has the truth, as the demo's results/demo/dataset.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import measuring
import numpy as np
import pandas as pd

sys.path.insert(0, str(measuring.SCRIPTS))

from sklearn.metrics import average_precision_score, roc_auc_score

from earmark.evaluation import predictions
from earmark.features import clip_statistics
from earmark.inference import metrics
from earmark.labels import label_table, spreading, suspect_table

NOISE_SEED = 42
RESAMPLES = 1000


def make_wrong(labels: list[str], share: float, seed: int = NOISE_SEED) -> list[str]:
    """The labels, a ``share`` of them replaced by another class, each class as likely."""
    random = np.random.default_rng(seed)
    classes = sorted(set(labels))
    made = list(labels)
    for place in random.permutation(len(labels))[: round(share * len(labels))]:
        others = [name for name in classes if name != labels[place]]
        made[place] = others[random.integers(len(others))]
    return made


def run(dataset: Path, folder: Path, seed: int, target: str, *overlays: Path) -> Path:
    """The results of a run of Snakemake in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "snakemake", "-s", measuring.REPO / "Snakefile", "-j2"]
    command += [target, "--configfile", Path(__file__).with_suffix(".yaml"), *overlays]
    command += ["--config", f"dataset={dataset}", "name=run", f"seed={seed}"]
    subprocess.run([str(part) for part in command], cwd=folder, check=True)
    return folder / "results" / "run"


def listen(dataset: Path, folder: Path, seed: int, truth: dict[str, str]) -> pd.DataFrame:
    """What checking a tenth of the unverified labels gives: the first suspects, or random ones.

    The one who listens is always right. Columns are ways to choose, rows are clips: the average
    precision of the three guesses, out of fold, against the truth. The last way checks as many
    labels at random as have to be heard to find as many wrong ones.
    """
    results = folder / "results" / "run"
    predicted = f"predictions/cnn_logmel/seed{seed}/train.h5"
    suspects = suspect_table.read(results / "suspects.csv").dropna(subset="wrong")
    pool = suspects[suspects["verified"] == 0]
    wrong = (pool["clip"].map(truth) != pool["label"]).to_numpy()
    count = round(0.1 * len(pool))
    as_many = min(len(pool), round(wrong[:count].sum() / wrong.mean()))
    order = np.random.default_rng(seed).permutation(len(pool))
    chosen = {
        "nothing": pool[:0],
        "suspects": pool[:count],
        "random": pool.iloc[order[:count]],
        "more random": pool.iloc[order[:as_many]],
    }
    kept = folder / "corrections" / "run.csv"
    rows = {}
    for way, clips in chosen.items():
        right = clips["clip"].map(truth)
        decisions = np.where(right == clips["label"], "right", "wrong")
        table = clips[["clip"]].assign(label=right, decision=decisions)
        table["previous_label"], table["time"] = clips["label"], "2026-01-01T00:00:00"
        if len(clips):
            kept.parent.mkdir(exist_ok=True)
            table.to_csv(kept, index=False)
            run(dataset, folder, seed, f"results/run/{predicted}")
        found = predictions.read(results / predicted)
        true = np.array([found.classes.index(truth[clip]) for clip in found.clips])
        rows[way] = metrics.average_precision(metrics.top_classes(found.of(found.clips)), true)
        print(
            f"{way}: {len(clips)} checked, {(decisions == 'wrong').sum()} found wrong, "
            f"MAP@3 {rows[way].mean():.3f}"
        )
    kept.unlink()
    return pd.DataFrame(rows)


def cleanlab_scores(probabilities: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """Suspicion (n,) by each of cleanlab's scores."""
    from cleanlab.rank import get_label_quality_scores

    ways = [("self_confidence", False), ("normalized_margin", False)]
    ways += [("confidence_weighted_entropy", False), ("self_confidence", True)]
    ways += [("normalized_margin", True)]
    return {
        f"cleanlab {method}{' adjusted' if adjusted else ''}": 1
        - get_label_quality_scores(given, probabilities, method=method, adjust_pred_probs=adjusted)
        for method, adjusted in ways
    }


def measures(suspicion: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """AUROC, average precision, and precision among the first 50 and 100."""
    # Of equally suspicious clips, those that count are drawn at random: the mean of that.
    expected = pd.Series(wrong, dtype=float).groupby(suspicion).transform("mean").to_numpy()
    order = np.argsort(-suspicion, kind="stable")
    return {
        "AUROC": roc_auc_score(wrong, suspicion),
        "average precision": average_precision_score(wrong, suspicion),
        **{f"precision at {top}": expected[order[:top]].mean() for top in (50, 100)},
    }


def difference(one: np.ndarray, other: np.ndarray, wrong: np.ndarray) -> tuple[float, float, float]:
    """Difference of average precisions and its 95 % interval, clips resampled in pairs."""
    random = np.random.default_rng(1)

    def of(rows: np.ndarray) -> float:
        return average_precision_score(wrong[rows], one[rows]) - average_precision_score(
            wrong[rows], other[rows]
        )

    drawn = [of(random.integers(0, len(wrong), len(wrong))) for _ in range(RESAMPLES)]
    return of(np.arange(len(wrong))), *np.percentile(drawn, [2.5, 97.5])


def judge(results: Path, truth: dict[str, str], what: str) -> list[dict[str, object]]:
    """Rows of the table: each way to find the wrong labels of a run."""
    table = suspect_table.read(results / "suspects.csv").dropna(subset="wrong")
    labels = label_table.read(results / "labels.csv").set_index("clip")
    table["true"] = table["clip"].map(truth)
    if labels["verified"].nunique() > 1:
        table = table[table["verified"] == 0]
    clips = table["clip"].tolist()
    every = [*results.glob("predictions/*/seed*/all_folds.h5")]
    every = every or [*results.glob("predictions/*/seed*/train.h5")]
    members = [predictions.read(path) for path in every]
    probabilities = np.mean([one.of(clips) for one in members], axis=0)
    given = np.array([members[0].classes.index(label) for label in table["label"]])
    wrong = (table["label"] != table["true"]).to_numpy()
    ours = table["wrong"].to_numpy()
    others = cleanlab_scores(probabilities, given)
    best = max(others, key=lambda name: average_precision_score(wrong, others[name]))
    rows = [
        {"labels": what, "by": "suspects.csv", **measures(ours, wrong)},
        {"labels": what, "by": best, **measures(others[best], wrong)},
    ]
    if labels["verified"].nunique() > 1:
        feature = next(results.glob("features/*/train.h5"))
        everyone = labels.loc[members[0].clips]
        points = clip_statistics.describe(feature, members[0].clips)
        settings = {"gamma": "auto", "alpha": 0.2, "max_iterations": 100_000, "tolerance": 1e-3}
        spread = spreading.spread(
            members[0].clips,
            everyone["label"].tolist(),
            everyone["verified"].to_numpy(),
            points,
            {**settings, "isolated": "undecided"},
        ).set_index("clip")
        rejected = (spread["state"][clips] == "rejected").to_numpy().astype(float)
        rows.append({"labels": what, "by": "rejected by spreading", **measures(rejected, wrong)})
    counts = suspect_table.read_counts(results / "wrong_labels.csv")
    print(f"\n{what}: average precision above {best}: ", end="")
    print("{:.3f} ({:.3f} to {:.3f})".format(*difference(ours, others[best], wrong)))
    for among, number, true in (
        ("all", "", wrong.sum()),
        ("top", "100", wrong[np.argsort(-ours, kind="stable")[:100]].sum()),
    ):
        row = counts[(counts["among"] == among) & (counts["of"] == number)].iloc[0]
        print(
            f"wrong among {among} {number}: expected {row['wrong']} ({row['wrong_low']} to "
            f"{row['wrong_high']}), true {true}"
        )
    return rows


def main() -> None:
    """Run and judge each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--truth", required=True, help="a list with the true labels")
    parser.add_argument("--list", help="a list with wrong labels")
    parser.add_argument("--run", type=Path, help="results to judge, instead of a run")
    parser.add_argument("--wrong", type=float, help="the share of labels to make wrong")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--listen", action="store_true", help="check a tenth, and learn again")
    parser.add_argument("--work", type=Path, default=Path("label_errors"))
    given = parser.parse_args()
    table = pd.read_csv(given.folder / given.truth, dtype=str)
    label = "category" if "category" in table else table.columns[1]
    truth = dict(zip(table[table.columns[0]], table[label], strict=True))
    if given.run:
        print(pd.DataFrame(judge(given.run, truth, given.run.name)).round(3).to_string(index=False))
        return
    what = given.list or f"{given.wrong:g} wrong"
    dataset = (given.folder / str(given.list)).resolve()
    if not given.list:
        made = (given.work / what.replace(" ", "_")).resolve()
        made.mkdir(parents=True, exist_ok=True)
        dataset = made / "list.csv"
        table["category"] = make_wrong(table["category"].tolist(), given.wrong)
        table.drop(columns="target").to_csv(dataset, index=False)
        audio = made / "audio"
        if not audio.exists():
            audio.symlink_to((given.folder / "audio").resolve())
    rows = []
    heard = []
    for seed in given.seeds:
        folder = given.work / f"{dataset.parent.name}_{dataset.stem}_{seed}"
        results = run(dataset, folder, seed, "suspects.csv")
        rows += judge(results, truth, f"{what}, seed {seed}")
        if given.listen:
            heard.append(listen(dataset, folder, seed, truth))
    print(pd.DataFrame(rows).round(3).to_string(index=False))
    if heard:
        mean = sum(heard) / len(heard)
        for way in mean.columns.drop("suspects"):
            gain = (mean["suspects"] - mean[way]).to_numpy()
            low, high = (
                gain.mean() + sign * 1.96 * gain.std() / len(gain) ** 0.5 for sign in (-1, 1)
            )
            print(f"MAP@3 above {way}: {gain.mean():.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
