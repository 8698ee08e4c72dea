"""The page of a run: scores, classes, confusions, calibration, labels, training, and the errors.

Everything is read from the run's tables and figures; the page computes nothing of its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset import clips
from earmark.dataset import tables as csv_tables
from earmark.dataset.clips import Place
from earmark.reporting import web_page
from earmark.reporting.media import Media
from earmark.reporting.web_page import Block, Section

# All other columns are numbers, and a class may be called NA.
TEXTS = {
    *("system", "seed", "split", "label", "guess", "guess_1", "guess_2", "guess_3", "clip", "file"),
    *(
        "start",
        "end",
        "title",
        "a",
        "b",
        "on",
        "remark",
        "selection",
        "source",
        "spreading",
        "group",
    ),
}
EVALUATIONS = {
    "test": "Test clips",
    "cross_validation": "Out of fold: every train clip",
    "validation": "Out of fold: the folds that were trained",
}
OUT_OF_FOLD = (
    "Each train clip is predicted by the models that held out its fold. "
    "Intervals are of 95 %, over clips, or over recordings where clips share them."
)
ON_TEST = "Test clips whose truth is known. Intervals are of 95 %."
SCORES = (
    "MAP@3: 1 if the first guess is correct, 1/2 if the second is, 1/3 if the third is, else 0."
)
CALIBRATION = (
    "nll: negative log-likelihood; ece: expected calibration error in 10 bins of equal "
    "mass; both before and after the temperature."
)
RELIABILITY = "Points on the diagonal: guesses are correct as often as their probability says."
CONFUSIONS = "Blue: correct; orange: confused. Classes that are confused lie side by side."
# File -> title, digits and a remark.
OTHERS = {
    "comparisons": (
        "Comparisons",
        3,
        "a minus b, paired over the same clips, with 95 % intervals.",
    ),
    "choice": ("Choice of the submission", 3, "Chosen by out-of-fold MAP@3."),
    "label_quality": (
        "Correct labels",
        3,
        "Compared with the truth of the train clips. Verified labels were checked by people, "
        "promoted ones were confirmed by label spreading, unverified ones are as given.",
    ),
    "spreading": (
        "Labels before and after spreading",
        1,
        "Within a group, verified labels spread to similar clips. A clip whose given label equals "
        "the one it receives is promoted and counts as verified; if they differ it is rejected; "
        "if it receives none it stays undecided.",
    ),
}


def read(path: str | Path) -> pd.DataFrame:
    """One of the run's tables; numbers are numbers, NaN where there is none."""
    found = csv_tables.read_table(path, (), "table")
    for name in set(found) - TEXTS:
        found[name] = pd.to_numeric(found[name], errors="coerce")
    return found


def sections(
    evaluations: Sequence[str],
    tables: Sequence[str],
    figures: Sequence[str],
    cfg: Mapping[str, Any],
    media_of: Callable[[str, list[Place]], list[Media]],
) -> list[Section]:
    """The sections of the page.

    ``evaluations`` are the CSV files of each kind of evaluation, in its folder; ``tables`` some of
    OTHERS; ``figures`` PNG or SVG files. ``cfg`` describes the run: its ``systems``, rows of a
    table, and sentences about it, ``remarks``.
    ``media_of`` gives the media of clips of an evaluation, by its kind and their places.
    """
    others = {Path(path).stem: path for path in tables}
    parts: dict[str, dict[str, str]] = {}
    for path in evaluations:
        parts.setdefault(Path(path).parent.name, {})[Path(path).stem] = path
    kinds = [kind for kind in EVALUATIONS if kind in parts]
    compared: dict[str, str] = {
        name: others[name] for name in ("comparisons", "choice") if name in others
    }
    labels: dict[str, str] = {
        name: others[name] for name in ("label_quality", "spreading") if name in others
    }
    run = web_page.table(pd.DataFrame(cfg["systems"]).fillna(""))
    found = [
        Section(
            "The run",
            [run],
            [*(headline(kind, parts[kind]) for kind in kinds[:1]), *cfg["remarks"]],
        ),
        *(_evaluation(kind, parts[kind]) for kind in kinds),
        Section("Comparisons", _others(compared), files=list(compared.values())),
        Section(
            "Labels",
            [
                *_others(labels),
                *_figures(figures, "clips", 800, "Train clips per class"),
                *_figures(figures, "tsne", 900, "t-SNE"),
            ],
            files=list(labels.values()),
        ),
        Section("Training", _figures(figures, "history", 1150, "Curves")),
        *(_errors(kind, parts[kind]["errors"], media_of) for kind in kinds[:1]),
    ]
    return [section for section in found if section.blocks or section.remarks]


def _others(paths: Mapping[str, str]) -> list[Block]:
    rows = [(read(path), *OTHERS[name]) for name, path in paths.items()]
    return [web_page.table(table, title, digits, [text]) for table, title, digits, text in rows]


def _figures(paths: Iterable[str], kind: str, width: int, title: str) -> list[Block]:
    """The figures whose file names begin with ``kind``."""
    own = {Path(path).stem.replace("_", " "): path for path in paths}
    own = {name: path for name, path in own.items() if name.startswith(kind)}
    return [web_page.figures(own, width, title)] if own else []


def headline(kind: str, paths: Mapping[str, str]) -> str:
    """How often the first guess is correct, and how often always the same guess would be."""
    scores, classes, confusion = (read(paths[name]) for name in ("scores", "classes", "confusion"))
    system = confusion["system"].get(0, scores["system"][0])
    row = scores[(scores["system"] == system) & (scores["split"] == "all")].iloc[0]
    of_one = classes[(classes["system"] == system) & (classes["seed"] == row["seed"])]
    most = of_one.loc[of_one["clips"].idxmax()]
    which = "test clips" if kind == "test" else "train clips, by models that held them out"
    shares = (
        row["accuracy"],
        row["accuracy_low"],
        row["accuracy_high"],
        most["clips"] / row["clips"],
    )
    share, low, high, of_most = (f"{100 * value:.0f} %" for value in shares)
    return (
        f"The first guess of {system} is correct for {share} of {row['clips']} {which} (95 % "
        f"interval {low} to {high}). Always guessing {most['label']}, the most frequent label, "
        f"would be correct for {of_most}."
    )


def _evaluation(kind: str, paths: Mapping[str, str]) -> Section:
    scores, classes, confusion = (read(paths[name]) for name in ("scores", "classes", "confusion"))
    reliability = read(paths["reliability"])
    calibration = ["nll_before", "nll", "ece_before", "ece", "temperature"]
    shown = scores.drop(columns=calibration)
    whole = scores["split"] == "all"
    blocks: list[Block] = [web_page.table(_lean(shown[whole]), "Scores", remarks=[SCORES])]
    if shown["split"].nunique() > 2:
        # Of several seeds, their mean.
        last = shown.groupby(["system", "split"])["seed"].transform("last") == shown["seed"]
        blocks.append(web_page.table(_lean(shown[~whole & last]), "By part"))
    if len(confusion):
        confusion = confusion[confusion["seed"] == confusion["seed"][0]]
        entry = (classes["system"] == confusion["system"][0]) & (
            classes["seed"] == confusion["seed"][0]
        )
        by_class = classes[entry].drop(columns=["system", "seed"]).sort_values("f1", kind="stable")
        title = f"Classes of {confusion['system'][0]}, the lowest F1 first"
        blocks += [web_page.table(by_class, title, 2), _matrix(confusion)]
    calibrated = _lean(scores.loc[whole, ["system", "seed", "clips", *calibration]])
    blocks.append(web_page.table(calibrated, "Calibration", remarks=[CALIBRATION]))
    if len(reliability):
        blocks.append(_reliability(reliability))
    remarks = [ON_TEST if kind == "test" else OUT_OF_FOLD, *read(paths["remarks"])["remark"]]
    return Section(EVALUATIONS[kind], blocks, remarks, list(paths.values()))


def _lean(frame: pd.DataFrame) -> pd.DataFrame:
    """Without columns that say nothing: of one seed, of one part, clips as recordings, no values.

    Counts come last.
    """
    same = [name for name in ("seed", "split") if name in frame and frame[name].nunique() == 1]
    if "recordings" in frame and (frame["recordings"] == frame["clips"]).all():
        same.append("recordings")
    lean = frame.drop(columns=same).dropna(axis="columns", how="all")
    last = [name for name in ("clips", "recordings") if name in lean]
    return lean[[*lean.columns.drop(last), *last]]


def _matrix(confusion: pd.DataFrame) -> Block:
    cells = {
        (row.label, row.guess): (int(row.clips), float(row.share)) for row in confusion.itertuples()
    }
    classes = list(dict.fromkeys(confusion.loc[confusion["label"] == confusion["guess"], "label"]))
    guesses = [*classes, *sorted(set(confusion["guess"]) - set(classes))]
    labels = [*classes, *sorted(set(confusion["label"]) - set(classes))]
    rows = [
        (label, [(guess, *cells.get((label, guess), (0, 0.0))) for guess in guesses])
        for label in labels
    ]
    return Block("matrix", {"guesses": guesses, "rows": rows}, "Confusions", [CONFUSIONS])


def _reliability(table: pd.DataFrame) -> Block:
    """One diagram per system: that of its first seed."""
    diagrams: list[tuple[str, Any]] = []
    for (system, _seed), bins in table.groupby(["system", "seed"], sort=False):
        if system not in (name for name, _ in diagrams):
            places = bins.assign(
                x=100 * bins["confidence"],
                y=100 - 100 * bins["accuracy"],
                low_y=100 - 100 * bins["low"],
                high_y=100 - 100 * bins["high"],
            )
            numbers = places.drop(columns=["system", "seed"]).round(2)
            diagrams.append((system, numbers.to_dict("records")))
    return Block("reliability", diagrams, "Reliability", [RELIABILITY])


def _errors(kind: str, path: str, media_of: Callable[[str, list[Place]], list[Media]]) -> Section:
    errors = read(path)[: web_page.MOST_SOUNDS]
    if errors.empty:
        return Section("Errors", [], ["There are none."])
    media = media_of(kind, clips.places(errors, Path()))
    sounds = []
    for row, one in zip(errors.to_dict("records"), media, strict=True):
        guesses = [
            (row[f"guess_{n}"], row[f"probability_{n}"]) for n in (1, 2, 3) if row[f"guess_{n}"]
        ]
        if row["label"] not in dict(guesses):
            guesses.append((row["label"], row["label_probability"]))
        marked = [(name, p, "given label" if name == row["label"] else "") for name, p in guesses]
        keys = {
            "given label": row["label"],
            "first guess": row["guess_1"],
            "probability of the guess": row["probability_1"],
            "probability of the label": row["label_probability"],
        }
        if not pd.isna(row["fold"]):
            keys["fold"] = int(row["fold"])
        sounds.append(web_page.Sound(row["clip"], one, keys, marked))
    where = "test clips" if kind == "test" else "train clips, out of fold"
    remark = (
        f"The {len(sounds)} most confident errors on the {where}. Listen: some labels may be wrong."
    )
    return Section("Errors", [web_page.sounds(sounds, ["given label", "fold"])], [remark], [path])
