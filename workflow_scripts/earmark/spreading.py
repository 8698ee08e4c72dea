"""Label spreading within a group: verified labels flow to clips that sound alike (report, 4).

A clip without a verified label is *promoted* when the label that flows to it equals the one it was
given. Rows that no labelled clip reaches through the kernel stay *undecided* and are never
promoted; scikit-learn alone would give them class 0.
"""

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from earmark import finite

log = logging.getLogger("earmark")

COLUMNS = ("fname", "given", "spread", "confidence", "state")
UNDECIDED = ""


def spread(
    fnames: Sequence[str],
    given: Sequence[str],
    verified: np.ndarray,
    vectors: np.ndarray,
    gamma: float | str,
    alpha: float,
    max_iterations: int,
    tolerance: float,
    isolated: str = "undecided",
) -> pd.DataFrame:
    """Spread labels over the clips of one group.

    ``vectors`` (n, d) are latents or other features, ``verified`` (n,) is true where ``given`` is
    trusted. ``gamma`` is the RBF kernel's, or "auto": see ``auto_gamma``. ``isolated`` says what
    becomes of rows that nothing reaches: "undecided", or the "first_class", as scikit-learn alone
    decides and the report's code took over. Returns one row per clip:
    fname, given, spread (empty if undecided), confidence in [0, 1], and state {verified, promoted,
    rejected, undecided}. Method: Zhou et al. 2004, as in scikit-learn's LabelSpreading. Raises
    EarmarkError, with the clips' names, for vectors that are not finite.
    """
    from sklearn.semi_supervised import LabelSpreading

    finite.check_clips(
        "vectors",
        fnames,
        vectors,
        "Delete the file that they come from; the next run makes it anew.",
    )
    known = np.asarray(verified, dtype=bool)
    classes = sorted(set(np.asarray(given)[known]))
    number = {label: index for index, label in enumerate(classes)}
    vectors = np.asarray(vectors, dtype=np.float64)
    if len(classes) < 2 or known.all():
        # With one class there is nothing to decide between, and agreeing would prove nothing.
        mass = np.zeros((len(fnames), max(1, len(classes))))
    else:
        start = np.array(
            [number[label] if trusted else -1 for label, trusted in zip(given, known, strict=True)]
        )
        width = auto_gamma(vectors) if gamma == "auto" else float(gamma)
        model = LabelSpreading(
            kernel="rbf", gamma=width, alpha=alpha, max_iter=max_iterations, tol=tolerance
        )
        with warnings.catch_warnings():
            # Rows without any mass divide zero by zero there; they are handled below.
            warnings.simplefilter("ignore", RuntimeWarning)
            model.fit(vectors, start)
        mass = np.nan_to_num(model.label_distributions_)
        log.info("Spread with gamma %.4g in %d iterations.", width, model.n_iter_)
    decided = mass.sum(axis=1) > 0
    if isolated == "first_class" and classes:
        decided[:] = True
    found = [
        classes[best] if sure else UNDECIDED
        for best, sure in zip(mass.argmax(axis=1), decided, strict=True)
    ]
    table = pd.DataFrame(
        {
            "fname": list(fnames),
            "given": list(given),
            "spread": found,
            "confidence": np.round(mass.max(axis=1), 6),
        }
    )
    agrees = table["spread"] == table["given"]
    state = np.where(agrees, "promoted", np.where(decided, "rejected", "undecided"))
    table["state"] = np.where(known, "verified", state)
    return table


def auto_gamma(vectors: np.ndarray, sample: int = 2000) -> float:
    """Kernel width from the data: 1 / the median squared distance to the nearest neighbour.

    Then a typical clip shares about a third of its weight (exp -1) with the clip most like it.
    The median is taken over at most ``sample`` clips, evenly picked.
    """
    from sklearn.neighbors import NearestNeighbors

    picked = vectors[np.linspace(0, len(vectors) - 1, min(sample, len(vectors))).astype(int)]
    distances, _ = NearestNeighbors(n_neighbors=2).fit(vectors).kneighbors(picked)
    median = float(np.median(distances[:, 1] ** 2))
    if median > 0:
        return 1.0 / median
    positive = distances[:, 1][distances[:, 1] > 0]
    return float(1.0 / np.mean(positive**2)) if len(positive) else 1.0


def summary_row(spreading: str, group: str, table: pd.DataFrame) -> dict[str, object]:
    """One row of the group table: counts before and after, as the report prints them."""
    counts = table["state"].value_counts()
    verified, promoted = int(counts.get("verified", 0)), int(counts.get("promoted", 0))
    return {
        "spreading": spreading,
        "group": group,
        "classes": table["given"].nunique(),
        "clips": len(table),
        "verified": verified,
        "promoted": promoted,
        "verified_after": verified + promoted,
        "percent_after": round(100 * (verified + promoted) / len(table), 2),
        "rejected": int(counts.get("rejected", 0)),
        "undecided": int(counts.get("undecided", 0)),
    }
