"""What label spreading costs: beside scikit-learn's own fit, and as the number of clips grows.

Vectors are made: 4,096 numbers each, a point of its class in 60 directions and noise in all. A
third of the labels that are not verified is wrong.

    .venv/bin/python benchmarks/spreading.py [--repeats 5]
"""

import statistics
import sys
import warnings

import measuring
import numpy as np

sys.path.insert(0, str(measuring.SCRIPTS))

from earmark.labels import class_groups, spreading

DIMENSIONS, INNER = 4096, 60
ALPHA, ITERATIONS, TOLERANCE = 0.2, 100_000, 1e-3
REPORTED = 4827
SPREAD = """
import json, sys, time
import measuring, spreading
drawn = spreading.draw(int(sys.argv[1]))
begin = time.perf_counter()
table = spreading.spread_all(*drawn, neighbours=sys.argv[2])
seconds = time.perf_counter() - begin
print(json.dumps({"seconds": seconds, "gigabytes": measuring.most_gigabytes()}))
"""


def draw(clips: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors (n, d) float32, given labels (n,), whether they are verified (n,)."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(class_groups.CLASSES), clips)
    inner = rng.normal(size=(len(class_groups.CLASSES), INNER))[truth]
    inner = (inner + rng.normal(0, 0.7, inner.shape)).astype(np.float32)
    outer = 0.3 * rng.normal(size=(INNER, DIMENSIONS)).astype(np.float32)
    vectors = np.empty((clips, DIMENSIONS), np.float32)
    for begin in range(0, clips, 5000):
        part = slice(begin, begin + 5000)
        vectors[part] = inner[part] @ outer
        vectors[part] += rng.normal(size=vectors[part].shape).astype(np.float32)
    verified = rng.random(clips) < 0.39
    wrong = ~verified & (rng.random(clips) < 0.33)
    given = np.where(wrong, rng.integers(0, len(class_groups.CLASSES), clips), truth)
    return vectors, np.array(class_groups.CLASSES)[given], verified


def spread_all(
    vectors: np.ndarray, given: np.ndarray, verified: np.ndarray, neighbours: str = "auto"
) -> list:
    """Earmark's spreading over all clips as one group."""
    names = [f"{number}.wav" for number in range(len(given))]
    count: int | str = neighbours if neighbours == "auto" else int(neighbours)
    settings = {
        "gamma": "auto", "alpha": ALPHA, "max_iterations": ITERATIONS, "tolerance": TOLERANCE,
        "isolated": "undecided", "neighbours": count,
    }  # fmt: skip
    return [spreading.spread(names, given.tolist(), verified, vectors, settings)]


def spread_groups(
    vectors: np.ndarray, given: np.ndarray, verified: np.ndarray, scheme: str
) -> None:
    """Earmark's spreading, group by group."""
    for classes in class_groups.SCHEMES[scheme].values():
        members = np.isin(given, list(classes or class_groups.CLASSES))
        spread_all(vectors[members], given[members], verified[members])


def fit_groups(
    vectors: np.ndarray, given: np.ndarray, verified: np.ndarray, scheme: str, gamma: float
) -> None:
    """scikit-learn's fit alone, group by group; its gamma is given."""
    from sklearn.semi_supervised import LabelSpreading

    for classes in class_groups.SCHEMES[scheme].values():
        members = np.isin(given, list(classes or class_groups.CLASSES))
        numbers = np.unique(given[members], return_inverse=True)[1]
        model = LabelSpreading(
            kernel="rbf", gamma=gamma, alpha=ALPHA, max_iter=ITERATIONS, tol=TOLERANCE
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            points = vectors[members].astype(np.float64)
            model.fit(points, np.where(verified[members], numbers, -1))


def beside_scikit_learn(repeats: int) -> str:
    """All groups of each scheme, at the report's number of clips, as a table."""
    drawn = draw(REPORTED)
    gamma = 1.0 / (2 * DIMENSIONS)
    rows = []
    for scheme in class_groups.SCHEMES:
        ways = {
            "Earmark": lambda scheme=scheme: spread_groups(*drawn, scheme),
            "scikit-learn": lambda scheme=scheme: fit_groups(*drawn, scheme, gamma),
        }
        seconds = measuring.in_turn(ways, repeats)
        ratio = measuring.ratios(seconds["Earmark"], seconds["scikit-learn"])
        medians = [f"{statistics.median(times):.2f}" for times in seconds.values()]
        rows.append((scheme, *medians, measuring.spread_of(ratio, ".2f")))
    heads = (
        f"Groups, {REPORTED:,} x {DIMENSIONS:,}", "Earmark, all of it, s", "scikit-learn's fit, s",
        "ratio",
    )  # fmt: skip
    return measuring.table(heads, rows)


def growth() -> str:
    """Time and memory at three sizes, each in a process of its own, as a table."""
    rows = []
    for clips, neighbours in ((1000, "auto"), (10_000, "auto"), (10_000, "50"), (100_000, "auto")):
        found = measuring.in_process(SPREAD, clips, neighbours)
        kernel = "dense" if neighbours == "auto" and clips <= spreading.DENSE_CLIPS else "sparse"
        rows.append(
            (f"{clips:,}, {kernel}", f"{found['seconds']:.1f}", f"{found['gigabytes']:.2f}")
        )
    return measuring.table(("Clips and kernel", "seconds", "GB at most"), rows)


def agreement(clips: int = 5000) -> str:
    """How far the sparse kernel's results are those of the dense one, as a table."""
    vectors, given, verified = draw(clips)
    (dense,) = spread_all(vectors, given, verified, "0")
    rows = []
    for count in (10, 50, 100):
        (sparse,) = spread_all(vectors, given, verified, str(count))
        others = ~verified
        same_label = (sparse["spread"] == dense["spread"])[others].mean()
        same_state = (sparse["state"] == dense["state"])[others].mean()
        rows.append((f"{count} neighbours", f"{100 * same_label:.2f}", f"{100 * same_state:.2f}"))
    heads = (f"Sparse and dense kernel, {clips:,} clips", "same label, %", "same promotion, %")
    return measuring.table(heads, rows)


def section(repeats: int) -> str:
    """Measure all of it; return Markdown."""
    return "\n\n".join([beside_scikit_learn(repeats), growth(), agreement()])


if __name__ == "__main__":
    print(section(**vars(measuring.arguments(__doc__, repeats=5))))
